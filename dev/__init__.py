"""What a developer's machine needs around the platform; nothing here runs in production."""
