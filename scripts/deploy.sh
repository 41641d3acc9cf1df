#!/bin/bash
# Usage: scripts/deploy.sh dev|prod|kubernetes [option …]
#
# Puts a new release in the place of the one that runs, without anybody noticing: looks whether that
# can be, backs up, builds, migrates, replaces the servers one by one — a new one must be healthy
# and be asked by nginx before an old one is drained — and checks everything from the outside. If
# anything fails on the way, the release before comes back by itself. What ran when is recorded in
# releases/. With nothing running yet, starts the whole stack.
#
#   dev, prod       what docker-compose.yml or docker-compose.prod.yml describes
#   kubernetes      k8s/, with $KUBECTL (default: kubectl) in its current context: applied, then
#                   waited for; images come from where the cluster gets them, nothing is built
#   --image IMAGE   take this as the servers' image, and build nothing
#   --page IMAGE    take this as the front's image (Compose), and build nothing
#   --no-backup     do not back up before
#   --wait SECONDS  for a new server to become healthy (default: 120; Kubernetes: 600)
#   --keep N        forget older releases and backups but the newest N (default: 5)
#   --dry-run       only look whether it could be done, and say what would be
#
# Migrations come before the servers that need them, beside those that do not know them yet: so a
# release may add, and only a later one may take away. Going back takes no migration back.
# Repeating it does no harm: where nothing has changed, nothing is replaced.
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

image="" page="" no_backup=no wait="" keep=5 dry_run=no
read_words "image= page= no-backup wait# keep# dry-run" "$@"
find_where
backup=yes
[[ $no_backup == no ]] || backup=no

if [[ $where == kubernetes ]]; then
  [[ -z $page ]] || die "--page is for Compose"
  deploy_to_cluster "$image" "$backup" "${wait:-600}" "$dry_run"
  exit
fi
find_stack "$where"
wait_limit_s=${wait:-$wait_limit_s}

preflight
count=$(wanted_servers)
if [[ $dry_run == yes ]]; then
  [[ $backup == no || $count -eq 0 ]] || say "Would back up to backups/releases-$env"
  if [[ -n $image$page ]]; then
    say "Would take ${image:-the servers as they are} and ${page:-the page as it is}"
  else
    say "Would build $(backend_image) and $(frontend_image)"
  fi
  say "Would migrate, then replace ${count/#0/no} servers of $project and check everything"
  exit 0
fi
only_one
trap 'say "Interrupted"' INT TERM HUP # whatever runs ends by it, and then the rest goes back

prepare_release "$backup" "$keep"

start_everything() {
  local id
  choose_release "$release"
  "${compose[@]}" -f "$file" up -d >&2 || die "the stack does not start"
  for id in $(containers "${servers[@]}" "$front"); do
    until_healthy "$id" || die "the stack does not start"
  done
  scripts/health-check.sh "$env" >&2 || die "the stack is not well"
}

change() {
  # Databases are started where they do not run, and never replaced.
  "${compose[@]}" -f "$file" up -d --no-recreate redis postgres >&2
  choose_release "$release"
  migrate
  put_in_place "$release" "$count"
}

if ((count == 0)); then
  attempt start_everything
  if [[ $failed -ne 0 ]]; then
    "${compose[@]}" -f "$file" stop "$front" "${servers[@]}" >/dev/null 2>&1 || true
    [[ -z $(current_release) ]] || choose_release "$(current_release)"
    discard "$release"
    die "the new release does not start; as none ran before, it was stopped"
  fi
else
  begin_with "$count"
  attempt change
  if [[ $failed -ne 0 ]]; then
    go_back "$before" "$count"
    finished
    [[ $release == "$before" ]] || discard "$release"
    die "the new release failed; release $before serves, as before"
  fi
fi
set_current "$release"
finished
forget_old "$keep"
say "Release $release serves"
