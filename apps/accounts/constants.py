"""Values that more than one app knows."""

# Where a session keeps the answers of a sign-up that is under way.
SIGN_UP = "signup"
# Service accounts of a schema, switched off ones too; keys of one that are valid; and those with
# the ones whose place was taken and which still count for a while.
MOST_ACCOUNTS, MOST_KEYS, MOST_KEYS_ROTATING = 500, 20, 40
