#!/bin/bash
# Usage: scripts/run.sh [option of the server …]
#
# Installs what is missing, builds the server and the front end, and starts it on
# http://localhost:8000, or where PORT says. The canvas lives in DATA_DIR (default ./data).
# Started again with nothing changed, it builds nothing. Ctrl-C drains and ends it.
# The server's own options: build/release/bin/pixel-battle --help.
set -euo pipefail

# Relative to where the caller is, not to the project.
[[ -z ${DATA_DIR-} ]] || DATA_DIR=$(realpath -m -- "$DATA_DIR")
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
explain "$@"

back_end=(src apps cmake CMakeLists.txt CMakePresets.json)
binary=build/release/bin/pixel-battle

if ! up_to_date server "${back_end[@]}" || [[ ! -x $binary ]]; then
  # shellcheck disable=SC2046  # one word a package
  ensure_packages $(build_packages)
  ensure_node
  say "Building the server"
  configure release
  cmake --build --preset release --target pixel-battle
  built server "${back_end[@]}"
fi
if ! front_end_is_built; then
  ensure_node
  build_front_end
fi

export DATA_DIR=${DATA_DIR:-$PWD/data} WEB_DIR=${WEB_DIR-$PWD/web/dist}
exec "$binary" "$@"
