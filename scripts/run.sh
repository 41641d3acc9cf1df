#!/bin/bash
# Usage: scripts/run.sh [counter] [--cluster N] [option of the server …]
#
# Installs what is missing, builds the servers and their pages, and starts Pixel Battle, or the
# counter, on http://localhost:8000, or where PORT says. What is kept lives in DATA_DIR (default
# ./data).
# Started again with nothing changed, it builds nothing. Ctrl-C drains and ends it.
# With --cluster, N servers share one canvas, with Redis, PostgreSQL and nginx on this machine:
# scripts/cluster.sh --help says more.
#
# PIXEL_BATTLE_BIN (or COUNTER_APP_BIN) names a server and WEB_DIR a front end that are there
# already and are used instead of being built. The server's own options:
# build/release/bin/pixel-battle --help (or counter-app).
set -euo pipefail

# Relative to where the caller is, not to the project.
[[ -z ${DATA_DIR-} ]] || DATA_DIR=$(realpath -m -- "$DATA_DIR")
for name in PIXEL_BATTLE_BIN COUNTER_APP_BIN; do
  [[ -z ${!name-} ]] || export "$name=$(realpath -m -- "${!name}")"
done
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
explain "$@"

program=pixel-battle bin=PIXEL_BATTLE_BIN web=web/dist which=()
if [[ ${1-} == counter ]]; then
  program=counter-app bin=COUNTER_APP_BIN web=web/dist-counter which=(counter)
  shift
fi
cluster=() options=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --cluster) cluster=(scripts/cluster.sh "${which[@]}" "${2-}") && shift ;;
    --cluster=*) cluster=(scripts/cluster.sh "${which[@]}" "${1#*=}") ;;
    *) options+=("$1") ;;
  esac
  shift || die "--cluster: how many servers?"
done
# Asked before anything is installed or built.
[[ ${#cluster[@]} -eq 0 ]] || "${cluster[@]}" --check "${options[@]}"

back_end=(src apps cmake loadtest/report.html CMakeLists.txt CMakePresets.json)
binary=${!bin:-$PWD/build/release/bin/$program}

if [[ -n ${!bin-} ]]; then
  [[ -x $binary ]] || die "$bin: there is no program $binary"
elif ! up_to_date server "${back_end[@]}" || [[ ! -x $binary ]]; then
  # shellcheck disable=SC2046  # one word a package
  ensure_packages $(build_packages)
  ensure_node
  say "Building the servers"
  configure release
  cmake --build --preset release --target pixel-battle counter-app
  built server "${back_end[@]}"
fi
if [[ -z ${WEB_DIR+given} ]] && ! front_end_is_built; then
  ensure_node
  build_front_end
fi

export "$bin=$binary" WEB_DIR=${WEB_DIR-$PWD/$web}
[[ ${#cluster[@]} -eq 0 ]] || exec "${cluster[@]}" "${options[@]}"
export DATA_DIR=${DATA_DIR:-$PWD/data}
exec "$binary" "${options[@]}"
