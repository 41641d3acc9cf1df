#!/bin/bash
# Usage: scripts/cluster.sh [counter] N [option of the server …]
#
# Starts a whole cluster to try: N servers that share one canvas, Redis, PostgreSQL, and nginx on
# http://localhost:8000, or where HOST and PORT say; or N servers that share the counters, without
# PostgreSQL. `scripts/run.sh [counter] --cluster N` builds the servers first and then calls this.
# All data and logs are in DATA_DIR (default ./data/cluster or ./data/counter-cluster).
# Ctrl-C drains the servers, then stops the rest; started again, everything is as it was. When a
# part ends by itself, this says which, with the last lines of its log, and stops the others.
#
# Only nginx can be reached from elsewhere. What is missing is installed; services of the system
# are neither used nor touched.
set -euo pipefail

[[ -z ${DATA_DIR-} ]] || DATA_DIR=$(realpath -m -- "$DATA_DIR")
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
explain "$@"

start_limit_s=60
stop_limit_s=60
drain_limit_s=$(((${DRAIN_UNREADY_MS:-0} + ${DRAIN_LIMIT_MS:-10000}) / 1000 + 10))

program=pixel-battle title="Pixel Battle" kept="the canvas stays" folder=cluster
given=${PIXEL_BATTLE_BIN-}
if [[ ${1-} == counter ]]; then
  program=counter-app title="The counter" kept="the counters stay" folder=counter-cluster
  given=${COUNTER_APP_BIN-}
  shift
fi
count=${1-}
[[ $count =~ ^[1-9][0-9]?$ ]] || die "--cluster: the number of servers must be 1 to 99"
shift
check_only=no
[[ ${1-} != --check ]] || { check_only=yes && shift; }
for option in "$@"; do
  case ${option%%=*} in
    --port | --host | --data-dir)
      die "in a cluster ${option%%=*} is not a server's own: set PORT, HOST or DATA_DIR" ;;
  esac
done
port=${PORT:-8000} host=${HOST:-0.0.0.0}
[[ $port =~ ^[1-9][0-9]{0,4}$ && $port -le 65535 ]] || die "PORT: a cluster needs 1 to 65535"
[[ $check_only == no ]] || exit 0

DATA_DIR=${DATA_DIR:-$PWD/data/$folder}
binary=${given:-$PWD/build/release/bin/$program}
[[ -x $binary ]] || die "there is no $binary: scripts/run.sh --cluster $count builds it"
mapfile -t packages < <(cluster_packages "$program")
[[ -z $(missing_packages "${packages[@]}") ]] ||
  say "The system may start services of its own from what is installed now; they are not used here"
ensure_packages "${packages[@]}"
PATH=$PATH:/usr/sbin # for nginx

logs=$DATA_DIR/logs
mkdir -p "$logs" "$DATA_DIR/redis" "$DATA_DIR/nginx"
# The parts hold it, too: what an earlier start has left behind must end first.
exec 8>"$DATA_DIR/lock"
if ! flock --nonblock 8; then
  say "Waiting for the cluster that still runs on $DATA_DIR"
  flock --wait 20 8 || die "it does not end"
fi

# --- Parts ------------------------------------------------------------------------------------

declare -A pids=() # by name; of those that run
backends=()
sockets=""

# part name [option of setpriv …] -- command …: starts it in a session of its own, because Ctrl-C
# must reach nobody but this script; if this script is killed, the part is told to end.
part() {
  local name=$1 log=$logs/$1.log
  [[ ! -e $log ]] || mv -f -- "$log" "$log.1"
  setsid setpriv --pdeathsig TERM "${@:2}" >"$log" 2>&1 </dev/null &
  pids[$name]=$!
}

# stop limit signal name …: all of them at once; returns when they have ended.
stop() {
  local signal=$2 end=$((SECONDS + $1)) name pid code
  for name in "${@:3}"; do
    [[ -z ${pids[$name]-} ]] || kill -s "$signal" "${pids[$name]}" 2>/dev/null || true
  done
  for name in "${@:3}"; do
    pid=${pids[$name]-} code=0
    [[ -n $pid ]] || continue
    while kill -0 "$pid" 2>/dev/null; do
      if ((SECONDS > end)); then
        say "$name does not end: killing it"
        kill -KILL "$pid" 2>/dev/null || true
      fi
      sleep 0.05
    done
    # What ended just when a signal came may have ended unseen: bash would wait for it for ever.
    jobs -rp | grep -qx "$pid" || wait "$pid" 2>/dev/null || code=$?
    unset "pids[$name]"
    if ((code != 0)); then
      say "$name has ended with exit code $code; its log is $logs/$name.log"
      exit_code=1
    fi
  done
}

