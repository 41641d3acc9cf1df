#!/bin/bash
# Usage: docker-entrypoint.sh command …
# The entry point of the stand-in for the image nginx: runs what is in /docker-entrypoint.d first.
set -euo pipefail
[[ ${1-} != --help ]] || { sed -n '2,3s/^# //p' "$0" && exit 0; }

if [[ ${1-} == nginx ]]; then
  for script in /docker-entrypoint.d/*.sh; do
    if [[ -x $script ]]; then "$script"; fi
  done
fi
exec "$@"
