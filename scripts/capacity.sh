#!/bin/bash
# Usage: scripts/capacity.sh --peak N --throughput N [option …]
#        scripts/capacity.sh --peak N [option …] RECORD.json …
#
# Says how many instances are needed:
#
#   instances = peak load × (1 + margin) ÷ throughput of one instance at the target latency
#
# The throughput is measured, not guessed: put more and more load on one instance until one
# request of 20 takes longer than the target, and take the figure before that. RECORD.json is what
# `locust --record RECORD.json` or scripts/load-compare.sh (build/load/report.json) write; of
# several the best that was within the target counts.
#
#   --peak N        requests a second in the busiest minute
#   --throughput N  requests a second that one instance carries within the target
#   --target-ms N   the latency that 95 of 100 requests must keep (default: 500)
#   --margin N      percent on top of the peak, for a bad day and a lost instance (default: 30)
#   --at-least N    never fewer (default: 2, so that one may fail)
#   --dry-run       the same: this only calculates
#
# (Peak load × response time ÷ target response time, which is sometimes given as the formula, is
# not it: 100 × 0.2 / 0.1 is 200, not 2. Load × response time is how many requests are under way
# at once, and dividing that by another time gives no number of instances.)
set -euo pipefail
called_from=$PWD
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
explain "$@"

peak="" throughput="" target_ms=500 margin=30 at_least=2
read_words "peak= throughput= target-ms= margin= at-least# dry-run" "$@"
for name in peak throughput target_ms margin; do
  [[ ${!name} =~ ^([0-9]+(\.[0-9]+)?)?$ ]] || die "--${name//_/-}: a number is missing"
done
records=()
for name in "${words[@]}"; do
  records+=("$(cd "$called_from" && realpath -m -- "$name")")
done
[[ -n $peak ]] || die "--peak: how many requests a second in the busiest minute?"
if [[ -z $throughput ]]; then
  [[ ${#records[@]} -gt 0 ]] || die "--throughput, or a RECORD.json: what does one instance carry?"
else
  [[ ${#records[@]} -eq 0 ]] || die "--throughput or records, not both"
  [[ $throughput =~ [1-9] ]] || die "--throughput: an instance that carries nothing never suffices"
fi
command -v python3 >/dev/null || ensure_packages python3
exec python3 -B -m loadtest.capacity "$peak" "$target_ms" "$margin" "$at_least" "${throughput:--}" \
  "${records[@]}"
