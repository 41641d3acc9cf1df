#!/bin/bash
# Usage: redis-node.sh master | replica NODE | sentinel
#
# Starts one part of docker-compose.swarm-replicated.yml in the image redis: a Redis node, which is
# the first master or a replica of NODE when it starts for the first time, or a Sentinel. What they
# are later is decided by the Sentinels and kept in their own configuration files in /data, which
# they write themselves. Nodes are known by their service's name, NODE_NAME: addresses change.
set -euo pipefail

[[ ${1-} != --help ]] || { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" && exit 0; }

first_master=redis
group=counter

# told_by_sentinels field: what they say of the master; nothing if none answers.
told_by_sentinels() {
  timeout 3 redis-cli -h sentinel -p 26379 sentinel master "$group" 2>/dev/null |
    sed -n "/^$1\$/{n;p;q}" || true
}

# A node that has lost its disk must not come back as the master: its replicas would empty
# themselves. While the Sentinels know replicas and still name this node, they are about to choose
# another one; before the first start they know none.
wait_for_another_master() {
  local replicas
  while replicas=$(told_by_sentinels num-slaves) && [[ ${replicas:-0} -gt 0 ]]; do
    follow=$(told_by_sentinels ip)
    [[ -n $follow && $follow != "$NODE_NAME" ]] && return
    echo "this node is empty and still the master: waiting until the Sentinels choose another" >&2
    sleep 1
  done
  follow=""
}

# A Sentinel looks every ten seconds only which replicas a master has, and one that it does not know
# is not told of another master. So its first look comes when they are there, or after 30 seconds.
wait_for_replicas() {
  local i
  for ((i = 0; i < 30; ++i)); do
    ! timeout 3 redis-cli -h "$1" info replication 2>/dev/null | grep -q "^connected_slaves:2" ||
      return 0
    sleep 1
  done
}

node_config() {
  cat <<END
dir /data
appendonly yes
appendfsync always
save ""
protected-mode no
replica-announce-ip $NODE_NAME
min-replicas-to-write 1
min-replicas-max-lag 3
repl-diskless-sync-delay 0
${1:+replicaof $1 6379}
END
}

sentinel_config() {
  cat <<END
dir /data
port 26379
protected-mode no
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel monitor $group $1 6379 2
sentinel down-after-milliseconds $group 3000
sentinel failover-timeout $group 10000
sentinel parallel-syncs $group 1
END
}

role=$1 config=/data/node.conf
[[ $role != sentinel ]] || config=/data/sentinel.conf
if [[ ! -s $config ]]; then
  case $role in
    master | replica)
      follow=${2-}
      [[ $role == replica ]] || wait_for_another_master
      node_config "$follow" >"$config.new"
      ;;
    sentinel)
      master=$(told_by_sentinels ip)
      master=${master:-$first_master}
      # Named before it can be looked up, it would not be believed.
      until getent hosts "$master" >/dev/null; do sleep 1; done
      wait_for_replicas "$master"
      sentinel_config "$master" >"$config.new"
      ;;
  esac
  mv -- "$config.new" "$config"
fi
# Redis and Sentinel stand still while they look up the name of a node that is gone, too long for a
# failover. So the last address of every node is kept where it is found at once.
export RES_OPTIONS="timeout:1 attempts:1"
own_hosts=$(</etc/hosts)
declare -A last
while :; do
  hosts=$own_hosts
  for node in redis redis-2 redis-3; do
    address=$(getent -s hosts:dns ahostsv4 "$node" | cut -d ' ' -f 1 | head -n 1) || true
    last[$node]=${address:-${last[$node]-}}
    [[ -z ${last[$node]} ]] || hosts+=$'\n'"${last[$node]} $node"
  done
  [[ $hosts == "$(</etc/hosts)" ]] || printf '%s\n' "$hosts" >/etc/hosts
  sleep 1
done &

chown -R redis: /data
program=redis-server
[[ $role != sentinel ]] || program=redis-sentinel
exec setpriv --reuid=redis --regid=redis --clear-groups "$program" "$config"
