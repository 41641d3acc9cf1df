#!/bin/bash
# Usage: scripts/load-compare.sh [option …] [--option-of-locust=value …] SIZE …
#
# Scales what runs to each size in turn, puts the same load on each, and writes one page that
# compares them: scripts/load-compare.sh 1 4. In the end the size is as it was. Options:
#   --on compose|swarm|kubernetes|loopback  what runs it; otherwise that is found out
#   --service NAME   the service or deployment to scale, if it is none of the usual ones
#   --app counter|canvas  for loopback: which application to start (default: canvas)
#   --host URL       where it answers (default: http://localhost; loopback: http://localhost:PORT)
#   --to FILE.html   the report (default: build/load/report.html); FILE.json is what it is made of
#   -u N -r N -t T   users, how many come per second, and for how long (default: 300, 30, 60s)
# Loopback starts `scripts/run.sh --cluster SIZE` on this machine, with its data in a temporary
# folder and without limits per address. Ctrl-C ends it, and the page has the sizes that were done.
set -euo pipefail

called_from=$PWD
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
explain "$@"

serving_limit_s=120

# --- What is asked for ------------------------------------------------------------------------

on="" service="" app=canvas host="" report=build/load/report.html
users=300 rate=30 duration=60s
locust_options=() sizes=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --on | --service | --app | --host | --to | -u | -r | -t)
      [[ $# -gt 1 ]] || die "$1: a value is missing" ;;&
    --on) on=$2 && shift ;;
    --service) service=$2 && shift ;;
    --app) app=$2 && shift ;;
    --host) host=${2%/} && shift ;;
    --to) report=$(cd "$called_from" && realpath -m -- "$2") && shift ;;
    -u) users=$2 && shift ;;
    -r) rate=$2 && shift ;;
    -t) duration=$2 && shift ;;
    [1-9] | [1-9][0-9]) sizes+=("$1") ;;
    --*) locust_options+=("$1") ;;
    *) die "$1: a size is a number from 1 to 99" ;;
  esac
  shift
done
[[ ${#sizes[@]} -gt 0 ]] || die "which sizes? For example: scripts/load-compare.sh 1 4"
[[ $app == counter || $app == canvas ]] || die "--app: counter or canvas"
[[ $report == *.html ]] || die "--to: the report is a file NAME.html"

# --- What runs --------------------------------------------------------------------------------

# those_that_run on: the services, one a line.
those_that_run() {
  case $1 in
    compose)
      docker ps --filter "label=com.docker.compose.project.working_dir=$PWD" \
        --format '{{.Label "com.docker.compose.service"}}'
      ;;
    swarm) docker service ls --format '{{.Name}}' ;;
    kubernetes) kubectl get deployments -o name | sed 's|.*/||' ;;
  esac 2>/dev/null
}

# found_on on service …: whether one of the services runs there; then it is the one.
found_on() {
  local names name
  names=$(those_that_run "$1") || return 1
  for name in "${@:2}"; do
    if grep -Fxq -- "$name" <<<"$names"; then
      on=$1 service=$name
      return 0
    fi
  done
  return 1
}

find_on() {
  case $1 in
    swarm) found_on swarm "${service:-counter_app}" counter-replicated_app pixel-battle_backend ;;
    kubernetes) found_on kubernetes "${service:-counter-app}" pixel-battle-backend ;;
    compose) found_on compose "${service:-backend}" && find_file ;;
  esac
}

# find_file: which of the files the stack was started from.
find_file() {
  find_compose
  file=$(docker ps --filter "label=com.docker.compose.project.working_dir=$PWD" \
    --filter "label=com.docker.compose.service=$service" \
    --format '{{.Label "com.docker.compose.project.config_files"}}' | head -n 1)
}

file="" # of Compose
case $on in
  "")
    find_on swarm || find_on kubernetes || find_on compose ||
      die "nothing runs that could be scaled: start it, or say --on loopback (see --help)"
    ;;
  compose | swarm | kubernetes) find_on "$on" || die "--on $on: no such service runs there" ;;
  loopback) service="a cluster on this machine" ;;
  *) die "--on: compose, swarm, kubernetes or loopback" ;;
esac
port=${PORT:-8000}
if [[ -z $host ]]; then
  host=http://localhost
  [[ $on != loopback ]] || host+=:$port
fi

# --- Scaling ----------------------------------------------------------------------------------

cluster="" # the process of the loopback cluster

