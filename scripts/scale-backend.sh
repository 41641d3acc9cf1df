#!/bin/bash
# Usage: scripts/scale-backend.sh N [prod|kubernetes] [option …]
#
# Makes it N servers, more or fewer than there are, and waits until all of them are asked. Those
# that come are of the release that runs; those that go are drained first, so nobody notices.
#
#   prod            what docker-compose.prod.yml runs (the default)
#   kubernetes      the deployment, with $KUBECTL (default: kubectl) in its current context; where
#                   an autoscaler is in charge, it may choose another number afterwards
#   --wait SECONDS  for a new server to become healthy (default: 120)
#   --dry-run       only say what would be done
#
# If a new one does not become healthy, those that were added go again. How many servers a load
# needs, scripts/capacity.sh says.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
# shellcheck source=scripts/stack.sh
. scripts/stack.sh
# shellcheck source=scripts/releases.sh
. scripts/releases.sh
# shellcheck source=scripts/kubernetes.sh
. scripts/kubernetes.sh
explain "$@"

wait="" dry_run=no
read_words "wait# dry-run" "$@"
count=${words[0]-}
[[ $count =~ ^[1-9][0-9]?$ ]] || die "how many servers? 1 to 99; see --help"
words=("${words[@]:1}")
[[ ${#words[@]} -gt 0 ]] || words=(prod)
find_where

if [[ $where == kubernetes ]]; then
  scale_cluster "$count" "${wait:-600}" "$dry_run"
  exit
fi
find_stack "$where"
[[ $env == prod ]] || die "in development every server has a port of its own: use prod"
wait_limit_s=${wait:-$wait_limit_s}

mapfile -t before < <(containers backend)
((${#before[@]} > 0)) || die "no server of $project runs: start them by scripts/deploy.sh $env"
chosen=$(image_id "$(backend_image)")
for id in "${before[@]}"; do
  ! is_running "$id" || [[ $(image_of "$id") == "$chosen" ]] ||
    die "$(backend_image) is another image than those that run have: scripts/deploy.sh $env" \
      "brings it; nothing was changed"
done
if [[ $dry_run == yes ]]; then
  say "Would make it $count servers of $project instead of ${#before[@]}"
  exit 0
fi
only_one

# All at once: each is on its own.
grow() {
  local id added
  mapfile -t added < <(start_servers $((count - ${#all[@]})))
  ((${#all[@]} + ${#added[@]} == count)) || die "no more could be started"
  for id in "${added[@]}"; do until_healthy "$id" || die "nothing is gained"; done
  all+=("${added[@]}")
  until_served_by_exactly "${all[@]}" || die "nothing is gained"
}

shrink() {
  local wrong
  mapfile -t wrong < <(printf '%s\n' "${all[@]}" | tac | broken_first | head -n "$1")
  say "Retiring $(title_of "${wrong[@]}" | paste -sd ' ')"
  retire "${wrong[@]}"
}

clear_dead
mapfile -t all < <(containers backend)
if ((${#all[@]} < count)); then
  attempt grow
  if [[ $failed -ne 0 ]]; then
    mapfile -t added < <(containers backend | grep -vxF -- "$(printf '%s\n' "${all[@]}")")
    retire "${added[@]}"
    die "the new servers did not come; there are ${#all[@]}, as before"
  fi
elif ((${#all[@]} > count)); then
  shrink $((${#all[@]} - count))
fi
finished
mapfile -t all < <(containers backend)
until_served_by_exactly "${all[@]}"
say "$count servers are asked"
