#!/bin/bash
# Usage: scripts/health-check.sh dev|prod|kubernetes [option …]
#
# Says a line for every part, and ends with exit code 0 if all is well, otherwise 1: every container
# or pod; every server by itself, with what it says of its stores; whether exactly the healthy ones
# are asked from the outside; and one delivery from end to end: a guest signs in, opens a socket,
# places a pixel in the colour that it has, which changes nothing that anybody sees but the pixel's
# history, and it must arrive on the socket and at every server.
#
#   dev, prod       what docker-compose.yml or docker-compose.prod.yml runs
#   kubernetes      k8s/, with $KUBECTL (default: kubectl) in its current context
#   --replicas N    how many servers there must be at least (default: 1; Kubernetes: as many as the
#                   deployment wants)
#   --read-only     place nothing: a guest's socket must answer, and the servers must agree
#   --dry-run       only say what would be looked at
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
# shellcheck source=scripts/stack.sh
. scripts/stack.sh
# shellcheck source=scripts/kubernetes.sh
. scripts/kubernetes.sh
explain "$@"

replicas="" read_only="" dry_run=no
read_words "replicas# read-only dry-run" "$@"
find_where
command -v python3 >/dev/null || ensure_packages python3
failures=0

fine() { printf 'ok      %s\n' "$*"; }
bad() {
  printf 'FAILED  %s\n' "$*"
  failures=$((failures + 1))
}

# deliver host … --names name …: its lines count like the others'.
deliver() {
  python3 -B -m loadtest.delivery ${read_only:+--read-only} "$@" || failures=$((failures + 1))
}

verdict() {
  ((failures == 0)) || say "$failures of what was looked at failed"
  exit $((failures > 0))
}

if [[ $where == kubernetes ]]; then
  find_cluster
  if [[ $dry_run == yes ]]; then
    say "Would look at the pods, at each server and at a delivery"
    exit 0
  fi
  check_cluster
  verdict
fi
find_stack "$where"
command -v curl >/dev/null || ensure_packages curl
if [[ $dry_run == yes ]]; then
  say "Would look at the containers of $project, at each server and at a delivery through $front"
  exit 0
fi

# Those that Compose runs to their end, such as the migrations, have no restart policy.
check_container() {
  local service status health code policy title
  IFS='|' read -r service title status health code policy < <(of_container \
    '{{index .Config.Labels "com.docker.compose.service"}}|{{slice .Name 1}}'\
'|{{.State.Status}}|{{with .State.Health}}{{.Status}}{{else}}none{{end}}|{{.State.ExitCode}}'\
'|{{.HostConfig.RestartPolicy.Name}}' "$1") || return 0 # just gone
  seen[$service]=yes
  case "$status $health $code" in
    "running healthy "* | "running none "*) fine "$title runs" ;;
    "exited "*" 0")
      [[ ${policy:-no} == no ]] || bad "$title has stopped"
      [[ ${policy:-no} != no ]] || fine "$title has done its work"
      ;;
    *) bad "$title: $status, $health, exit code $code" ;;
  esac
}

check_server() {
  local said
  said=$(answer_of "$1" /health/ready)
  if [[ $said == "200 "* ]]; then
    fine "$(title_of "$1") is ready"
    ready+=("$(name_of "$1")")
  else
    bad "$(title_of "$1") is not ready: ${said:-it does not answer}"
  fi
}

declare -A seen=()
ready=()
mapfile -t everything < <(docker ps -aq --filter "label=com.docker.compose.project=$project" \
  --filter label=com.docker.compose.oneoff=False)
for id in "${everything[@]}"; do check_container "$id"; done
for service in "$front" "${servers[@]}" redis postgres; do
  [[ -n ${seen[$service]-} ]] || bad "$service: there is no container"
done
for id in $(containers "${servers[@]}"); do check_server "$id"; done
((${#ready[@]} >= ${replicas:-1})) || bad "${#ready[@]} servers are ready, ${replicas:-1} must be"
url=$(entry)
if [[ -z $url ]]; then
  bad "$front has no address"
elif ((${#ready[@]} > 0)); then
  if until_true "$serve_limit_s" "$front asks just those" serve_exactly "${ready[@]}" 2>/dev/null
  then
    fine "$front asks all that are ready, and no others"
  else
    bad "$front asks $(served_by | paste -sd ' '), but ${ready[*]} are ready"
  fi
  deliver "$url" --names "${ready[@]}"
fi
verdict
