"""What each process tells of what it does: requests, queries, numbers, and whether it is well."""
