#!/bin/bash
# Usage: make-secrets
#
# Lays out the production stack's secrets, as root, before anything else starts: what is given in
# /given (the project's folder secrets/) is taken from there, a file a secret; what is not is made
# up once and then kept. Every service gets a folder with just what it needs.
#
#     postgres/password                     database-password
#     redis/redis.conf                      redis-password
#     backend/database-url, redis-url       both of them
#     backend/app-secret-key, telegram-bot-token
#
# A telegram-bot-token that was not given stays empty: then there is no Telegram sign-in.
set -euo pipefail

[[ ${1-} != --help ]] || { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" && exit 0; }

given=/given kept=/secrets
server=10001 database=999 # the users that read them
umask 077

# value file name: what was given by that name, or is kept in the file already, or is new.
value() {
  if [[ -s $given/$2 ]]; then
    tr -d '\r\n' <"$given/$2"
  elif [[ -s $1 ]]; then
    cat "$1"
  else
    head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n'
  fi
}

# put file owner: writes the file from stdin, whole or not at all.
put() {
  cat >"$1.new"
  chown "$2:$2" "$1.new"
  chmod 400 "$1.new"
  mv -f -- "$1.new" "$1"
}

# In a URL, everything but letters and digits is escaped.
escaped() {
  local text=$1 i
  local LC_ALL=C
  for ((i = 0; i < ${#text}; ++i)); do
    case ${text:i:1} in
      [a-zA-Z0-9]) printf '%s' "${text:i:1}" ;;
      *) printf '%%%02X' "'${text:i:1}" ;;
    esac
  done
}

for folder in postgres redis backend; do chmod 755 "$kept/$folder"; done

password=$(value "$kept/postgres/password" database-password)
printf '%s' "$password" | put "$kept/postgres/password" "$database"
printf 'postgresql://pixel_battle:%s@postgres:5432/pixel_battle' "$(escaped "$password")" |
  put "$kept/backend/database-url" "$server"

password=$(value "$kept/redis/password" redis-password)
[[ $password != *[\"\\]* ]] || { echo "redis-password: neither \" nor \\, please" >&2 && exit 1; }
printf '%s' "$password" | put "$kept/redis/password" "$database"
printf 'requirepass "%s"\nmasterauth "%s"\n' "$password" "$password" |
  put "$kept/redis/redis.conf" "$database"
printf 'redis://:%s@redis:6379' "$(escaped "$password")" | put "$kept/backend/redis-url" "$server"

value "$kept/backend/app-secret-key" app-secret-key |
  put "$kept/backend/app-secret-key" "$server"
if [[ -s $given/telegram-bot-token ]]; then tr -d '\r\n' <"$given/telegram-bot-token"; fi |
  put "$kept/backend/telegram-bot-token" "$server"
