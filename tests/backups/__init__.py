"""Backups of the platform, off site and back."""
