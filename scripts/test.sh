#!/bin/bash
# Usage: scripts/test.sh [ctest argument …]
#
# Installs what is missing, builds everything (release; with address and undefined-behaviour
# sanitizers and the fuzzers; with the thread sanitizer; the front end) and runs every test in one
# CTest run. Arguments go to CTest: `-L unit` runs the unit tests only, and builds no sanitizers
# for them. The labels: unit, contract, style, web, blackbox, browser, deploy, fuzz, sanitizer, and
# engine and cluster: the deployment on a real Docker engine, and in the Kubernetes cluster that
# KUBECTL leads to. These two take longer than all others together and run only when they are asked
# for, by label or by name, and in scripts/nightly.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
explain "$@"

# shellcheck disable=SC2046  # one word a package
ensure_packages $(build_packages) $(test_packages)
ensure_locust || say "The tests of the load test are skipped"
deployment=deploy_packages
[[ " $* " != *engine* ]] || deployment=engine_packages
# shellcheck disable=SC2046  # one word a package
(ensure_packages $("$deployment")) || say "The tests of the deployment do not run"
ensure_node
build_front_end

say "Building the release"
configure release -DPB_WHOLE_SUITE=ON
cmake --build --preset release

case " $* " in
  *" -L fuzz "* | *" -L sanitizer "*) sanitizers=yes ;;
  *" -L "*) sanitizers=no ;;
  *) sanitizers=yes ;;
esac
if [[ $sanitizers == yes ]]; then
  for preset in asan-ubsan tsan; do
    say "Building with $preset"
    configure "$preset" -DPB_BENCH=OFF -DPB_NIGHTLY=OFF
    cmake --build --preset "$preset"
  done
fi

chosen=()
if [[ " $* " != *" -L "* && " $* " != *" -R "* ]]; then
  chosen=(-LE '^(engine|cluster)$')
  for label in engine cluster; do
    count=$(ctest --test-dir build/release -N -L "^$label\$" | sed -n 's/^Total Tests: //p')
    say "Not run: $count tests labelled $label (scripts/test.sh -L $label)"
  done
fi
# One more than there are processors: many tests wait most of the time.
exec ctest --test-dir build/release --output-on-failure --parallel "$(($(nproc) + 1))" \
  "${chosen[@]}" "$@"
