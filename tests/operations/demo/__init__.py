"""A Django app of the tests: pipelines that work on a little world of files."""
