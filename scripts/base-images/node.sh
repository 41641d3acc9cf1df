#!/bin/sh
# Usage: docker-entrypoint.sh [command …] | [argument of node …]
# The entry point of the stand-in for the image node.
[ "$1" != --help ] || { sed -n '2,3s/^# //p' "$0" && exit 0; }

if [ "${1#-}" != "$1" ] || [ -z "$(command -v "$1")" ]; then set -- node "$@"; fi
exec "$@"
