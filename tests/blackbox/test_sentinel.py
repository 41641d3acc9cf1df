"""Failover by Sentinels: the master killed, stopped, cut off; nothing acknowledged is ever lost."""

import subprocess

import pytest

import sentinels
from outage import lose_masters, running
from server import FAST

KILLS = 2 if FAST else 10
STOPS = 1 if FAST else 5
PARTITIONS = 1 if FAST else 5


@pytest.fixture
def group(tmp_path):
    with running(sentinels.Group(tmp_path)) as group:
        yield group


def test_the_master_killed_again_and_again(group, serve_group):
    def give_back(old, new, number):
        """As a replica; or as its configuration says, which takes itself for the master."""
        role = {"replicaof": f"{new.host} {new.port}"} if number % 2 else {}
        old.start(wait=False, **role)

    lose_masters(group, serve_group(group, 2), KILLS, lambda master: master.kill(), give_back)


def test_the_master_stopped_and_woken(group, serve_group):
    lose_masters(group, serve_group(group, 2), STOPS, lambda master: master.stop_cold(),
                 lambda old, new, number: old.go_on())


# --- The master cut off -------------------------------------------------------------------------


@pytest.fixture
def network():
    network = sentinels.Network()
    try:
        try:
            network.make()
        except (OSError, subprocess.CalledProcessError) as refused:
            pytest.skip(f"no network namespaces: {getattr(refused, 'stderr', refused)}")
        yield network
    finally:
        network.remove()


@pytest.fixture
def spread_group(tmp_path, network):
    with running(sentinels.Group(tmp_path, network.hosts, network.wraps)) as group:
        yield group


def test_the_master_cut_off_from_everybody(spread_group, network, serve_group):
    at = {node: number for number, node in enumerate(spread_group.nodes)}
    lose_masters(spread_group, serve_group(spread_group, 2), PARTITIONS,
                 lambda master: network.cut(at[master]),
                 lambda old, new, number: network.heal(at[old]))


def test_the_master_cut_off_from_the_other_hosts_only(spread_group, network, serve_group):
    """It and the sentinel beside it still take themselves for what they were."""
    at = {node: number for number, node in enumerate(spread_group.nodes)}
    lose_masters(spread_group, serve_group(spread_group, 2), PARTITIONS,
                 lambda master: network.cut_from_hosts(at[master]),
                 lambda old, new, number: network.heal_from_hosts(at[old]))
