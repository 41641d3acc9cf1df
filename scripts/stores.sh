# How backup.sh and restore.sh get at PostgreSQL and Redis: sourced by both, after lib.sh.
# shellcheck shell=bash disable=SC2034  # the scripts read some of it

store_options="only= redis= postgres= dry-run" # those of both scripts
where="" only="" redis="" postgres=""
dry_run=no
redis_at=() postgres_at=() # what to put before a command that runs beside the store
redis_login=() postgres_login=()

wanted() { [[ -z $only || $only == "$1" ]]; }

# find_stores: from $where; ends the script where that cannot be.
find_stores() {
  [[ $only =~ ^(redis|postgres|)$ ]] || die "--only: redis or postgres"
  case $where in
    dev) find_in_compose docker-compose.yml ;;
    prod) find_in_compose docker-compose.prod.yml ;;
    kubernetes) find_in_kubernetes ;;
    direct) find_by_url ;;
    *) die "where? dev, prod, kubernetes or direct; see --help" ;;
  esac
}

find_in_compose() {
  find_compose
  [[ -f $1 ]] || die "there is no $1"
  # In production Redis has a password, in a file that only it can read.
  # shellcheck disable=SC2016  # all of it is for the other shell
  redis_at=("${compose[@]}" -f "$1" exec -T "${redis:-redis}" sh -c 'file=/run/secrets/password
    [ ! -r "$file" ] || export REDISCLI_AUTH="$(cat "$file")"
    exec "$@"' sh)
  postgres_at=("${compose[@]}" -f "$1" exec -T "${postgres:-postgres}")
}

find_in_kubernetes() {
  local kubectl
  read -ra kubectl <<<"${KUBECTL:-kubectl}"
  command -v "${kubectl[0]}" >/dev/null || die "there is no ${kubectl[0]}"
  redis_at=("${kubectl[@]}" exec -i "${redis:-statefulset/pixel-battle-redis}" --)
  postgres_at=("${kubectl[@]}" exec -i "${postgres:-statefulset/pixel-battle-postgres}" --)
}

# Passwords are kept out of the list of processes.
find_by_url() {
  local url
  if wanted postgres; then
    [[ -n ${DATABASE_URL-} ]] || die "DATABASE_URL must be set, or say --only redis"
    command -v pg_dump >/dev/null || ensure_packages postgresql-client
    url=$(sed -E 's|^postgres(ql)?(\+[a-z0-9]+)?://|postgresql://|' <<<"$DATABASE_URL")
    take_password "$url"
    [[ -z $password ]] || export PGPASSWORD=$password
    postgres_login=("--dbname=$url_without")
  fi
  if wanted redis; then
    [[ -n ${REDIS_URL-} ]] || die "REDIS_URL must be set, or say --only postgres"
    command -v redis-cli >/dev/null || ensure_packages redis-tools
    case $REDIS_URL in
      unix://*) redis_login=(-s "${REDIS_URL#unix://}") ;;
      redis://* | rediss://*)
        take_password "$REDIS_URL"
        [[ -z $password ]] || export REDISCLI_AUTH=$password
        [[ $url_without =~ ^(rediss?://)(([^/@]*)@)?(.*)$ ]]
        redis_login=(-u "${BASH_REMATCH[1]}${BASH_REMATCH[4]}")
        [[ -z ${BASH_REMATCH[3]} ]] || redis_login+=(--user "${BASH_REMATCH[3]}")
        ;;
      *) die "REDIS_URL: give one server's own address, redis://HOST:PORT" ;;
    esac
  fi
}

# take_password url: puts it into $password and the rest into $url_without.
take_password() {
  password="" url_without=$1
  if [[ $1 =~ ^([a-z]+://[^:/@]*):(.*)@([^@]*)$ ]]; then
    password=${BASH_REMATCH[2]} url_without=${BASH_REMATCH[1]}@${BASH_REMATCH[3]}
    if [[ $password =~ %[0-9a-fA-F]{2} ]]; then
      printf -v password '%b' "${password//%/\\x}"
    fi
  fi
}

# beside_postgres command argument …: runs it where PostgreSQL is, and reads what it has left of its
# input: kubectl exec would wait for ever for somebody to take that.
beside_postgres() {
  # shellcheck disable=SC2016  # for the other shell
  "${postgres_at[@]}" sh -c '"$@"; status=$?; cat >/dev/null; exit "$status"' sh "$@"
}

# pg tool argument …: a tool of PostgreSQL's, signed in.
pg() {
  if [[ $where == direct ]]; then
    "$1" "${postgres_login[@]}" "${@:2}"
  else
    # shellcheck disable=SC2016  # the container's variables
    beside_postgres sh -c 'tool=$1 && shift && exec "$tool" \
      --username="${POSTGRES_USER:-postgres}" --dbname="${POSTGRES_DB:-postgres}" "$@"' \
      sh "$@"
  fi
}

redis() { "${redis_at[@]}" redis-cli "${redis_login[@]}" "$@" </dev/null; }

# check_stores: that what is wanted can be reached.
check_stores() {
  local said
  if wanted postgres; then
    said=$(pg psql -XAtqc 'SELECT 1' </dev/null 2>&1) || true
    [[ $said == 1 ]] || die "PostgreSQL cannot be reached: $said"
  fi
  if wanted redis; then
    said=$(redis ping 2>&1) || true
    [[ $said == PONG ]] || die "Redis cannot be reached: $said"
  fi
}
