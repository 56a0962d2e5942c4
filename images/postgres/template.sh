#!/bin/sh
# Runs while the image is built: makes /tmp/cluster.tar, a cluster with the release's tables and
# the empty workspace in it. Nothing is synced here, since a failed build leaves nothing.
set -eu
umask 077
export PATH=/usr/lib/postgresql/17/bin:$PATH
data=/tmp/cluster

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
# Each database is 300 files to unpack.
psql -q -h /tmp -U postgres -d dotmac -c 'DROP DATABASE postgres' \
  -c 'ALTER SCHEMA public OWNER TO dotmac'
DATABASE_URL=postgresql://dotmac@%2Ftmp/dotmac python /app/manage.py release --template
psql -q -h /tmp -U postgres -d dotmac -c 'VACUUM (FREEZE, ANALYZE)' -c 'CHECKPOINT'
server stop
# One fresh segment instead of the log of the migrations.
pg_resetwal -D "$data" >/dev/null
tar --sparse -cf /tmp/cluster.tar -C "$data" .
