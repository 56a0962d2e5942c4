#!/bin/sh
# Run every check, one line each; what a failed one said follows, and the list of failures ends it.
set -u
cd "$(dirname "$0")/../.."
PATH="$PWD/.venv/bin:$PATH"
# The test settings start the test database when one is needed.
export DJANGO_SETTINGS_MODULE=config.settings.test
output=$(mktemp)
trap 'rm -f "$output"' EXIT
failed=""

check() {
  name=$1
  shift
  began=$(date +%s)
  if "$@" >"$output" 2>&1; then
    printf '  ✓ %-28s %s s\n' "$name" "$(($(date +%s) - began))"
  else
    printf '  ✗ %-28s %s s\n' "$name" "$(($(date +%s) - began))"
    sed 's/^/      /' "$output"
    failed="$failed $name"
  fi
}

check ruff ruff check --quiet .
check format ruff format --check --quiet .
check mypy mypy dotmac apps
check layers lint-imports
check hosts python -m dev.lint.no_hosts
check migrations python manage.py makemigrations --check --dry-run
# Of the ignored ones: a unique index over a column that the same migration adds, empty in all rows.
check lintmigrations python manage.py lintmigrations --sql-analyser postgresql \
  --ignore-name 0002_labels 0003_labels 0007_service_accounts \
  --include-apps accounts backups billing branding certificates contract core doctor events fleet idp \
    instances lists marketplace \
  notifications operations portal subscribers tenancy tenants webhooks work
check templates djlint --check templates dev/templates
check dependencies deptry . --config dev/lint/deptry.toml
# Asserts narrow types here, and programs are called without a shell on purpose.
check bandit bandit -q -r dotmac apps config --skip B101,B404,B603,B606

if [ -n "$failed" ]; then
  echo "  Failed:$failed"
  exit 1
fi
