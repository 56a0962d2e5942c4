#!/bin/sh
# Trust this installation's certificate authority: for the system's programs, and for the browsers
# of this user, which keep stores of their own.
set -eu
cd "$(dirname "$0")/.."
certificate=var/keys/ca.pem
[ -f "$certificate" ] || {
  echo "  ✗ There is no $certificate yet. Run make up first." >&2
  exit 1
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

if command -v update-ca-certificates >/dev/null; then
  as_root cp "$certificate" /usr/local/share/ca-certificates/dotmac-local.crt
  as_root update-ca-certificates >/dev/null
  echo "  ✓ Trusted by this system's programs"
else
  echo "  ! The system's store is left alone: there is no update-ca-certificates here."
fi

if ! command -v certutil >/dev/null; then
  echo "  ! For Chromium and Firefox: apt-get install libnss3-tools, then make trust again."
  exit 0
fi
mkdir -p "$HOME/.pki/nssdb"
[ -f "$HOME/.pki/nssdb/cert9.db" ] ||
  certutil -d "sql:$HOME/.pki/nssdb" -N --empty-password
for store in "$HOME/.pki/nssdb" "$HOME"/.mozilla/firefox/*.default* \
  "$HOME"/snap/firefox/common/.mozilla/firefox/*.default*; do
  [ -f "$store/cert9.db" ] || continue
  certutil -d "sql:$store" -D -n "DotMac local CA" 2>/dev/null || true
  certutil -d "sql:$store" -A -t "C,," -n "DotMac local CA" -i "$certificate"
  echo "  ✓ Trusted by the browser of $store"
done
