#!/bin/bash
# Usage: scripts/rollback.sh dev|prod|kubernetes [option …]
#
# Brings the release back that ran before the one that runs now, in the same way as
# scripts/deploy.sh brings one: server by server, unnoticed, and if it does not serve the one that
# runs now stays.
# Data stay as they are, unless --restore. Repeated, it goes one release further back.
#
#   dev, prod, kubernetes   as for scripts/deploy.sh; Kubernetes: to the revision before
#   --to RELEASE    back to that one; --list says which there are (Kubernetes: a revision's number)
#   --restore       the data, too: those of the backup that was made before the release that runs
#                   now came. WHAT WAS DRAWN SINCE IS GONE (but in a backup of its own), and for a
#                   minute nobody can draw
#   --restore-from FOLDER   the same with another backup
#   --wait SECONDS  for a server to become healthy (default: 120; Kubernetes: 600)
#   --list          the releases, the one that runs with a star
#   --dry-run       only say what would be done
set -euo pipefail
called_from=$PWD
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

to="" restore=no restore_from="" wait="" list=no dry_run=no
read_words "to= restore restore-from= wait# list dry-run" "$@"
find_where
folder=""
if [[ -n $restore_from ]]; then
  restore=yes folder=$(cd "$called_from" && realpath -m -- "$restore_from")
fi

if [[ $where == kubernetes ]]; then
  [[ $restore == no ]] || die "in Kubernetes restore by scripts/restore.sh kubernetes, as it says"
  roll_cluster_back "$to" "${wait:-600}" "$list" "$dry_run"
  exit
fi
find_stack "$where"
wait_limit_s=${wait:-$wait_limit_s}
now=$(current_release)

if [[ $list == yes ]]; then
  for name in $(releases); do
    mark=" "
    [[ $name != "$now" ]] || mark="*"
    echo "$mark $name $(release_field "$name" revision)"
  done
  [[ -n $(releases) ]] || say "No release of $env is recorded: scripts/deploy.sh $env records them"
  exit 0
fi

[[ -n $now ]] || die "no release of $env is recorded: scripts/deploy.sh $env records them"
to=${to:-$(release_field "$now" before)}
[[ -n $to ]] || die "there is no release before $now; nothing was changed"
[[ -f releases/$env/$to ]] || die "there is no release $to; see --list. Nothing was changed"
has_images "$to" || die "the images of release $to are gone; nothing was changed"
if [[ $restore == yes ]]; then
  folder=${folder:-$(release_field "$now" backup)}
  [[ -n $folder ]] || die "no backup was made before release $now: name one by --restore-from"
  [[ -d $folder ]] || die "there is no backup $folder; nothing was changed"
fi
mapfile -t running < <(containers "${servers[@]}")
count=$(wanted_servers)
((${#running[@]} > 0)) || die "no server of $project runs: scripts/deploy.sh $env"
if [[ $dry_run == yes ]]; then
  say "Would bring release $to back instead of $now, on $count servers"
  [[ $restore == no ]] || say "Would stop the servers for it and restore $folder"
  exit 0
fi
only_one
trap 'say "Interrupted"' INT TERM HUP

begin_with "$count"

# Servers must not run while their data change below them.
change_with_data() {
  say "Stopping the servers"
  retire "${running[@]}"
  scripts/restore.sh "$env" "$folder"
  put_in_place "$to" "$count"
}

if [[ $restore == yes ]]; then
  attempt change_with_data
else
  attempt put_in_place "$to" "$count"
fi
if [[ $failed -ne 0 ]]; then
  choose_release "$now"
  [[ $restore == no ]] || attempt migrate # what was restored may be older than it
  go_back "$now" "$count"
  finished
  die "release $to does not serve; release $now does, as before"
fi
set_current "$to"
finished
[[ $restore == yes ]] || warn_of_newer_schema "$to"
say "Release $to serves again"
