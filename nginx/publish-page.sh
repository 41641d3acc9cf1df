#!/bin/bash
# Usage: nginx/publish-page.sh
#
# Runs in the image `frontend` and puts its page into the volume that nginx serves, while it serves:
# first the files with a hash in their name, then those that name them, each whole or not at all.
# The hashed files of the page before stay until the next one, for those who still have it open.
set -euo pipefail

[[ ${1-} != --help ]] || { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" && exit 0; }

from=/usr/share/nginx/html to=/page
list=$to/assets/.published

# publish: what stdin names, a file a line. What is the same already stays.
publish() {
  local name
  while read -r name; do
    ! cmp -s "$from/$name" "$to/$name" || continue
    mkdir -p "$to/$(dirname "$name")"
    cp -- "$from/$name" "$to/$name.new"
    mv -f -- "$to/$name.new" "$to/$name"
  done
}

cd "$from"
new=$(find assets -type f | sort)
mkdir -p "$to/assets"
publish <<<"$new"
find . -type f -not -path './assets/*' | publish
if [[ $new != "$(cat "$list" 2>/dev/null)" ]]; then
  { cat "$list" 2>/dev/null || true; } | cat - <(echo "$new") >"$list.both"
  (cd "$to" && find assets -type f -not -name '.published*') | grep -vxF -f "$list.both" |
    while read -r old; do rm -f -- "$to/$old"; done || true
  rm -f -- "$list.both"
  echo "$new" >"$list"
fi
# Only root can write there, and everybody read.
chmod -R u=rwX,go=rX "$to"
