#!/bin/bash
# Usage: healthy
#
# The servers' health check inside their container: exit code 0 when the server was ready once and
# answers now. Once it has been ready it is judged by /health alone: whoever replaces containers
# that are not healthy (Swarm) must not replace all of them because Redis is away. A new container
# that never becomes ready, whatever the reason, never counts as healthy.
set -euo pipefail

[[ ${1-} != --help ]] || { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" && exit 0; }

was_ready=/dev/shm/was-ready # writable in every container, and empty at every start
path=/health
[[ -e $was_ready ]] || path=/health/ready
exec 3<>"/dev/tcp/127.0.0.1/${PORT:-8000}"
printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$path" >&3
mapfile -t -u 3 answer
printf '%s\n' "${answer[-1]}"
[[ ${answer[0]} == *" 200 "* ]]
: >"$was_ready"
