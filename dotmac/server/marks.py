"""What processes of a release tell whoever replaces them."""

# How `migrate_fleet` ends when all went well but for some tenants, which it names.
SOME_TENANTS_FAILED = 4
# Names the file by which clock and worker say that they are at work, and not only loaded.
READY_FILE = "DOTMAC_READY_FILE"
# What a web process says with its readiness. A text of its own for each process.
PROCESS_HEADER = "X-DotMac-Process"
# How many requests it has begun and not ended.
OPEN_HEADER = "X-DotMac-Open"
