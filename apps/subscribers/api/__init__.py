"""Subscribers and their services over the API of a workspace."""
