"""People of the operator who help an ISP for a while: with a reason, seen, and out in time."""
