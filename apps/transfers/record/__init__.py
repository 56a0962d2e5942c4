"""A part of the record that is too long for an answer, written into a file by a worker."""
