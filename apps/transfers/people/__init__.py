"""One person's data as a file, and one person erased: operations that anybody can follow."""