# finish exit_code: what writes ends before what it writes to.
finish() {
  exit_code=$1
  trap '' INT TERM HUP
  trap - EXIT
  [[ ${#pids[@]} -eq 0 ]] || say "Stopping: the servers first, then the rest"
  stop "$drain_limit_s" TERM "${backends[@]}"
  stop "$stop_limit_s" TERM nginx redis
  stop "$stop_limit_s" INT postgres # ends connections, too
  [[ -z $sockets ]] || rm -rf -- "$sockets"
  exit "$exit_code"
}

# failed what log: says so and stops everything.
failed() {
  say "$1; the last lines of $2:"
  tail -n 20 -- "$2" >&2 || true
  finish 1
}

# lost name exit_code
lost() {
  local how="exit code $2"
  kill -KILL -- "-${pids[$1]}" 2>/dev/null || true # nginx's workers would outlive it
  (($2 <= 128)) || how="signal $(kill -l "$2" 2>/dev/null || echo $(($2 - 128)))"
  unset "pids[$1]"
  failed "$1 has ended by itself ($how)" "$logs/$1.log"
}

# until_ready name command …: waits until the command succeeds.
until_ready() {
  local end=$((SECONDS + start_limit_s)) name code
  until "${@:2}" >/dev/null 2>&1; do
    for name in "${!pids[@]}"; do
      kill -0 "${pids[$name]}" 2>/dev/null && continue
      code=0
      wait "${pids[$name]}" 2>/dev/null || code=$?
      lost "$name" "$code"
    done
    ((SECONDS < end)) || failed "$1 is not ready after $start_limit_s s" "$logs/$1.log"
    sleep 0.05
  done
}

# --- Redis and PostgreSQL ---------------------------------------------------------------------

# Both are on unix sockets in a private folder: no port is taken, and nobody else can connect. It
# is not in DATA_DIR, because the path of a socket has at most 107 bytes.
start_redis() {
  part redis -- redis-server --port 0 --unixsocket "$sockets/redis" --unixsocketperm 700 \
    --dir "$DATA_DIR/redis" --appendonly yes --appendfsync always --save "" --daemonize no
  until_ready redis redis_answers
}

redis_answers() { [[ $(redis-cli -s "$sockets/redis" ping) == PONG ]]; }

# PostgreSQL refuses to run as root. The user that it runs as instead may not be able to get to
# its folder by the path, below /root say, so the folder is handed over open, as number 9.
start_postgres() {
  local folder=$DATA_DIR/postgres as_user=() programs version
  programs=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
  mkdir -p "$sockets/postgres" "$folder"
  chmod 700 "$folder" "$sockets/postgres"
  if [[ $EUID -eq 0 ]]; then
    as_user=(--reuid=postgres --regid=postgres --init-groups)
    chown postgres: "$folder" "$sockets/postgres"
  fi
  if [[ ! -e $folder/data/PG_VERSION ]]; then
    say "Making the database"
    rm -rf -- "$folder/data.new"
    (setpriv "${as_user[@]}" -- env -C / "$programs/initdb" -D /proc/self/fd/9/data.new \
      --username=pixel_battle --auth=trust --encoding=UTF8 --locale=C.UTF-8) \
      9<"$folder" >"$logs/initdb.log" 2>&1 || failed "initdb failed" "$logs/initdb.log"
    mv -- "$folder/data.new" "$folder/data"
  fi
  version=$(<"$folder/data/PG_VERSION")
  programs=/usr/lib/postgresql/$version/bin
  [[ -x $programs/postgres ]] || die "$folder was made by PostgreSQL $version: install it"
  part postgres "${as_user[@]}" -- env -C / "$programs/postgres" -D /proc/self/fd/9/data \
    -k "$sockets/postgres" -c listen_addresses= -c max_connections=$((50 + 20 * count)) \
    9<"$folder"
  until_ready postgres "$programs/pg_isready" -h "$sockets/postgres" -U pixel_battle
}

migrate() {
  "$binary" migrate upgrade head >"$logs/migrate.log" 2>&1 ||
    failed "the migrations failed" "$logs/migrate.log"
}

# --- The servers and nginx --------------------------------------------------------------------

# A session begun on one server goes on at the others, and after the next start.
use_one_secret() {
  [[ -z ${APP_SECRET_KEY-}${APP_SECRET_KEY_FILE-} ]] || return 0
  export APP_SECRET_KEY_FILE=$DATA_DIR/secret-key
  [[ -s $APP_SECRET_KEY_FILE ]] ||
    (umask 077 && head -c 32 /dev/urandom | base64 -w 0 >"$APP_SECRET_KEY_FILE")
}

start_backends() {
  local n name level=${LOG_LEVEL:-info}
  [[ $level == debug ]] || level=info # where a server listens is read from its log
  for ((n = 1; n <= count; ++n)); do
    name=backend-$n
    backends+=("$name")
    part "$name" -- env PORT=0 HOST=127.0.0.1 LOG_LEVEL="$level" REPLICA_NAME="$name" \
      DATA_DIR="$DATA_DIR/$name" \
      TRUSTED_PROXIES="127.0.0.1${TRUSTED_PROXIES:+,$TRUSTED_PROXIES}" \
      "$binary" "$@"
  done
  for name in "${backends[@]}"; do until_ready "$name" backend_answers "$name"; done
}

port_of() {
  sed -n '/serving/{s/.*address["=: ]*http:\/\/[^ "]*:\([0-9]*\).*/\1/p;q}' "$logs/$1.log"
}

backend_answers() { answers 127.0.0.1 "$(port_of "$1")"; }

# answers address port: whether a server there calls itself ready.
answers() (
  exec 3<>"/dev/tcp/$1/$2" &&
    printf 'GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3 &&
    read -r -t 5 status <&3 && [[ $status == *" 200 "* ]]
)

# Requests go on to another server when one cannot be reached; what it may have taken already is
# not asked for twice, except where that is harmless.
write_nginx_config() {
  local name
  cat <<END
# Written by scripts/cluster.sh at every start. Paths are relative to this folder.
daemon off;
pid nginx.pid;
error_log stderr warn;
worker_processes 2;
worker_rlimit_nofile $(ulimit -Hn | sed 's/unlimited/1048576/');
$([[ $EUID -ne 0 ]] || echo "user www-data;")
events { worker_connections 8192; }
http {
  access_log off;
  server_tokens off;
  client_body_temp_path body; proxy_temp_path proxy;
  fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  # Nothing goes to the disk on the way.
  client_max_body_size 64k; client_body_buffer_size 64k; proxy_max_temp_file_size 0;

  map \$http_upgrade \$connection_header { default upgrade; '' ''; }
  upstream servers {
$(for name in "${backends[@]}"; do
    echo "    server 127.0.0.1:$(port_of "$name") max_fails=1 fail_timeout=1s;  # $name"
  done)
    keepalive 32;
  }
  server {
    listen $1:$port;
    proxy_http_version 1.1;
    proxy_set_header Upgrade \$http_upgrade;
    proxy_set_header Connection \$connection_header;
    proxy_set_header Host \$http_host;
    proxy_set_header X-Forwarded-For \$proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto \$scheme;
    proxy_connect_timeout 1s;
    proxy_next_upstream error timeout;
    location / { proxy_pass http://servers; proxy_read_timeout 15s; }
    location = /ws { proxy_pass http://servers; proxy_read_timeout 1h; }
  }
}
END
}

start_nginx() {
  local bind=$host nearby=$host
  [[ $host != *:* ]] || bind="[$host]"
  case $host in
    0.0.0.0) nearby=127.0.0.1 ;;
    ::) nearby=::1 ;;
  esac
  write_nginx_config "$bind" >"$DATA_DIR/nginx/nginx.conf"
  rm -f -- "$DATA_DIR/nginx/nginx.pid"
  part nginx -- nginx -e stderr -p "$DATA_DIR/nginx" -c nginx.conf
  until_ready nginx nginx_answers "$nearby"
}

# It writes nginx.pid when it has the port; before that, somebody else may answer there.
nginx_answers() { [[ -s $DATA_DIR/nginx/nginx.pid ]] && answers "$1" "$port"; }

# --- All of it --------------------------------------------------------------------------------

tell() {
  local name
  say ""
  say "$title: http://localhost:$port"
  for name in "${backends[@]}"; do say "  $name: http://127.0.0.1:$(port_of "$name")"; done
  say "  redis: redis-cli -s $sockets/redis"
  [[ -z ${DATABASE_URL-} ]] || say "  postgres: psql '$DATABASE_URL'"
  say "  logs: $logs"
  say "Ctrl-C stops everything; $kept in $DATA_DIR"
}

trap 'finish 0' INT TERM HUP
trap 'finish 1' EXIT
sockets=$(mktemp -d /tmp/pixel-battle-XXXXXX)
chmod 711 "$sockets" # PostgreSQL's user must get through
ulimit -Sn "$(ulimit -Hn)"
export REDIS_URL=unix://$sockets/redis
unset DATABASE_URL REDIS_HOST REDIS_PASSWORD

say "Starting Redis"
start_redis
if [[ $program == pixel-battle ]]; then
  export DATABASE_URL="postgresql://pixel_battle@/postgres?host=$sockets/postgres"
  say "Starting PostgreSQL"
  start_postgres
  migrate
  use_one_secret
fi
say "Starting $count servers and nginx"
start_backends "$@"
start_nginx
tell

code=0
wait -n -p ended "${pids[@]}" 2>/dev/null || code=$? # the shell itself need not tell
for name in "${!pids[@]}"; do
  [[ ${pids[$name]} != "$ended" ]] || lost "$name" "$code"
done
