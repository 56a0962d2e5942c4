"""Identity providers that an owner sets up, with which people sign in instead of a password."""
