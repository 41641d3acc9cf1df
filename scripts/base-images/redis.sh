#!/bin/bash
# Usage: docker-entrypoint.sh [redis-server option …] | command …
# The entry point of the stand-in for the image redis: as root it hands /data to redis first.
set -euo pipefail
[[ ${1-} != --help ]] || { sed -n '2,3s/^# //p' "$0" && exit 0; }

[[ ${1-} != -* && ${1-} != *.conf ]] || set -- redis-server "$@"
if [[ ${1-} == redis-server && $EUID -eq 0 ]]; then
  find . \! -user redis -exec chown redis {} +
  set -- setpriv --reuid=redis --regid=redis --clear-groups "$@"
fi
[[ " $* " != *" redis-server "* ]] || set -- "$@" --protected-mode no # as the real one is built
umask 0077
exec "$@"
