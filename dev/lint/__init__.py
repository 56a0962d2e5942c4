"""Checks of this project's own."""
