"""Database backend: one schema at a time."""
