"""Reaching addresses that a customer entered, and nothing inside our own network."""

from dotmac.net.reach import OutOfReachError, Reach, connect

__all__ = ["OutOfReachError", "Reach", "connect"]
