# The releases of a stack: sourced after stack.sh. A release is a name (the time it was made),
# images that carry the name as their tag, and a file releases/ENV/NAME:
#
#     backend=ID    frontend=ID    the images
#     revision=     of the source
#     backup=       the folder of the backup that was made before it came
#     before=       the release that it replaced
#
# releases/ENV/current names the one that runs. The tag that the Compose file names (latest, or what
# BACKEND_IMAGE and FRONTEND_IMAGE say) always is that one: `up -d` by hand changes nothing.
# shellcheck shell=bash disable=SC2034,SC2154  # shared with the scripts

backend_image() { setting BACKEND_IMAGE pixel-battle-backend:latest; }
frontend_image() { setting FRONTEND_IMAGE pixel-battle-frontend:latest; }

# tagged image tag: the same repository with another tag.
tagged() {
  local name=${1##*/}
  printf '%s%s:%s' "${1:0:${#1}-${#name}}" "${name%%:*}" "$2"
}

current_release() { cat "releases/$env/current" 2>/dev/null || true; }
release_field() { sed -n "s/^$2=//p" "releases/$env/$1" 2>/dev/null; }
releases() {
  [[ ! -d releases/$env ]] || find "releases/$env" -maxdepth 1 -name '20??-*' -printf '%f\n' | sort
}

new_release() {
  local name
  mkdir -p "releases/$env"
  while name=$(date -u +%Y-%m-%dT%H-%M-%SZ) && [[ -e releases/$env/$name ]]; do sleep 1; done
  echo "$name"
}

# write_file path: from stdin, whole or not at all.
write_file() {
  cat >"$1.new"
  mv -f -- "$1.new" "$1"
}

set_current() { echo "$1" | write_file "releases/$env/current"; }

# record_release name revision backup before: of the images that carry its name.
record_release() {
  write_file "releases/$env/$1" <<END
backend=$(image_id "$(tagged "$(backend_image)" "$1")")
frontend=$(image_id "$(tagged "$(frontend_image)" "$1")")
revision=$2
backup=$3
before=$4
END
}

# choose_release name: from now on Compose starts its images.
choose_release() {
  docker tag "$(tagged "$(backend_image)" "$1")" "$(backend_image)"
  docker tag "$(tagged "$(frontend_image)" "$1")" "$(frontend_image)"
}

has_images() {
  [[ -n $(image_id "$(tagged "$(backend_image)" "$1")") &&
    -n $(image_id "$(tagged "$(frontend_image)" "$1")") ]]
}

# forget_images name: its tags go; what no other tag names goes with them.
forget_images() {
  docker rmi "$(tagged "$(backend_image)" "$1")" "$(tagged "$(frontend_image)" "$1")" \
    >/dev/null 2>&1 || true
}

# release_that_runs: its name; it is recorded now if it came by other ways. Nothing if none runs.
release_that_runs() {
  local images now name page
  # shellcheck disable=SC2046  # one word an id
  images=$(of_container '{{.Image}}' $(containers "${servers[@]}") | sort -u)
  [[ -n $images ]] || return 0
  now=$(current_release)
  if [[ -n $now ]] && grep -qxF -- "$(release_field "$now" backend)" <<<"$images"; then
    echo "$now"
    return
  fi
  name=$(new_release)
  page=$(containers "$page_service" | tail -n 1)
  [[ -z $page ]] || page=$(image_of "$page")
  docker tag "$(head -n 1 <<<"$images")" "$(tagged "$(backend_image)" "$name")"
  docker tag "${page:-$(frontend_image)}" "$(tagged "$(frontend_image)" "$name")"
  record_release "$name" "" "" "$now"
  set_current "$name"
  echo "$name"
}

# forget_old count: keeps the newest, and whatever runs or was before it.
forget_old() {
  local now name
  now=$(current_release)
  releases | head -n "-$1" | while read -r name; do
    [[ $name != "$now" && $name != "$(release_field "$now" before)" ]] || continue
    forget_images "$name"
    rm -f -- "releases/$env/$name"
  done
}

# --- Making one ---------------------------------------------------------------------------------

release="" before="" # the new one, and the one that runs
image="" page=""     # what is taken instead of being built
disk_least_mb=1024

check_disk() {
  local root free
  root=$(docker info --format '{{.DockerRootDir}}')
  [[ -d $root ]] || root=$PWD
  free=$(($(df --output=avail -k "$root" | tail -n 1) / 1024))
  ((free >= disk_least_mb)) || die "only $free MB are free at $root; $disk_least_mb must be"
}

# check_image name: it is here, or can be pulled.
check_image() {
  [[ -z $1 || -n $(image_id "$1") ]] || docker pull -q "$1" >/dev/null 2>&1 ||
    die "there is no image $1 here, and it cannot be pulled; nothing was changed"
}

# preflight: changes nothing, and ends the script if it is clear beforehand that it cannot be done.
preflight() {
  local said
  command -v curl >/dev/null || ensure_packages curl
  command -v python3 >/dev/null || ensure_packages python3
  said=$("${compose[@]}" -f "$file" config -q 2>&1) || die "$file: $said"
  check_disk
  check_ports
  check_image "$image"
  check_image "$page"
}

revision() {
  local changed=""
  git rev-parse --is-inside-work-tree >/dev/null 2>&1 || return 0
  git diff --quiet HEAD 2>/dev/null || changed=-changed
  echo "$(git rev-parse HEAD 2>/dev/null)$changed"
}

# make_images: with the new release's tag.
make_images() {
  local backend frontend
  backend=$(tagged "$(backend_image)" "$release")
  frontend=$(tagged "$(frontend_image)" "$release")
  if [[ -n $image$page ]]; then
    docker tag "${image:-$(backend_image)}" "$backend" &&
      docker tag "${page:-$(frontend_image)}" "$frontend"
    return
  fi
  say "Building"
  BACKEND_IMAGE=$backend FRONTEND_IMAGE=$frontend "${compose[@]}" -f "$file" build \
    --build-arg "REVISION=$(revision)" backend "$page_service" >&2
}

# discard name: a release that never came.
discard() {
  forget_images "$1"
  rm -f -- "releases/$env/$1"
}

is_same() {
  [[ -n $before && $(release_field "$release" "$1") == "$(release_field "$before" "$1")" ]]
}

# prepare_release backup keep: backs up, builds and records; $release is $before if there is
# nothing new. Ends the script where that fails, with nothing changed.
prepare_release() {
  local kept=""
  before=$(release_that_runs)
  if [[ $1 == yes && -n $before ]]; then
    kept=$(scripts/backup.sh "$env" --to "backups/releases-$env" --keep "$2") ||
      die "the backup failed; nothing was changed"
    say "The backup is in $kept"
  fi
  release=$(new_release)
  if ! make_images; then
    discard "$release"
    die "there are no images of a new release; nothing was changed"
  fi
  record_release "$release" "$(revision)" "$kept" "${before:-$(current_release)}"
  if is_same backend && is_same frontend; then
    say "Nothing has changed since release $before"
    discard "$release"
    release=$before
  fi
}

# --- Putting one in place -----------------------------------------------------------------------

# put_in_place name count: that release serves, and everything answers; otherwise the shell ends.
put_in_place() {
  local backend
  choose_release "$1"
  backend=$(release_field "$1" backend)
  roll "$backend" "$2" || die "the servers of release $1 do not serve"
  show_page || die "the page of release $1 is not shown"
  scripts/health-check.sh "$env" --replicas "$2" >&2 || die "release $1 is not well"
}

# show_page: the front has the page of the release that is chosen. In production nginx stays as it
# is, unless its own settings or image have changed: then nobody gets through for a second.
show_page() {
  local id
  [[ $env == dev ]] || "${compose[@]}" -f "$file" run --rm --no-deps -T page </dev/null >&2 ||
    return 1
  up "$front" || return 1
  id=$(containers "$front" | tail -n 1)
  # It may have had no server just now, and have been unhealthy for that.
  until_true "$wait_limit_s" "$front is healthy" is_healthy "$id"
}

# attempt command …: in a shell of its own that ends at the first error; its exit code in $failed.
attempt() {
  set +e
  (
    set -e
    "$@"
  )
  failed=$?
  set -e
}

# go_back name count: to the release that ran before.
go_back() {
  say "Going back to release $1"
  attempt put_in_place "$1" "$2"
  [[ $failed -eq 0 ]] || die "COULD NOT GO BACK to release $1: see above, then repeat" \
    "scripts/rollback.sh $env --to $1"
  warn_of_newer_schema "$1"
}

alembic() {
  "${compose[@]}" -f "$file" run --rm --no-deps -T --entrypoint alembic backend "$@" </dev/null
}

# migrate: servers of an older release run beside a newer schema, too.
migrate() {
  local said
  say "Migrating"
  said=$(alembic upgrade head 2>&1) || [[ $said == *"the database has schema version"* ]] ||
    die "the migrations failed: $said"
}

# warn_of_newer_schema name: servers of an older release draw, but write no history there.
warn_of_newer_schema() {
  local said
  said=$(alembic current 2>&1) || true
  [[ $said == *"the database has schema version"* ]] || return 0
  say "The database's schema is newer than release $1: people draw, but the history waits until" \
    "a newer release runs. To take the schema back, with the newer image:" \
    "BACKEND_IMAGE=NEWER docker-compose -f $file run --rm --no-deps --entrypoint alembic" \
    "backend downgrade -1"
}
