#!/bin/sh
# Starts the workspace's database: takes the volume for itself, fills a new one, sets a new
# password, becomes the server. May be killed anywhere; the next start goes on.
set -eu
umask 077
volume=/var/lib/postgresql/data
data=$volume/17
digest_file=$volume/password.digest

fail() {
  echo "$1" >&2
  exit 1
}

# Lower-case hex over a salt of this volume and the password. printf is built in: no argument list.
password_digest() {
  printf '%s\n%s' "$1" "$POSTGRES_PASSWORD" | sha256sum | cut -d ' ' -f 1
}

is_password_set() {
  [ -s "$digest_file" ] || return 1
  read -r salt digest <"$digest_file" || return 1
  [ "$(password_digest "$salt")" = "$digest" ]
}

# A server without network runs the one statement. The digest follows it, so that a start that is
# killed in between sets the password once more.
set_password() {
  escaped=$(printf '%s' "$POSTGRES_PASSWORD" | sed "s/'/''/g")
  printf "ALTER ROLE dotmac PASSWORD '%s'\n" "$escaped" | postgres --single -j \
    -c config_file=/etc/postgresql/postgresql.conf -c log_min_error_statement=panic \
    -c log_min_messages=fatal dotmac >/dev/null ||
    fail "The database could not set its password; its own message is above."
  salt=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  printf '%s %s\n' "$salt" "$(password_digest "$salt")" >"$digest_file.new"
  sync "$digest_file.new"
  mv "$digest_file.new" "$digest_file"
}

# The cluster comes by renaming, so that half a one is never found.
unpack_cluster() {
  rm -rf "$data.new"
  mkdir "$data.new"
  tar -xf /usr/local/share/dotmac/cluster.tar -C "$data.new"
  sync -f "$volume"
  mv "$data.new" "$data"
}

case ${POSTGRES_PASSWORD:-} in
  '') fail "POSTGRES_PASSWORD is empty. Set the password of this instance's database." ;;
  *[![:print:]]*) fail "POSTGRES_PASSWORD holds a control character. Set another one." ;;
esac
[ -w "$volume" ] || fail "The volume at $volume is not writable for user $(id -u). Change its owner."
# Held by the server and its children to their end, in whatever container they run.
exec 9>"$volume/lock"
flock -w 30 9 || fail "Another server still uses the volume at $volume. Stop its container first."
[ -d "$data" ] || unpack_cluster
# Nobody runs, so this is of a server that was killed, and its number may be anybody's here.
rm -f "$data/postmaster.pid"

is_password_set || set_password
unset POSTGRES_PASSWORD
exec postgres -c config_file=/etc/postgresql/postgresql.conf "$@"
