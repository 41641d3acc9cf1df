#!/bin/bash
# Usage: scripts/run.sh [--cluster N] [option of the server …]
#
# Installs what is missing, builds the server and the front end, and starts it on
# http://localhost:8000, or where PORT says. The canvas lives in DATA_DIR (default ./data).
# Started again with nothing changed, it builds nothing. Ctrl-C drains and ends it.
# With --cluster, N servers share one canvas, with Redis, PostgreSQL and nginx on this machine:
# scripts/cluster.sh --help says more.
#
# PIXEL_BATTLE_BIN names a server and WEB_DIR a front end that are there already and are used
# instead of being built. The server's own options: build/release/bin/pixel-battle --help.
set -euo pipefail

# Relative to where the caller is, not to the project.
[[ -z ${DATA_DIR-} ]] || DATA_DIR=$(realpath -m -- "$DATA_DIR")
[[ -z ${PIXEL_BATTLE_BIN-} ]] || PIXEL_BATTLE_BIN=$(realpath -m -- "$PIXEL_BATTLE_BIN")
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
explain "$@"

cluster=() options=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --cluster) cluster=(scripts/cluster.sh "${2-}") && shift ;;
    --cluster=*) cluster=(scripts/cluster.sh "${1#*=}") ;;
    *) options+=("$1") ;;
  esac
  shift || die "--cluster: how many servers?"
done
# Asked before anything is installed or built.
[[ ${#cluster[@]} -eq 0 ]] || "${cluster[@]}" --check "${options[@]}"

back_end=(src apps cmake CMakeLists.txt CMakePresets.json)
binary=${PIXEL_BATTLE_BIN:-$PWD/build/release/bin/pixel-battle}

if [[ -n ${PIXEL_BATTLE_BIN-} ]]; then
  [[ -x $binary ]] || die "PIXEL_BATTLE_BIN: there is no program $binary"
elif ! up_to_date server "${back_end[@]}" || [[ ! -x $binary ]]; then
  # shellcheck disable=SC2046  # one word a package
  ensure_packages $(build_packages)
  ensure_node
  say "Building the server"
  configure release
  cmake --build --preset release --target pixel-battle
  built server "${back_end[@]}"
fi
if [[ -z ${WEB_DIR+given} ]] && ! front_end_is_built; then
  ensure_node
  build_front_end
fi

export PIXEL_BATTLE_BIN=$binary WEB_DIR=${WEB_DIR-$PWD/web/dist}
[[ ${#cluster[@]} -eq 0 ]] || exec "${cluster[@]}" "${options[@]}"
export DATA_DIR=${DATA_DIR:-$PWD/data}
exec "$binary" "${options[@]}"
