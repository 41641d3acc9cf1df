# What the deployment scripts know of a stack that Compose runs, and how they change it: sourced by
# deploy.sh, rollback.sh, scale-backend.sh, blue-green.sh and health-check.sh, after lib.sh. All
# containers are found by Compose's labels, so it does not matter which Compose made them.
# shellcheck shell=bash disable=SC2034,SC2154  # shared with the scripts

env="" file="" project=""
front="" front_port="" page_service="" # nginx, and where the page comes from
servers=()                             # the services that are servers
wait_limit_s=120                       # for a new server to become healthy
serve_limit_s=30                       # and then to be asked
stop_limit_s=90                        # longer than any drain

# find_where: sets $where to the one environment among the words.
find_where() {
  [[ ${#words[@]} -gt 0 ]] || die "where? dev, prod or kubernetes; see --help"
  [[ ${#words[@]} -eq 1 ]] || die "${words[1]}: one environment at a time; see --help"
  where=${words[0]}
}

# find_stack name: dev or prod; sets what is above. Ends the script if that cannot be.
find_stack() {
  case $1 in
    dev | development)
      env=dev file=docker-compose.yml servers=(backend backend_1)
      front=frontend front_port=8080 page_service=frontend
      ;;
    prod | production)
      env=prod file=docker-compose.prod.yml servers=(backend)
      front=nginx front_port=8000 page_service=page # 8000: for this host, never redirected
      ;;
    *) die "$1: no such environment; see --help" ;;
  esac
  find_compose
  [[ -f $file ]] || die "there is no $file"
  docker info >/dev/null 2>&1 || die "no Docker engine answers: is it started, and may you use it?"
  project=$(setting COMPOSE_PROJECT_NAME "$(basename "$PWD" | tr '[:upper:]' '[:lower:]' |
    tr -cd 'a-z0-9_-')")
}

# setting name default: as Compose sees it, from the environment, else from .env.
setting() {
  local value=${!1-}
  [[ -n $value || ! -f .env ]] || value=$(sed -n "s/^$1=//p" .env | tail -n 1 | tr -d "\"'\r")
  printf '%s' "${value:-$2}"
}

# --- Containers ---------------------------------------------------------------------------------

# containers service …: the ids of all there are, the oldest first.
containers() {
  local service
  for service in "$@"; do
    docker ps -aq --filter "label=com.docker.compose.project=$project" \
      --filter "label=com.docker.compose.service=$service" \
      --filter label=com.docker.compose.oneoff=False | tac
  done
}

# of_container format id …: what docker inspect says, a line each; nothing of one that is gone.
of_container() {
  [[ $# -gt 1 ]] || return 0
  docker inspect --format "$1" "${@:2}" 2>/dev/null || true
}

image_of() { of_container '{{.Image}}' "$1"; }
name_of() { of_container '{{.Config.Hostname}}' "$1"; } # as X-Served-By says
title_of() { of_container '{{slice .Name 1}}' "$@"; }

# state_of id: "STATUS HEALTH RESTARTS".
state_of() {
  of_container '{{.State.Status}} {{with .State.Health}}{{.Status}}{{else}}none{{end}}'\
' {{.RestartCount}}' "$1"
}

is_running() { [[ $(state_of "$1") == running\ * ]]; }
is_healthy() { [[ $(state_of "$1") == "running healthy "* ]]; }

image_id() { docker image inspect --format '{{.Id}}' "$1" 2>/dev/null || true; }

# of_image yes|no image id …: those of the ids that are of the image, or are not.
of_image() {
  local id is
  for id in "${@:3}"; do
    is=no
    [[ $(image_of "$id") != "$2" ]] || is=yes
    [[ $is != "$1" ]] || echo "$id"
  done
}

# entry: where this host reaches the front, as http://ADDRESS:PORT; nothing if it does not run.
entry() {
  local address
  address=$(containers "$front" | head -n 1)
  [[ -z $address ]] || address=$(docker port "$address" "$front_port/tcp" 2>/dev/null | head -n 1)
  [[ -z $address ]] || echo "http://${address/0.0.0.0/127.0.0.1}"
}

# served_by: the names of the servers that the front sends requests to now, one a line.
served_by() {
  local url count
  url=$(entry)
  [[ -n $url ]] || return 0
  count=$(containers "${servers[@]}" | wc -l)
  # `max-time` is for each of them.
  curl -sS --max-time 5 -o /dev/null -D - "$url/health/ready?[1-$((10 + 10 * count))]" \
    2>/dev/null | tr -d '\r' | sed -n 's/^x-served-by: //Ip' | sort -u
}

# answer_of id path: what a server answers inside its container: the status and the body.
answer_of() {
  # shellcheck disable=SC2016  # for the other shell
  timeout 15 docker exec -i "$1" bash -c 'exec 3<>"/dev/tcp/127.0.0.1/${PORT:-8000}"
    printf "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" "$1" >&3
    cat <&3' - "$2" </dev/null 2>/dev/null | tr -d '\r' |
    sed -n '1s/^[^ ]* \([0-9]*\).*/\1/p;$p' | paste -sd ' '
}

# --- Gates --------------------------------------------------------------------------------------

# until seconds what command …: waits until the command succeeds.
until_true() {
  local end=$((SECONDS + $1))
  until "${@:3}"; do
    ((SECONDS < end)) || { say "Waited $1 s until $2" && return 1; }
    sleep 0.5
  done
}

# until_healthy id: fails as soon as it is clear that it never will be.
until_healthy() {
  local end=$((SECONDS + wait_limit_s)) state said
  while :; do
    state=$(state_of "$1")
    case $state in
      "running healthy "*) return 0 ;;
      "running starting 0" | "created "*) said="is not healthy after $wait_limit_s s" ;;
      "running none "*) said="has an image without a HEALTHCHECK" && break ;;
      *) said="does not become healthy ($state)" && break ;;
    esac
    ((SECONDS < end)) || break
    sleep 0.5
  done
  say "$(title_of "$1") $said; the last that it has said:"
  docker logs --tail 10 "$1" >&2 2>&1 || true
  return 1
}

serves() { served_by | grep -qxF -- "$(name_of "$1")"; }
until_serves() {
  [[ -z $(entry) ]] || until_true "$serve_limit_s" "$(title_of "$1") is asked by $front" serves "$1"
}

serve_exactly() { [[ $(served_by) == "$(printf '%s\n' "$@" | sort -u)" ]]; }

# until_served_by_exactly id …
until_served_by_exactly() {
  local id names=()
  for id in "$@"; do names+=("$(name_of "$id")"); done
  until_true "$serve_limit_s" "$front asks just ${names[*]}" serve_exactly "${names[@]}"
}

# --- Changes ------------------------------------------------------------------------------------

# up service option …: without touching what is there or what it depends on.
up() { "${compose[@]}" -f "$file" up -d --no-deps "${@:2}" "$1" >&2; }

# start_servers count: so many more, of the image that is chosen now; their ids.
start_servers() {
  local before all
  before=$(containers backend)
  all=$(($(wc -w <<<"$before") + $1))
  up backend --no-recreate --scale "backend=$all" || return 1
  containers backend | grep -vxF -- "$before"
}

# retire id …: they get no more requests, say goodbye to everyone, and go. Those that are broken
# have nobody to say it to.
retire() {
  local id whole=()
  for id in "$@"; do ! is_healthy "$id" || whole+=("$id"); done
  [[ ${#whole[@]} -eq 0 ]] || docker stop -t "$stop_limit_s" "${whole[@]}" >/dev/null
  [[ $# -eq 0 ]] || docker rm -f -v "$@" >/dev/null
}

# clear_dead: containers of servers that do not run are nobody's.
clear_dead() {
  local id
  for id in $(containers "${servers[@]}"); do
    is_running "$id" || docker rm -f -v "$id" >/dev/null
  done
}

# add_server: one more that is healthy and has its share of the requests.
add_server() {
  local id
  id=$(start_servers 1) && [[ -n $id ]] || return 1
  say "Starting $(title_of "$id")"
  until_healthy "$id" && until_serves "$id"
}

# roll image count: so many servers of the image that is chosen now, and no others. One by one, a
# new one before an old one goes, the broken ones first.
roll() {
  local image=$1 count=$2 all wrong right id
  if [[ $env == dev ]]; then
    roll_in_place
    return
  fi
  clear_dead
  while :; do
    mapfile -t all < <(containers backend)
    mapfile -t right < <(of_image yes "$image" "${all[@]}")
    mapfile -t wrong < <(of_image no "$image" "${all[@]}" | broken_first)
    if ((${#right[@]} < count)); then
      add_server || return 1
      [[ ${#wrong[@]} -gt 0 ]] || continue
    elif ((${#wrong[@]} == 0)); then
      ((${#right[@]} > count)) || return 0
      wrong=("${right[-1]}")
    fi
    id=${wrong[0]}
    say "Retiring $(title_of "$id")"
    retire "$id"
  done
}

broken_first() {
  local id whole=()
  while read -r id; do
    if is_healthy "$id"; then whole+=("$id"); else echo "$id"; fi
  done
  [[ ${#whole[@]} -eq 0 ]] || printf '%s\n' "${whole[@]}"
}

# In development each server has a port of its own, so there cannot be two of it.
roll_in_place() {
  local service
  for service in "${servers[@]}"; do
    up "$service" || return 1
    until_healthy "$(containers "$service" | tail -n 1)" || return 1
  done
}

# wanted_servers: as many as there are, or were before a deployment that was killed.
wanted_servers() {
  local now
  now=$(containers "${servers[@]}" | wc -l)
  ((now == 0)) || now=$(cat "releases/$env/unfinished" 2>/dev/null || echo "$now")
  echo "$now"
}
begin_with() { echo "$1" >"releases/$env/unfinished"; }
finished() { rm -f -- "releases/$env/unfinished"; }

# --- Before anything ----------------------------------------------------------------------------

# holder_of port: who has it, in words; nothing if nobody has.
holder_of() {
  local name
  name=$(docker ps --filter "publish=$1" --format '{{.Names}}' | head -n 1)
  if [[ -n $name ]]; then
    echo "the container $name"
  elif (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then
    echo "another program"
  fi
}

# check_ports: those of the front must be free, unless it has them already.
check_ports() {
  local id pair port holder
  id=$(containers "$front" | head -n 1)
  [[ -z $id ]] || ! is_running "$id" || return 0
  for pair in $([[ $env == dev ]] && echo FRONTEND_PORT=3000 BACKEND_PORT=8000 ||
    echo HTTP_PORT=80 HTTPS_PORT=443 CHECK_PORT=8000); do
    [[ $pair != BACKEND_PORT=* || -z $(containers backend) ]] || continue
    port=$(setting "${pair%=*}" "${pair#*=}")
    holder=$(holder_of "$port")
    [[ -z $holder ]] || die "port $port is taken by $holder: stop that, or set ${pair%=*}" \
      "in .env; nothing was changed"
  done
}

# prefer id …: as long as any of these is ready, nginx asks no others. Forgotten when nginx starts.
prefer() {
  of_container '{{range .NetworkSettings.Networks}}{{println .IPAddress}}{{end}}' "$@" |
    tell_nginx 'cat >preferred.new && mv preferred.new preferred'
}
prefer_nobody() { tell_nginx 'rm -f preferred'; }

tell_nginx() {
  local id
  id=$(containers "$front" | tail -n 1)
  if [[ -n $id ]] && is_running "$id"; then docker exec -i "$id" sh -c "cd /tmp/nginx && $1"; fi
}

# only_one: two deployments at once would undo each other. What one that was killed has left behind
# is cleared away.
only_one() {
  mkdir -p "releases/$env"
  exec 9>"releases/$env/lock"
  flock --nonblock 9 || die "another deployment of $env is under way"
  prefer_nobody </dev/null
}
