"""Failover in a Redis Cluster of six nodes: the owner of the canvas killed, stopped and moved."""

import asyncio
import contextlib
import time

import pytest
import redis as redis_py

import hot
from crowd import Crowd, check_story
from outage import PLAYERS, WATCHERS, lose_masters, running
from sentinels import Node
from server import FAST, free_port
from waiting import PATIENCE_S, eventually

KILLS = 1 if FAST else 5
STOPS = 1 if FAST else 2
MOVES = 1 if FAST else 3
NODE_TIMEOUT_MS = 1500
ASK_AGAIN_S = 6
MASTERS, SLOTS = 3, 16384


class Group:
    """Three masters with a third of the slots each, and a replica of each."""

    def __init__(self, folder, key=hot.formats.STATE):
        self.key = key  # whose owner is the master
        self.bus_ports = [free_port() for _ in range(2 * MASTERS)]
        self.nodes = [
            Node(folder / f"node-{n}", cluster_enabled="yes", cluster_port=bus,
                 cluster_node_timeout=NODE_TIMEOUT_MS, min_replicas_max_lag=3,
                 repl_ping_replica_period=1, repl_diskless_sync_delay=0)
            for n, bus in enumerate(self.bus_ports)]
        self.ids = {}

    def start(self):
        for node in self.nodes:
            node.start()
            self.ids[node.ask("CLUSTER", "MYID")] = node
        for n, node in enumerate(self.nodes[:MASTERS]):
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", n + 1)
            node.ask("CLUSTER", "ADDSLOTSRANGE", n * SLOTS // MASTERS,
                     (n + 1) * SLOTS // MASTERS - 1)
        for node in self.nodes[1:]:
            node.ask("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port, self.bus_ports[0])
        for node in self.nodes:
            eventually(lambda: self._is_whole(node), "the cluster is whole")
        for master, replica in zip(self.nodes[:MASTERS], self.nodes[MASTERS:]):
            replica.ask("CLUSTER", "REPLICATE", master.ask("CLUSTER", "MYID"))
            eventually(lambda: self.replicas_of(master) == 1, "each master has a replica")
        self.slot = self.nodes[0].ask("CLUSTER", "KEYSLOT", self.key)
        return self

    def stop(self):
        for node in self.nodes:
            node.end()

    def _is_whole(self, node):
        lines = node.ask("CLUSTER", "INFO").decode().splitlines()
        return "cluster_state:ok" in lines and f"cluster_known_nodes:{len(self.nodes)}" in lines

    @property
    def url(self):
        return "redis+cluster://" + ",".join(f"127.0.0.1:{n.port}" for n in self.nodes)

    def master(self, but=None):
        """Who most nodes say owns the canvas; None while it is `but`, or unclear."""
        found = []
        for node in self.nodes:
            with contextlib.suppress(redis_py.exceptions.RedisError, OSError):
                slots = node.ask("CLUSTER", "SLOTS", timeout=0.3)
                found += [self.ids[owner[2]] for first, last, owner, *_ in slots
                          if first <= self.slot <= last]
        best = max(found, key=found.count, default=None)
        return best if best is not but and found.count(best) > len(self.nodes) // 2 else None

    def client(self):
        return eventually(self.master, "somebody owns the canvas").client()

    @staticmethod
    def replicas_of(node):
        return len([one for key, one in node.replication().items()
                    if key.startswith("slave") and isinstance(one, dict)
                    and one["state"] == "online"])

    def failed_over(self, old, timeout=PATIENCE_S):
        """The canvas's new owner, and when it could take writes. With six nodes its only replica
        can be the old owner, which comes back as soon as it is replaced."""

        def other():
            master = self.master(but=old)
            return master if master and master.replication()["role"] == "master" else None

        new = eventually(other, "another one owns the canvas", timeout)
        if old.process is None:
            old.start(wait=False)
        old.go_on()
        eventually(lambda: self.replicas_of(new) >= 1, "the old owner is the replica", timeout)
        return new, time.monotonic()

    def whole(self):
        master = eventually(self.master, "somebody owns the canvas")
        eventually(lambda: self.replicas_of(master) >= 1, "the owner has a replica")
        for node in self.nodes:
            eventually(lambda: self._is_whole(node), "the cluster is whole")
        return master


@pytest.fixture
def group(tmp_path):
    with running(Group(tmp_path)) as group:
        yield group


def test_the_owner_killed_again_and_again(group, serve_group):
    lose_masters(group, serve_group(group, 2), KILLS, lambda owner: owner.kill(),
                 lambda old, new, number: None)


def test_the_owner_stopped_and_woken(group, serve_group):
    lose_masters(group, serve_group(group, 2), STOPS, lambda owner: owner.stop_cold(),
                 lambda old, new, number: None)


def test_the_canvas_handed_over_on_purpose_loses_nothing_at_all(group, serve_group):
    """CLUSTER FAILOVER: the replica takes over when it has everything."""
    servers = serve_group(group, 2)
    epoch = hot.epoch(group)

    def hand_over():
        owner = group.whole()
        number = group.nodes.index(owner)
        replica = group.nodes[(number + MASTERS) % len(group.nodes)]
        asked_at = time.monotonic() - 2 * ASK_AGAIN_S

        def owns():
            nonlocal asked_at
            if time.monotonic() - asked_at > ASK_AGAIN_S:  # Redis gives up after five seconds
                replica.ask("CLUSTER", "FAILOVER")
                asked_at = time.monotonic()
            return group.master() is replica

        eventually(owns, "the replica owns the canvas")

    async def story():
        async with Crowd([server.port for server in servers], PLAYERS, WATCHERS) as crowd:
            for _ in range(MOVES):
                await crowd.some_are_accepted(PLAYERS)
                await asyncio.to_thread(hand_over)
                await crowd.some_are_accepted(PLAYERS)
            await asyncio.to_thread(group.whole)
            await crowd.settle(group)
        return crowd

    check_story(asyncio.run(story()), group, epoch)
