#!/bin/bash
# Usage: scripts/nightly.sh [seconds]
#
# Builds the fuzzers and runs each for 60 seconds, or as many as given, then the slow tests with the
# sanitizers, then breaks the cluster for minutes: backends, Sentinels, a Redis Cluster; at last it
# deploys on a real Docker engine, and clang-tidy looks at every source by itself. What breaks a
# fuzzer is kept in build/asan-ubsan/fuzz/; give that file to the fuzzer as its argument to see it
# again.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
explain "$@"
seconds=${1:-60}

# shellcheck disable=SC2046  # one word a package
ensure_packages $(build_packages) $(test_packages)
configure release
cmake --build --preset release --target pixel-battle counter-app
for preset in asan-ubsan tsan; do
  configure "$preset" -DPB_BENCH=OFF -DPB_NIGHTLY=ON
  cmake --build --preset "$preset"
done

failed=()
for source in tests/fuzz/*.cpp; do
  name=$(basename "$source" .cpp)
  say "Fuzzing $name for $seconds s"
  folder=build/asan-ubsan/fuzz
  build/asan-ubsan/bin/"fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix="$folder/$name-" -print_final_stats=1 "$folder/$name" ||
    failed+=("$name")
done
for preset in asan-ubsan tsan; do
  for name in redis_test postgres_test archive_test; do
    say "Running $name with $preset"
    "build/$preset/bin/$name" --gtest_brief=1 || failed+=("$preset/$name")
  done
done
for name in archive backends counter_failover redis_cluster sentinel; do
  say "Breaking the cluster: $name"
  PB_LONG=1 /usr/bin/python3 -B -m pytest -q -p no:cacheprovider "tests/blackbox/test_$name.py" ||
    failed+=("$name")
done
say "Deploying on a Docker engine, and in a cluster where KUBECTL names one"
PB_LONG=1 scripts/test.sh -L '^(engine|cluster)$' || failed+=(engine)
/usr/bin/python3 -B tests/style/tidy.py build/release --each || failed+=(tidy)
[[ ${#failed[@]} -eq 0 ]] || die "Broken: ${failed[*]}"
say "All held."
