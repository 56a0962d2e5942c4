"""A Django app of the tests: an operation whose step asks a container engine."""
