"""A master with two replicas under three real Sentinels, here or in network namespaces."""

import contextlib
import os
import pathlib
import signal
import subprocess
import time

import redis as redis_py

from hot import RedisServer
from waiting import PATIENCE_S, eventually

NAME = "mymaster"
DOWN_AFTER_MS, FAILOVER_TIMEOUT_MS = 1000, 3000


class Node(RedisServer):
    """A redis-server on an address that may be one of a network namespace."""

    def __init__(self, folder, host="127.0.0.1", wrap=(), **settings):
        super().__init__(folder, **settings)
        self.host, self.wrap = host, list(wrap)

    def start(self, wait=True, **changes):
        assert self.process is None, "it runs already"
        folder = self.folder
        command = [*self.wrap, "redis-server", "--bind", self.host, "--port", str(self.port),
                   "--dir", str(folder), "--logfile", str(folder / "redis.log")]
        for name, value in (self.settings | changes).items():
            command += [f"--{name}", *(str(value).split(" ") if value else [""])]
        self._run(command)
        if wait:
            eventually(lambda: self.client().ping(), f"it answers: {self.log()[-1000:]}")
        return self

    def _run(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def client(self, timeout=30):
        return redis_py.Redis(host=self.host, port=self.port, single_connection_client=True,
                              socket_timeout=timeout, socket_connect_timeout=min(timeout, 5))

    def ask(self, *words, timeout=1):
        with self.client(timeout) as client:
            return client.execute_command(*words)

    def replication(self):
        with self.client(1) as client:
            return client.info("replication")

    def stop_cold(self):
        """SIGSTOP, as a machine that hangs."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def end(self):
        if self.process is not None:
            self.go_on()
            self.kill()


class Sentinel(Node):
    def start(self, wait=True, **changes):
        config = self.folder / "sentinel.conf"
        if not config.exists():
            config.write_text("\n".join([
                f"bind {self.host}", f"port {self.port}", f"dir {self.folder}",
                f"logfile {self.folder}/redis.log", *self.settings["lines"].split("\n")]) + "\n")
        self._run([*self.wrap, "redis-server", str(config), "--sentinel"])
        eventually(lambda: self.client().ping(), "a sentinel answers")
        return self


class Group:
    """Three nodes, each with a sentinel. `hosts` and `wraps`: where they are, if not here."""

    def __init__(self, folder, hosts=("127.0.0.1",) * 3, wraps=((),) * 3):
        folder = pathlib.Path(folder)
        self.nodes = [
            Node(folder / f"redis-{n}", host, wrap, protected_mode="no", min_replicas_to_write=1,
                 min_replicas_max_lag=3, repl_ping_replica_period=1, repl_timeout=10,
                 repl_diskless_sync_delay=0)
            for n, (host, wrap) in enumerate(zip(hosts, wraps))]
        self.first = self.nodes[0]
        lines = "\n".join([
            "protected-mode no",
            f"sentinel monitor {NAME} {self.first.host} {self.first.port} 2",
            f"sentinel down-after-milliseconds {NAME} {DOWN_AFTER_MS}",
            f"sentinel failover-timeout {NAME} {FAILOVER_TIMEOUT_MS}",
            f"sentinel parallel-syncs {NAME} 2"])
        self.sentinels = [Sentinel(folder / f"sentinel-{n}", host, wrap, lines=lines)
                          for n, (host, wrap) in enumerate(zip(hosts, wraps))]

    def start(self):
        self.first.start()
        for node in self.nodes[1:]:
            node.start(replicaof=f"{self.first.host} {self.first.port}")
        eventually(lambda: self.replicas_of(self.first) == 2, "the replicas are in step")
        for sentinel in self.sentinels:
            sentinel.start()
        for sentinel in self.sentinels:
            eventually(lambda: self._knows_all(sentinel), "the sentinels know everything")
        return self

    def stop(self):
        for process in self.sentinels + self.nodes:
            process.end()

    def _knows_all(self, sentinel):
        with sentinel.client(1) as client:
            found = client.info("sentinel")["master0"]
        return found["slaves"] == 2 and found["sentinels"] == 3 and found["status"] == "ok"

    @property
    def url(self):
        where = ",".join(f"{one.host}:{one.port}" for one in self.sentinels)
        return f"redis+sentinel://{where}/{NAME}"

    def node_at(self, address):
        return next(n for n in self.nodes if (n.host.encode(), b"%d" % n.port) == tuple(address))

    def master(self, but=None):
        """The node that most sentinels call master; None while it is `but`, or unclear."""
        found = []
        for sentinel in self.sentinels:
            with contextlib.suppress(redis_py.exceptions.RedisError, OSError):
                found.append(self.node_at(
                    sentinel.ask("SENTINEL", "get-master-addr-by-name", NAME, timeout=0.5)))
        best = max(found, key=found.count, default=None)
        return best if best is not but and found.count(best) >= 2 else None

    def client(self):
        """Of the master, for hot.py."""
        return eventually(self.master, "there is a master").client()

    @staticmethod
    def replicas_of(node):
        """How many replicas are in step with this master; 0 if it is none."""
        found = node.replication()
        return sum(found[key]["state"] == "online" for key in found
                   if key.startswith("slave") and isinstance(found[key], dict))

    def failed_over(self, old, timeout=PATIENCE_S):
        """Waits for another master that can take writes; it, and when that was."""

        def other():
            master = self.master(but=old)
            return master if master and master.replication()["role"] == "master" and \
                self.replicas_of(master) >= 1 else None

        return eventually(other, "another one is master", timeout), time.monotonic()

    def whole(self):
        """Waits until all nodes are in step again, and the sentinels think so too; the master."""

        def is_whole():
            master = self.master()
            return master if master and self.replicas_of(master) == 2 and \
                all(map(self._sees_no_trouble, self.sentinels)) else None

        return eventually(is_whole, "all nodes are in step again")

    @staticmethod
    def _sees_no_trouble(sentinel):
        replicas = sentinel.ask("SENTINEL", "replicas", NAME)
        masters = sentinel.ask("SENTINEL", "masters")
        flags = [dict(zip(one[::2], one[1::2]))[b"flags"] for one in replicas + masters]
        return len(flags) == 3 and all(f in (b"slave", b"master") for f in flags)


# --- Network namespaces -------------------------------------------------------------------------


def ip(*words):
    subprocess.run(["ip", *map(str, words)], check=True, capture_output=True, text=True)


class Network:
    """Three hosts in network namespaces on one bridge, which is on this machine too."""

    def __init__(self):
        self.tag = f"{os.getpid() % 100000}"
        self.bridge = f"pb{self.tag}"
        self.prefix = f"10.{os.getpid() % 200 + 20}.77"
        self.hosts = [f"{self.prefix}.{n + 1}" for n in range(3)]
        self.spaces = [f"pb{self.tag}-{n}" for n in range(3)]
        self.wraps = [["ip", "netns", "exec", space] for space in self.spaces]

    def make(self):
        ip("link", "add", self.bridge, "type", "bridge")
        ip("addr", "add", f"{self.prefix}.254/24", "dev", self.bridge)
        ip("link", "set", self.bridge, "up")
        for n, (space, host) in enumerate(zip(self.spaces, self.hosts)):
            ip("netns", "add", space)
            ip("link", "add", self.link(n), "type", "veth", "peer", "name", "eth0", "netns", space)
            ip("link", "set", self.link(n), "master", self.bridge, "up")
            ip("-n", space, "addr", "add", f"{host}/24", "dev", "eth0")
            ip("-n", space, "link", "set", "eth0", "up")
            ip("-n", space, "link", "set", "lo", "up")
        return self

    def link(self, number):
        return f"v{self.tag}-{number}"

    def cut(self, number):
        """Nothing reaches this host or leaves it; nobody is told."""
        ip("link", "set", self.link(number), "down")

    def heal(self, number):
        ip("link", "set", self.link(number), "up")

    def cut_from_hosts(self, number, verb="add"):
        """Only the two other hosts are out of its reach; this machine is not."""
        for other in range(3):
            if other != number:
                ip("-n", self.spaces[number], "route", verb, "blackhole",
                   f"{self.hosts[other]}/32")

    def heal_from_hosts(self, number):
        self.cut_from_hosts(number, "del")

    def remove(self):
        for n, space in enumerate(self.spaces):
            for words in (("link", "del", self.link(n)), ("netns", "del", space)):
                with contextlib.suppress(subprocess.CalledProcessError):
                    ip(*words)
        with contextlib.suppress(subprocess.CalledProcessError):
            ip("link", "del", self.bridge)
