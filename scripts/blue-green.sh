#!/bin/bash
# Usage: scripts/blue-green.sh [option …]
#
# Puts a new release in the place of the one that runs in production in one switch: the new servers
# (green) start beside the old ones (blue), as many as these, and are looked at before anybody gets
# to them. Then nginx sends everything to green, while blue still stands by; if green keeps well,
# blue is drained and goes. If anything fails before that, everything goes to blue again, and green
# goes. Needs twice the memory for a while; scripts/deploy.sh does the same one by one.
#
#   --image IMAGE   take this as the servers' image; otherwise it is built
#   --no-backup     do not back up before
#   --wait SECONDS  for the green servers to become healthy (default: 120)
#   --watch SECONDS how long green must serve well before blue goes (default: 10)
#   --keep N        forget older releases and backups but the newest N (default: 5)
#   --dry-run       only look whether it could be done, and say what would be
#
# For migrations the same holds as with scripts/deploy.sh. Where nothing is new it does nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
# shellcheck source=scripts/stack.sh
. scripts/stack.sh
# shellcheck source=scripts/releases.sh
. scripts/releases.sh
explain "$@"

image="" no_backup=no wait=$wait_limit_s watch=10 keep=5 dry_run=no
read_words "image= no-backup wait# watch# keep# dry-run" "$@"
[[ ${#words[@]} -eq 0 ]] || die "${words[0]}: this is for production alone; see --help"
wait_limit_s=$wait watch_s=$watch backup=yes
[[ $no_backup == no ]] || backup=no
find_stack prod
preflight
count=$(wanted_servers)
((count > 0)) || die "no server of $project runs: scripts/deploy.sh prod starts them"
[[ -n $(entry) ]] || die "nginx does not run: scripts/deploy.sh prod starts it"
if [[ $dry_run == yes ]]; then
  [[ $backup == no ]] || say "Would back up to backups/releases-prod"
  if [[ -n $image ]]; then say "Would take $image"; else say "Would build $(backend_image)"; fi
  say "Would start $count green servers beside the $count that run, switch, and retire these"
  exit 0
fi
only_one
trap 'say "Interrupted"' INT TERM HUP # whatever runs ends by it, and then blue has everything
prepare_release "$backup" "$keep"
[[ $release != "$before" ]] || exit 0
clear_dead
mapfile -t blue < <(containers backend)
((${#blue[@]} > 0)) || die "no server runs any more: scripts/deploy.sh prod starts them"
begin_with "$count"

# position_of id: "EPOCH OFFSET", as the server itself says.
position_of() {
  answer_of "$1" /api/canvas | sed -n 's/.*"epoch":\([0-9]*\),"offset":\([0-9]*\).*/\1 \2/p'
}

# look_at id blue: it is ready, and has what blue has.
look_at() {
  local epoch offset
  [[ $(answer_of "$1" /health/ready) == "200 "* ]] || die "$(title_of "$1") is not ready"
  read -r epoch offset < <(position_of "$2") || die "$(title_of "$2") does not say where it is"
  until_true "$serve_limit_s" "$(title_of "$1") is at epoch $epoch, offset $offset" \
    has_come_to "$1" "$epoch" "$offset"
}

has_come_to() {
  local epoch offset
  read -r epoch offset < <(position_of "$1") && ((epoch == $2 && offset >= $3))
}

# watch id …: they stay healthy, and alone.
watch() {
  local id end=$((SECONDS + watch_s))
  while ((SECONDS < end)); do
    for id in "$@"; do is_healthy "$id" || die "$(title_of "$id") is not healthy any more"; done
    sleep 1
  done
}

change() {
  local id green names=()
  prefer "${blue[@]}"
  choose_release "$release"
  migrate
  say "Starting $count green servers"
  mapfile -t green < <(start_servers "$count")
  ((${#green[@]} == count)) || die "they could not all be started"
  for id in "${green[@]}"; do until_healthy "$id"; done
  for id in "${green[@]}"; do look_at "$id" "${blue[0]}"; done
  show_page
  say "Switching to green"
  prefer "${green[@]}"
  until_served_by_exactly "${green[@]}"
  for id in "${green[@]}"; do names+=("$(name_of "$id")"); done
  python3 -B -m loadtest.delivery "$(entry)" --names "${names[@]}" >&2
  watch "${green[@]}"
}

attempt change
if [[ $failed -ne 0 ]]; then
  say "Going back to blue"
  prefer "${blue[@]}"
  until_served_by_exactly "${blue[@]}" || true # what is left of green may serve meanwhile
  mapfile -t green < <(containers backend | grep -vxF -- "$(printf '%s\n' "${blue[@]}")")
  retire "${green[@]}"
  prefer_nobody
  go_back "$before" "$count"
  finished
  discard "$release"
  die "the new release failed; release $before serves, as before"
fi
say "Retiring blue"
set_current "$release"
retire "${blue[@]}"
prefer_nobody
finished
forget_old "$keep"
scripts/health-check.sh prod --replicas "$count" >&2
say "Release $release serves"
