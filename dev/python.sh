#!/bin/sh
# Run the first Python that is new enough, with the arguments given; say what to do without one.
for python in python3 python3.14 python3.13 python3.12 python3.11; do
  if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    exec "$python" "$@"
  fi
done
found=$(python3 --version 2>/dev/null || echo "no Python 3")
echo "  ✗ DotMac needs Python 3.11 or newer; this machine has $found." \
  "Install one (apt-get install python3 python3-venv on Debian 12, Ubuntu 24.04 or newer)," \
  "then run the command again." >&2
exit 1
