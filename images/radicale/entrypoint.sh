#!/bin/sh
# Turns RADICALE_USER and RADICALE_PASSWORD into the file that Radicale reads, in memory only.
set -eu
umask 077
case ${RADICALE_USER:-} in
  '' | *[!A-Za-z0-9._@-]*)
    echo "RADICALE_USER may hold letters, digits and . _ @ - only. Set another name." >&2
    exit 1
    ;;
esac
case ${RADICALE_PASSWORD:-} in
  '' | *[![:print:]]*)
    echo "RADICALE_PASSWORD is empty or holds a control character. Set another one." >&2
    exit 1
    ;;
esac
printf '%s:%s\n' "$RADICALE_USER" "$RADICALE_PASSWORD" >/tmp/users
unset RADICALE_PASSWORD
exec radicale "$@"
