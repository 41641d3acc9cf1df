#!/bin/bash
# Usage: docker-entrypoint.sh [option of postgres …] | command …
#
# The entry point of the stand-in for the image postgres: makes the cluster at the first start, from
# POSTGRES_USER, POSTGRES_PASSWORD (or _FILE) and POSTGRES_DB, and runs what is in
# /docker-entrypoint-initdb.d.
set -euo pipefail
[[ ${1-} != --help ]] || { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" && exit 0; }

[[ ${1-} != -* ]] || set -- postgres "$@"
[[ ${1-} == postgres ]] || exec "$@"

if [[ -z ${POSTGRES_PASSWORD-} && -n ${POSTGRES_PASSWORD_FILE-} ]]; then
  POSTGRES_PASSWORD=$(<"$POSTGRES_PASSWORD_FILE")
  export POSTGRES_PASSWORD
fi
if [[ $EUID -eq 0 ]]; then
  mkdir -p "$PGDATA"
  chown -R postgres: "$PGDATA" /run/postgresql
  chmod 700 "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --clear-groups "$0" "$@"
fi

export PGUSER=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$PGUSER}
if [[ ! -s $PGDATA/PG_VERSION ]]; then
  [[ -n ${POSTGRES_PASSWORD-} ]] || { echo "POSTGRES_PASSWORD must be set" >&2 && exit 1; }
  initdb --username="$PGUSER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") \
    --auth-local=trust --auth-host=scram-sha-256
  echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
  echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
  pg_ctl -w start -o "-c listen_addresses=''" >/dev/null
  [[ $database == postgres ]] || createdb "$database"
  for script in /docker-entrypoint-initdb.d/*.sql; do
    [[ ! -e $script ]] || psql -v ON_ERROR_STOP=1 -d "$database" -f "$script"
  done
  pg_ctl -w -m fast stop >/dev/null
fi
unset POSTGRES_PASSWORD PGUSER
exec "$@"
