"""Values that more than one app knows."""

# Where a session keeps the answers of a sign-up that is under way.
SIGN_UP = "signup"
