#!/bin/bash
# Usage: nginx/backends.sh
#
# Runs in nginx's container before nginx starts, and beside it from then on. Once a second it looks
# up the servers' addresses and asks each whether it is ready; whenever the answer changes nginx is
# given the new list and reloads, which ends no request and no socket. So a server that was scaled
# up is found without a restart, and one that drains or is dead gets nothing any more. While none is
# ready those that live get everything: the board is readable even when nothing can be placed.
#
#   /tmp/nginx/preferred   addresses: as long as any of them is ready, the others get nothing
#                    (scripts/blue-green.sh writes it)
#   BACKENDS         the names to look up (default: backend)
#   TRUSTED_PROXIES  addresses or CIDRs before this nginx whose X-Forwarded-For counts
#   /etc/nginx/tls   fullchain.pem and privkey.pem there switch TLS on
set -euo pipefail

[[ ${1-} != --help ]] || { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" && exit 0; }

names=${BACKENDS:-backend}
port=8000
every_s=1
answer_limit_s=2
folder=/tmp/nginx
tls=/etc/nginx/tls

# addresses: of all that are there, one a line.
addresses() {
  local name
  for name in $names; do getent ahostsv4 "$name" || true; done | cut -d ' ' -f 1 | sort -u
}

# answering path address …: those that answer it with 200, one a line.
answering() {
  local path=$1 address
  for address in "${@:2}"; do
    curl -fs -o /dev/null -m "$answer_limit_s" "http://$address:$port$path" && echo "$address" &
  done | sort
}

chosen() {
  local all ready preferred
  mapfile -t all < <(addresses)
  ready=$(answering /health/ready "${all[@]}")
  if [[ -s $folder/preferred ]]; then
    preferred=$(comm -12 <(printf '%s\n' "$ready") <(sort "$folder/preferred"))
    ready=${preferred:-$ready}
  fi
  [[ -n $ready ]] || ready=$(answering /health "${all[@]}")
  printf '%s' "$ready"
}

# servers list options: nginx's lines for them. It does not start without one.
servers() {
  local address
  for address in $1; do echo "server $address:$port $2;"; done
  [[ -n $1 ]] || echo "server 127.0.0.1:9 down;"
}

write_servers() {
  servers "$1" "max_fails=1 fail_timeout=2s" >"$folder/requests.conf"
  servers "$1" "max_fails=0" >"$folder/sockets.conf"
}

write_listen() {
  if [[ -s $tls/fullchain.pem && -s $tls/privkey.pem ]]; then
    printf '%s;\n' "listen 8443 ssl http2" \
      "ssl_certificate $tls/fullchain.pem" "ssl_certificate_key $tls/privkey.pem" \
      "ssl_protocols TLSv1.2 TLSv1.3" "ssl_session_cache shared:tls:10m" \
      "ssl_session_timeout 1d" >"$folder/listen.conf"
    # shellcheck disable=SC2016  # these are nginx's variables
    echo 'server { listen 8080; return 308 https://$host$request_uri; }' >"$folder/redirect.conf"
  else
    echo "listen 8080;" >"$folder/listen.conf"
    : >"$folder/redirect.conf"
  fi
}

write_real_ip() {
  local proxy
  for proxy in ${TRUSTED_PROXIES//,/ }; do echo "set_real_ip_from $proxy;"; done
  echo "real_ip_header X-Forwarded-For;"
  echo "real_ip_recursive on;"
}

# Never returns: nginx is told of every change once it runs. When nobody answers at all, the list
# stays as it is: then it is no worse than any other.
follow() {
  local known=$1 now
  while sleep "$every_s"; do
    now=$(chosen)
    [[ -n $now && $now != "$known" && -s $folder/nginx.pid ]] || continue
    write_servers "$now"
    echo "backends: ${now//$'\n'/ }" >&2
    kill -HUP "$(<"$folder/nginx.pid")" && known=$now
  done
}

mkdir -p "$folder"
rm -f -- "$folder/nginx.pid" "$folder/preferred"
write_listen
TRUSTED_PROXIES=${TRUSTED_PROXIES-} write_real_ip >"$folder/real-ip.conf"
first=$(chosen)
write_servers "$first"
while :; do
  follow "$first" || sleep "$every_s"
  first=""
done &
