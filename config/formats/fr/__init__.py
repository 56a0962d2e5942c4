"""French dates and numbers."""
