#!/bin/sh
# Runs while the image is built: makes the cluster with the release's tables and the empty
# workspace in it. Unlogged and unsynced here, since a failed build leaves nothing.
set -eu
umask 077
export PATH=/usr/lib/postgresql/17/bin:$PATH
volume=/var/lib/postgresql/data
data=$volume/17

server() {
  pg_ctl -s -w -D "$data" -l /tmp/server.log -o "-c hba_file=/etc/postgresql/pg_hba.conf \
    -c ident_file=/etc/postgresql/pg_ident.conf -c unix_socket_directories=/tmp \
    -c listen_addresses= -c fsync=off -c max_connections=20" "$@" || { tail /tmp/server.log; exit 1; }
}

initdb -D "$data" -U postgres -E UTF8 --locale=C.UTF-8 --locale-provider=builtin \
  --builtin-locale=C.UTF-8 --data-checksums --wal-segsize=4 --no-sync >/tmp/initdb.log
server start
psql -q -h /tmp -U postgres -d postgres -c 'CREATE ROLE dotmac LOGIN' \
  -c 'CREATE DATABASE dotmac OWNER dotmac'
psql -q -h /tmp -U postgres -d dotmac -c 'ALTER SCHEMA public OWNER TO dotmac'
DATABASE_URL=postgresql://dotmac@%2Ftmp/dotmac python /app/manage.py release --template
psql -q -h /tmp -U postgres -d dotmac -c 'VACUUM (FREEZE, ANALYZE)' -c 'CHECKPOINT'
server stop
# One fresh segment instead of the log of the migrations.
pg_resetwal -D "$data" >/dev/null
# Written last and sorted last: a volume that the engine filled only partly lacks it.
: >"$volume/complete"
