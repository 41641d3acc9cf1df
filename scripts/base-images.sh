#!/bin/bash
# Usage: scripts/base-images.sh [--again] [NAME …]
#
# Makes local stand-ins of the base images that the project's files name, from Debian's packages,
# for machines that reach these but no image registry: debian:12-slim, redis:7, postgres:15,
# nginx:stable, node:lts-slim, prom/prometheus:latest and prom/node-exporter:latest, or those that
# are named: locustio/locust:latest too, which the tests in a Kubernetes cluster need. What is there
# already stays, unless --again. Needs root, a Docker engine that runs, and mmdebstrap. Grafana is
# not in Debian: there is no stand-in for it.
#
# Behind a proxy that intercepts TLS the one for Node.js carries this host's certificates and npm's
# address and settings.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
explain "$@"

suite=bookworm
known=(debian:12-slim redis:7 postgres:15 nginx:stable node:lts-slim
  prom/prometheus:latest prom/node-exporter:latest)
again=no
[[ ${1-} != --again ]] || { again=yes && shift; }
names=("$@")
[[ $# -gt 0 ]] || names=("${known[@]}")
for name in "${names[@]}"; do
  [[ " ${known[*]} locustio/locust:latest " == *" $name "* ]] ||
    die "there is no stand-in for $name"
done

docker info >/dev/null 2>&1 || die "no Docker engine answers"
ensure_packages ca-certificates mmdebstrap
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

# From where this host itself gets its packages, if it is of that release.
sources() {
  # shellcheck source=/dev/null
  [[ $(. /etc/os-release && echo "${VERSION_CODENAME-}") == "$suite" ]] || return 0
  local file
  for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
    if [[ -s $file ]]; then echo "$file" && return; fi
  done
}

# As small as the real one: without manuals and translations, for what is installed later, too.
make_debian() {
  local from option
  local options=()
  for option in doc info locale man; do
    options+=("--dpkgopt=path-exclude=/usr/share/$option/*")
  done
  from=$(sources)
  # shellcheck disable=SC2016  # mmdebstrap gives the folder
  mmdebstrap --quiet --variant=minbase --mode=root "${options[@]}" --include=usr-is-merged \
    --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
    --customize-hook='rm -rf "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/* "$1"/var/log/*' \
    "$suite" "$work/debian.tar" ${from:+"$from"} >"$work/log" 2>&1 || die "$(cat "$work/log")"
  docker import --change 'CMD ["bash"]' "$work/debian.tar" "$1" >/dev/null
}

# The same for all that are built on it.
write_context() {
  mkdir "$work/context"
  cp scripts/base-images/* /etc/ssl/certs/ca-certificates.crt "$work/context/"
  {
    echo "cafile=/etc/ssl/certs/ca-certificates.crt"
    ! command -v npm >/dev/null || echo "registry=$(npm config get registry 2>/dev/null)"
  } >"$work/context/npmrc"
}

# stand_in name: builds it, if it is not there.
stand_in() {
  local target=${1##*/}
  [[ $again == yes ]] || ! docker image inspect "$1" >/dev/null 2>&1 || return 0
  say "Making a stand-in for $1"
  if [[ $1 == debian:12-slim ]]; then
    make_debian "$1"
  else
    docker build --quiet --target "${target%%:*}" -t "$1" "$work/context" >"$work/log" 2>&1 ||
      die "$(cat "$work/log")"
  fi
}

write_context
stand_in debian:12-slim
for name in "${names[@]}"; do stand_in "$name"; done
