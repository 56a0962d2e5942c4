"""What can go wrong with leases."""


class LeaseLostError(Exception):
    """Another worker took this work over, or may have: change nothing any more."""
