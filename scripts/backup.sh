#!/bin/bash
# Usage: scripts/backup.sh dev|prod|kubernetes|direct [option …]
#
# Backs up PostgreSQL and Redis while they serve, into a folder of its own, named by the time, and
# prints its path. A folder that is there is whole: it gets its name when everything in it has
# been read back. scripts/restore.sh puts it back.
#
#   dev, prod       what docker-compose.yml or docker-compose.prod.yml runs
#   kubernetes      the pods of k8s/, with $KUBECTL (default: kubectl) in its current context
#   direct          what DATABASE_URL and REDIS_URL name
#   --to FOLDER     where the backups are kept (default: backups)
#   --keep N        delete older ones, but the newest N (default: all are kept)
#   --only redis|postgres   one of the two
#   --redis NAME, --postgres NAME  the service of Compose, or the object of Kubernetes; for the
#                   counter: --only redis --redis deployment/redis
#   --dry-run       say what would be done, and whether everything can be reached
#
# PostgreSQL is read first: so the journal in Redis is never behind the history that it feeds.
set -euo pipefail
called_from=$PWD
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
# shellcheck source=scripts/stores.sh
. scripts/stores.sh
explain "$@"

to="" keep=""
read_words "$store_options to= keep#" "$@"
[[ ${#words[@]} -lt 2 ]] || die "${words[1]}: one place at a time; see --help"
where=${words[0]-}
if [[ -n $to ]]; then
  to=$(cd "$called_from" && realpath -m -- "$to")
else
  to=$PWD/backups
fi
find_stores
check_stores

name=$(date -u +%Y-%m-%dT%H-%M-%SZ)
if [[ $dry_run == yes ]]; then
  ! wanted postgres || say "Would write PostgreSQL to $to/$name/postgres.dump"
  ! wanted redis || say "Would write Redis to $to/$name/redis.rdb"
  exit 0
fi

# byte_before file n: the n-th byte before the end, as two hexadecimal digits.
byte_before() { tail -c "$2" -- "$1" | head -c 1 | od -An -tx1 | tr -d ' '; }

# cut_marker file: whether it is a whole dump. Its last 9 bytes are 0xff and a checksum; a Redis
# that cannot say beforehand how long it will be puts 40 hexadecimal digits behind: cut off.
cut_marker() {
  [[ $(head -c 5 -- "$1") == REDIS ]] || return 1
  [[ $(byte_before "$1" 9) != ff ]] || return 0
  [[ $(byte_before "$1" 49) == ff && $(tail -c 40 -- "$1") =~ ^[0-9a-f]{40}$ ]] &&
    truncate -s -40 -- "$1"
}

mkdir -p "$to"
umask 077 # a backup holds everything that there is to know
part=$(mktemp -d "$to/.unfinished-XXXXXX")
trap 'rm -rf -- "$part"' EXIT

if wanted postgres; then
  say "PostgreSQL"
  pg pg_dump --format=custom --no-owner --no-privileges </dev/null >"$part/postgres.dump" ||
    die "PostgreSQL could not be backed up"
  beside_postgres pg_restore --list <"$part/postgres.dump" >/dev/null ||
    die "what PostgreSQL gave cannot be read back"
fi
if wanted redis; then
  say "Redis"
  redis --rdb - >"$part/redis.rdb" 2>"$part/said" || die "Redis: $(tail -n 1 "$part/said")"
  rm -- "$part/said"
  cut_marker "$part/redis.rdb" || die "what Redis gave is not whole"
fi
(cd "$part" && sha256sum -- * >SHA256SUMS && sync -- *)

# Two in the same second would be one inside the other.
until mkdir -- "$to/$name" 2>/dev/null; do
  [[ -d $to/$name ]] || die "cannot write to $to"
  sleep 1
  name=$(date -u +%Y-%m-%dT%H-%M-%SZ)
done
mv -T -- "$part" "$to/$name" # over the empty folder, in one step
sync -- "$to"

if [[ -n $keep ]]; then
  find "$to" -mindepth 1 -maxdepth 1 -type d -name '20??-??-??T??-??-??Z' | sort -r |
    tail -n +$((keep + 1)) | while read -r old; do
    say "Deleting $old"
    rm -rf -- "$old"
  done
fi
echo "$to/$name"