size_now() {
  case $on in
    compose) "${compose[@]}" -f "$file" ps -q "$service" | wc -l ;;
    swarm) docker service inspect --format '{{.Spec.Mode.Replicated.Replicas}}' "$service" ;;
    kubernetes) kubectl get deployment "$service" -o 'jsonpath={.spec.replicas}' ;;
    loopback) echo 0 ;;
  esac
}

scale() {
  case $on in
    compose) "${compose[@]}" -f "$file" up -d --no-recreate --scale "$service=$1" "$service" ;;
    swarm) docker service scale "$service=$1" ;;
    kubernetes)
      kubectl scale deployment "$service" "--replicas=$1"
      kubectl rollout status "deployment/$service" "--timeout=${serving_limit_s}s"
      ;;
    loopback) start_cluster "$1" ;;
  esac >>"$work/scale.log" 2>&1 || {
    tail -n 20 "$work/scale.log" >&2
    die "could not scale $service to $1"
  }
}

# In a session of its own, because Ctrl-C must reach it only through this script.
start_cluster() {
  local word=()
  stop_cluster
  [[ $app != counter ]] || word=(counter)
  RATE_LIMIT_PER_ADDRESS=${RATE_LIMIT_PER_ADDRESS:-0} \
    GUEST_LIMIT_PER_ADDRESS=${GUEST_LIMIT_PER_ADDRESS:-0} \
    CONNECTIONS_PER_ADDRESS_MAX=${CONNECTIONS_PER_ADDRESS_MAX:-0} \
    DATA_DIR=$work/data PORT=$port \
    setsid setpriv --pdeathsig TERM scripts/run.sh "${word[@]}" --cluster "$1" &
  cluster=$!
}

stop_cluster() {
  [[ -n $cluster ]] || return 0
  kill -TERM "$cluster" 2>/dev/null || true
  wait "$cluster" 2>/dev/null || true
  cluster=""
}

# A cluster may have to be built first: it is waited for as long as it lives.
until_serving() {
  if [[ -n $cluster ]]; then
    until python3 -B -m loadtest.replicas "$host" "$1" 1 2>/dev/null; do
      kill -0 "$cluster" 2>/dev/null || {
        tail -n 20 "$work/scale.log" >&2
        die "the cluster has ended"
      }
    done
  else
    python3 -B -m loadtest.replicas "$host" "$1" "$serving_limit_s" ||
      die "$service does not serve with $1 (does an autoscaler set another size?)"
  fi
}

# --- The load ---------------------------------------------------------------------------------

locust="" # its process, in a session of its own for the same reason
runs=() # SIZE=RECORD.json
failed=0

measure() {
  local record=$work/$1.json code=0
  setsid locust -f "$PWD/locustfile.py" --host="$host" --headless -u "$users" -r "$rate" \
    -t "$duration" --record "$record" --only-summary "${locust_options[@]}" \
    >"$work/locust.log" 2>&1 </dev/null &
  locust=$!
  wait "$locust" || code=$?
  locust=""
  if [[ $code -ne 0 ]]; then
    failed=1
    grep -E "ERROR|WARNING" "$work/locust.log" >&2 || tail -n 20 "$work/locust.log" >&2
  fi
  [[ -s $record ]] || die "the load did not come to its end"
  runs+=("$1=$record")
  mkdir -p "$(dirname "$report")"
  python3 -B -m loadtest.report "$report" "${runs[@]}" | tail -n 1
}

finish() { # exit_code
  local code=$1
  trap '' INT TERM HUP
  trap - EXIT
  if [[ -n $locust ]]; then
    kill -TERM "$locust" 2>/dev/null || true
    wait "$locust" 2>/dev/null || true
  fi
  if [[ $on == loopback ]]; then
    stop_cluster
  else
    say "Putting back the size that was found: $found"
    (scale "$found") || code=1
  fi
  rm -rf -- "$work"
  [[ ${#runs[@]} -eq 0 ]] || say "Report: $(realpath "$report")"
  exit "$code"
}

command -v python3 >/dev/null || ensure_packages python3
ensure_locust || die "install it in a virtual environment: pip install locust"
work=$(mktemp -d /tmp/load-compare-XXXXXX)
found=$(size_now)
trap 'finish 130' INT TERM HUP
trap 'finish 1' EXIT
say "$on: $service at $host"
for size in "${sizes[@]}"; do
  say "Scaling to $size"
  scale "$size"
  until_serving "$size"
  say "$users users for $duration"
  measure "$size"
done
finish "$failed"
