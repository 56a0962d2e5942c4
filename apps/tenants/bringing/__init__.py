"""A tenant in a file of another installation: looked at by the operator, then brought in."""
