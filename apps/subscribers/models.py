"""Models of the subscribers app."""
