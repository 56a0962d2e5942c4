#!/bin/sh
# Build static/css from static/src. `dev/css.sh --watch` keeps app.css fresh while you edit.
set -eu
cd "$(dirname "$0")/.."
tailwind=.venv/bin/tailwindcss

if [ "${1:-}" = "--watch" ]; then
  exec "$tailwind" --input static/src/app.css --output static/css/app.css --watch=always
fi
for sheet in app admin; do
  "$tailwind" --input "static/src/$sheet.css" --output "static/css/$sheet.css" --minify
done
