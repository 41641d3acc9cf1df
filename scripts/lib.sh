# Shared by the scripts: sourced by bash, from the project's root.
# shellcheck shell=bash

# Says something to whoever started the script.
say() { printf '%s\n' "$*" >&2; }

die() {
  say "$*"
  exit 1
}

# explain "$@": prints the comment at the top of the script and ends it, if --help is asked for.
explain() {
  case ${1-} in
    -h | --help)
      sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
  esac
}

# read_words "name= count# flag …" "$@": what the script was called with. After --name VALUE, $name
# is that; --count wants a number from 1 on; --flag makes $flag yes, with _ for -. The rest is
# words=().
read_words() {
  local known=" $1 " name
  words=()
  while shift && [[ $# -gt 0 ]]; do
    name=${1#--}
    if [[ $1 != -* ]]; then
      words+=("$1")
    elif [[ $known == *" $name "* ]]; then
      printf -v "${name//-/_}" yes
    elif [[ $known == *" $name"[=#]" "* ]]; then
      [[ -n ${2-} ]] || die "$1: a value is missing"
      [[ $known != *" $name# "* || $2 =~ ^[1-9][0-9]*$ ]] || die "$1: a number from 1 on"
      printf -v "${name//-/_}" %s "$2"
      shift
    else
      die "$1: there is no such option; see --help"
    fi
  done
}

# The packages that the release build needs, for this release of the system.
build_packages() {
  local boost=""
  # Debian 12 has two Boosts; the default one is too old.
  # shellcheck source=/dev/null
  [[ $(. /etc/os-release && echo "${VERSION_CODENAME-}") == bookworm ]] && boost=1.81
  echo ca-certificates ccache cmake g++ git make mold ninja-build pkg-config \
    "libboost$boost-dev" "libboost-json$boost-dev" "libboost-url$boost-dev" \
    libbenchmark-dev libbrotli-dev libcli11-dev libgtest-dev libhiredis-dev libpng-dev \
    libpq-dev libspdlog-dev libsqlite3-dev libssl-dev libzstd-dev prometheus-cpp-dev zlib1g-dev
}

# What the tests need besides.
test_packages() {
  echo brotli chromium clang clang-format clang-tidy libclang-rt-dev lld llvm nginx \
    openssl postgresql python3 python3-psycopg2 python3-pytest python3-redis \
    python3-websockets python3-yaml redis-server shellcheck spin util-linux zstd
}

# What the tests of the deployment's files need besides, and those on a real engine; unless it is
# here from another package.
deploy_packages() {
  echo prometheus
  command -v docker-compose >/dev/null || echo docker-compose
}

engine_packages() {
  deploy_packages
  echo curl iptables mmdebstrap
  command -v dockerd >/dev/null || echo docker.io
}

# cluster_packages program: what a whole cluster of it on this machine needs besides, unless it is
# here from another package.
cluster_packages() {
  echo util-linux
  [[ -x /usr/sbin/nginx ]] || echo nginx
  [[ -x /usr/bin/redis-server ]] || echo redis-server
  [[ $1 == counter-app ]] || compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null ||
    echo postgresql
}

missing_packages() {
  comm -23 <(printf '%s\n' "$@" | sort -u) \
    <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
      sed -n 's/^installed //p' | sort -u)
}

# ensure_packages name …: installs those that are missing, and only those.
ensure_packages() {
  local missing as_root=()
  command -v dpkg-query >/dev/null ||
    die "this system has no Debian packages; install the equivalents of: $*"
  missing=$(missing_packages "$@" | tr '\n' ' ')
  [[ -n ${missing// /} ]] || return 0
  if [[ $(id -u) -ne 0 ]]; then
    command -v sudo >/dev/null || die "as root, install: $missing"
    as_root=(sudo)
  fi
  say "Installing: $missing"
  as_root+=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)
  "${as_root[@]}" update || say "the package lists could not be updated; trying with the old ones"
  # shellcheck disable=SC2086  # one word a package
  "${as_root[@]}" install -y --no-install-recommends $missing >/dev/null ||
    die "could not install: $missing"
}

# Locust, for load; not every release of the system has it.
ensure_locust() {
  command -v locust >/dev/null || (ensure_packages python3-locust) || {
    say "this system has no Locust"
    return 1
  }
}

# Any Node.js from 18 on with npm will do; otherwise the system's own.
ensure_node() {
  local major
  major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/') || true
  if [[ ${major:-0} -lt 18 ]] || ! command -v npm >/dev/null; then
    ensure_packages nodejs npm
  fi
}

# fingerprint path …: changes when any file below the paths is edited, added, moved or removed.
fingerprint() {
  find "$@" \( -name node_modules -o -name dist -o -name dist-counter -o -name __pycache__ \) \
    -prune -o -type f -printf '%p %s %T@\n' | LC_ALL=C sort | sha256sum
}

# up_to_date name path …: whether the paths are as they were when `built name path …` was called.
up_to_date() { [[ $(cat "build/$1.inputs" 2>/dev/null) == "$(fingerprint "${@:2}")" ]]; }
built() {
  mkdir -p build
  fingerprint "${@:2}" >"build/$1.inputs"
}

front_end_is_built() {
  up_to_date web web && [[ -f web/dist/index.html && -f web/dist-counter/index.html ]]
}

# Builds web/dist and web/dist-counter, if anything they are made of has changed.
build_front_end() {
  if ! up_to_date npm web/package-lock.json || [[ ! -d web/node_modules ]]; then
    say "Installing the front end's packages"
    (cd web && npm ci --no-audit --no-fund --loglevel=error)
    built npm web/package-lock.json
  fi
  if ! front_end_is_built; then
    say "Building the front end"
    (cd web && npm run --silent build)
    built web web
  fi
}

# find_compose: sets $compose to the Compose that is here.
find_compose() {
  # shellcheck disable=SC2034  # for the scripts
  compose=(docker compose)
  docker compose version >/dev/null 2>&1 || compose=(docker-compose)
  command -v "${compose[0]}" >/dev/null || die "neither docker compose nor docker-compose is here"
}

# configure preset [cmake argument …]
configure() { cmake --preset "$@" >/dev/null || die "cmake --preset $* failed"; }
