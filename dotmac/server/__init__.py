"""A server: installing DotMac on it, upgrading it while it serves, and going back."""
