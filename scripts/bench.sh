#!/bin/bash
# Usage: scripts/bench.sh [--quick] [name …]
#        scripts/bench.sh counter            # what the counter can do, beside its peers
#
# Installs what is missing, builds the release and the benchmarks, measures side by side with the
# peers, prints the table and writes it to build/bench/results.json and results.md.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh

measure() { /usr/bin/python3 -B bench/run.py "$@"; }

[[ -x /usr/bin/python3 ]] || ensure_packages python3
case " $* " in
  *" -h "* | *" --help "* | *" --list "*)
    measure "$@"
    exit
    ;;
esac
targets=$(measure --targets "$@")
packages=$(measure --packages "$@")

# shellcheck disable=SC2046,SC2086  # one word a package
ensure_packages $(build_packages) $(cluster_packages pixel-battle) wrk $packages
say "Building the benchmarks"
configure release
# shellcheck disable=SC2086  # one word a target
cmake --build --preset release --target $targets >&2
measure "$@"
