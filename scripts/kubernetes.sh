# What the deployment scripts do in a cluster of Kubernetes: sourced by them after stack.sh. There
# the cluster itself replaces pods one by one and keeps revisions; what it says is waited for.
# shellcheck shell=bash disable=SC2034,SC2154  # shared with the scripts

kubectl=()
deployment=deployment/pixel-battle-backend
stateful=(statefulset/pixel-battle-redis statefulset/pixel-battle-postgres)

find_cluster() {
  read -ra kubectl <<<"${KUBECTL:-kubectl}"
  command -v "${kubectl[0]}" >/dev/null || die "there is no ${kubectl[0]}"
  "${kubectl[@]}" get namespace default >/dev/null 2>&1 ||
    "${kubectl[@]}" get deployments >/dev/null || die "the cluster cannot be reached"
}

there_is() { "${kubectl[@]}" get "$1" >/dev/null 2>&1; }
deployed() { "${kubectl[@]}" get "$deployment" -o "jsonpath=$1" 2>/dev/null || true; }
revision_now() {
  deployed '{.metadata.annotations.deployment\.kubernetes\.io/revision}'
}

# until_rolled_out seconds
until_rolled_out() { "${kubectl[@]}" rollout status "$deployment" --timeout="$1s" >&2; }

# back_up_cluster: what of the stores is in the cluster.
back_up_cluster() {
  local only=()
  there_is "${stateful[0]}" || only=(--only postgres)
  if ! there_is "${stateful[1]}"; then
    say "PostgreSQL is not in this cluster: back it up where it is"
    [[ ${#only[@]} -eq 0 ]] || return 0
    only=(--only redis)
  fi
  scripts/backup.sh kubernetes "${only[@]}" >&2
}

# forget_revision number: nobody is to go back to what never served.
forget_revision() {
  local name revision
  "${kubectl[@]}" get replicasets -l app=pixel-battle-backend -o 'go-template={{range .items}}'\
'{{.metadata.name}} {{index .metadata.annotations "deployment.kubernetes.io/revision"}}'\
'{{"\n"}}{{end}}' | while read -r name revision; do
    [[ $revision != "$1" ]] || "${kubectl[@]}" delete replicaset "$name" >&2
  done
}

# deploy_to_cluster image backup seconds dry_run
deploy_to_cluster() {
  local before bad file
  find_cluster
  there_is secret/pixel-battle-secrets ||
    die "there is no secret pixel-battle-secrets: k8s/deployment.yaml says how to make it"
  before=$(revision_now)
  if [[ $4 == yes ]]; then
    for file in k8s/{redis,deployment,frontend,ingress}.yaml; do
      "${kubectl[@]}" apply --dry-run=server -f "$file" >&2
    done
    say "Would apply these${1:+, set the image $1} and wait; revision ${before:-none} runs now"
    return
  fi
  [[ $2 == no || -z $before ]] || back_up_cluster || die "the backup failed; nothing was changed"
  attempt change_cluster "$1" "$3"
  if [[ $failed -ne 0 ]]; then
    [[ -n $before ]] || die "the release does not start; none ran before"
    bad=$(revision_now)
    if [[ $bad != "$before" ]]; then
      say "Going back to revision $before"
      "${kubectl[@]}" rollout undo "$deployment" --to-revision="$before" >&2
      until_rolled_out "$3" || die "COULD NOT GO BACK to revision $before: see above"
      forget_revision "$bad"
    fi
    die "the new release failed; what ran before serves"
  fi
  say "Revision $(revision_now) serves"
}

# change_cluster image seconds: with an image, one new revision and not two.
change_cluster() {
  local file
  "${kubectl[@]}" apply -f k8s/redis.yaml >&2
  sed "s|image: pixel-battle-backend:latest|image: ${1:-pixel-battle-backend:latest}|" \
    k8s/deployment.yaml | "${kubectl[@]}" apply -f - >&2
  for file in k8s/{frontend,ingress}.yaml; do "${kubectl[@]}" apply -f "$file" >&2; done
  until_rolled_out "$2"
  scripts/health-check.sh kubernetes >&2
}

# roll_cluster_back revision seconds list dry_run
roll_cluster_back() {
  local before
  find_cluster
  before=$(revision_now)
  [[ -n $before ]] || die "there is no $deployment"
  if [[ $3 == yes ]]; then
    "${kubectl[@]}" rollout history "$deployment"
    return
  fi
  if [[ $4 == yes ]]; then
    "${kubectl[@]}" rollout undo "$deployment" ${1:+--to-revision="$1"} --dry-run=server >&2
    return
  fi
  "${kubectl[@]}" rollout undo "$deployment" ${1:+--to-revision="$1"} >&2 ||
    die "there is no such revision; nothing was changed"
  if ! until_rolled_out "$2"; then
    "${kubectl[@]}" rollout undo "$deployment" --to-revision="$before" >&2
    until_rolled_out "$2" || die "COULD NOT GO BACK to revision $before: see above"
    die "the revision does not serve; the one before this serves, as before"
  fi
  say "Revision $(revision_now) serves"
}

# scale_cluster count seconds dry_run
scale_cluster() {
  find_cluster
  if [[ $3 == yes ]]; then
    say "Would make it $1 servers instead of $(deployed '{.spec.replicas}')"
    return
  fi
  "${kubectl[@]}" scale "$deployment" --replicas="$1" >&2
  until_rolled_out "$2"
  say "$1 servers are asked"
}

# --- Health -------------------------------------------------------------------------------------

# pods label: "NAME PHASE READY" a line each, of those that are not going.
pods() {
  "${kubectl[@]}" get pods -l "app=$1" -o 'go-template={{range .items}}'\
'{{if not .metadata.deletionTimestamp}}{{.metadata.name}} {{.status.phase}}'\
'{{range .status.conditions}}{{if eq .type "Ready"}} {{.status}}{{end}}{{end}}'\
'{{"\n"}}{{end}}{{end}}'
}

# check_cluster: for health-check.sh, whose fine, bad, deliver, ready and replicas it uses.
check_cluster() {
  local label name phase is_ready wanted
  ready=()
  for label in pixel-battle-backend pixel-battle-frontend pixel-battle-redis \
    pixel-battle-postgres; do
    while read -r name phase is_ready; do
      if [[ $phase != Running || $is_ready != True ]]; then
        bad "$name: $phase, ready: ${is_ready:-never}"
      else
        fine "$name is ready"
        [[ $label != pixel-battle-backend ]] || ready+=("$name")
      fi
    done < <(pods "$label")
  done
  wanted=${replicas:-$(deployed '{.spec.replicas}')}
  [[ -n $wanted ]] || { bad "there is no $deployment" && return; }
  ((${#ready[@]} >= wanted)) || bad "${#ready[@]} servers are ready, $wanted must be"
  [[ ${#ready[@]} -eq 0 ]] || deliver_in_cluster
}

# deliver_in_cluster: through a port of this host for every pod.
deliver_in_cluster() {
  local name folder port hosts=() pids=()
  folder=$(mktemp -d)
  for name in "${ready[@]}"; do
    "${kubectl[@]}" port-forward "pod/$name" :8000 >"$folder/$name" 2>&1 &
    pids+=($!)
  done
  for name in "${ready[@]}"; do
    if until_true 20 "$name can be reached" grep -q '^Forwarding from 127' "$folder/$name"; then
      port=$(sed -n 's/^Forwarding from 127[^:]*:\([0-9]*\) .*/\1/p' "$folder/$name")
      hosts+=("http://127.0.0.1:$port")
    else
      bad "$name cannot be reached: $(tail -n 1 "$folder/$name")"
    fi
  done
  [[ ${#hosts[@]} -eq 0 ]] || deliver "${hosts[@]}" --names "${ready[@]}"
  kill "${pids[@]}" 2>/dev/null || true
  wait "${pids[@]}" 2>/dev/null || true
  rm -rf -- "$folder"
}
