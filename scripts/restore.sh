#!/bin/bash
# Usage: scripts/restore.sh dev|prod|kubernetes|direct FOLDER [option …]
#
# Puts a backup of scripts/backup.sh back, instead of what PostgreSQL and Redis hold now. Stop the
# servers before: while they run, this refuses. What is there now is backed up first, and its
# folder named. With Redis restored the canvas begins a new epoch, and every page loads it once.
#
#   dev, prod, kubernetes, direct, --redis NAME, --postgres NAME: as for scripts/backup.sh;
#                   direct: Redis must run on this machine
#   --only redis|postgres   one of the two; otherwise what the folder holds
#   --to FOLDER     where the backup of what is there now goes (default: beside FOLDER)
#   --dry-run       say what would be done, and whether everything can be reached
#
# Repeating it does no harm. If Redis fails halfway, it may be left empty: repeat it.
set -euo pipefail
called_from=$PWD
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
# shellcheck source=scripts/stores.sh
. scripts/stores.sh
explain "$@"

to=""
read_words "$store_options to=" "$@"
[[ ${#words[@]} -lt 3 ]] || die "${words[2]}: one backup at a time; see --help"
[[ ${#words[@]} -eq 2 ]] || die "which backup? Give its folder; see --help"
where=${words[0]}
folder=$(cd "$called_from" && realpath -m -- "${words[1]}")
[[ -z $to ]] || to=$(cd "$called_from" && realpath -m -- "$to")
[[ -f $folder/SHA256SUMS ]] || die "$folder is no backup: it has no SHA256SUMS"
(cd "$folder" && sha256sum --check --quiet SHA256SUMS >&2) || die "$folder is damaged"
if [[ -z $only ]]; then
  [[ -f $folder/postgres.dump ]] || only=redis
  [[ -f $folder/redis.rdb ]] || only=postgres
fi
! wanted postgres || [[ -f $folder/postgres.dump ]] || die "$folder holds no PostgreSQL"
! wanted redis || [[ -f $folder/redis.rdb ]] || die "$folder holds no Redis"
find_stores
check_stores

# servers_run: whether anybody follows the journal, or keeps a history.
servers_run() {
  if wanted redis && [[ $(redis client list type pubsub) == *id=* ]]; then return 0; fi
  wanted postgres && [[ $(pg psql -XAtqc "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'pixel-battle%'" \
    </dev/null) != 0 ]]
}
if servers_run; then
  die "servers are connected: stop them before (Compose: stop backend; Kubernetes: kubectl scale \
deployment pixel-battle-backend --replicas=0)"
fi
if [[ $dry_run == yes ]]; then
  ! wanted postgres || say "Would replace PostgreSQL by $folder/postgres.dump"
  ! wanted redis || say "Would replace Redis by $folder/redis.rdb"
  exit 0
fi

say "Backing up what is there now"
before=$(scripts/backup.sh "$where" ${redis:+--redis "$redis"} \
  ${postgres:+--postgres "$postgres"} ${only:+--only "$only"} \
  --to "${to:-$(dirname "$folder")}") || die "nothing was changed"
say "It is in $before"

# All tables go, also those of newer migrations, and come back, in one transaction. Only what was
# read to its end is committed. (pg_restore --clean cannot drop the keys of partitions.)
postgres_script() {
  cat <<'SQL'
BEGIN;
SET client_min_messages = warning;
DO $$
DECLARE names text;
BEGIN
  SELECT string_agg(oid::regclass::text, ', ') INTO names FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition;
  IF names IS NOT NULL THEN EXECUTE 'DROP TABLE ' || names || ' CASCADE'; END IF;
END $$;
SQL
  beside_postgres pg_restore --file=- --no-owner --no-privileges <"$folder/postgres.dump" &&
    echo 'COMMIT;'
}

if wanted postgres; then
  say "PostgreSQL"
  postgres_script | pg psql -Xq --set=ON_ERROR_STOP=1 >/dev/null || die "PostgreSQL is as it was"
fi

# Runs beside Redis, so that it works in a container that can reach nobody: a second Redis loads the
# file, the real one follows it until it has everything and its own log holds it, then stands alone.
# shellcheck disable=SC2016  # all of it is for the other shell
follow='
set -eu
umask 077
folder=$1 && shift
cli() { redis-cli "$@" </dev/null; }
state() { redis-cli "$@" info replication; redis-cli "$@" info persistence; }
refuse() { cat >/dev/null; exit 1; } # kubectl exec ends only when all was read
mkdir "$folder" || refuse
port=$((20000 + $$ % 20000))
pid=""
end() {
  cli "$@" replicaof no one >/dev/null || true
  [ -z "$pid" ] || kill "$pid" || true
  rm -rf "$folder"
}
trap "exit 1" INT TERM HUP
trap "end \"\$@\"" EXIT
cat >"$folder/dump.rdb" || refuse
serve() {
  redis-server --bind 127.0.0.1 --port "$port" --dir "$folder" --dbfilename dump.rdb \
    --appendonly no --save "" --repl-diskless-sync-delay 0 </dev/null >"$folder/log" 2>&1 &
  pid=$!
  until grep -q "Ready to accept connections" "$folder/log"; do
    kill -0 "$pid" 2>/dev/null || { pid="" && return 1; }
    sleep 0.1
  done
}
port_max=$((port + 20))
until serve; do # another program may have the port
  grep -q "Address already in use" "$folder/log" && [ "$port" -lt "$port_max" ] ||
    { tail -n 3 "$folder/log" >&2; exit 1; }
  port=$((port + 1))
done
own() { env -u REDISCLI_AUTH redis-cli -p "$port" "$@"; }
# It gives its password to whoever it follows.
password=$(cli "$@" config get masterauth | sed -n 2p)
[ -z "$password" ] || printf "config set requirepass \"%s\"\n" "$password" | own >/dev/null
[ "$(cli "$@" replicaof 127.0.0.1 "$port")" = OK ] || exit 1
tries=0
until state "$@" | tr -d "\r" | awk "
    /^master_link_status:up/ || /^loading:0/ || /^aof_rewrite_in_progress:0/ ||
    /^aof_rewrite_scheduled:0/ || /^aof_last_bgrewrite_status:ok/ { ++held }
    END { exit held < 5 }"; do
  tries=$((tries + 1))
  [ "$tries" -lt 6000 ] || { echo "Redis does not take it over" >&2; exit 1; }
  sleep 0.1
done
[ "$(cli "$@" replicaof no one)" = OK ]
# The history and the pages may know more than this: what follows here is of another epoch. Its
# number is the time, which is above all that failovers have counted up to.
state="{pixel-battle}:v1:state"
[ "$(cli "$@" exists "$state")" != 1 ] || cli "$@" fcall pb1_end_epoch 1 "$state" restore \
  "$(date +%s)" 0 0000000000000000 | grep -qx ended
'
if wanted redis; then
  say "Redis"
  if [[ $where == direct ]]; then
    spot=$(mktemp -d) && rmdir -- "$spot"
  else
    spot=$(redis --raw config get dir | tail -n 1)/restore-$$ # it may write nowhere else
  fi
  "${redis_at[@]}" sh -c "$follow" sh "$spot" "${redis_login[@]}" <"$folder/redis.rdb" ||
    die "Redis could not be restored; what was there is in $before"
fi
say "Restored; now start the servers"
