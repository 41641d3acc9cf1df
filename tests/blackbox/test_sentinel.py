"""Failover by Sentinels: the master killed, stopped, cut off; nothing acknowledged is ever lost."""

import asyncio
import subprocess
import time

import pytest

import hot
import sentinels
from crowd import SIZE, Crowd, check_story
from outage import Prober
from server import FAST

PLAYERS, WATCHERS = 20, 5
KILLS = 2 if FAST else 10
STOPS = 1 if FAST else 5
PARTITIONS = 1 if FAST else 5
# After the failover. In a sanitizer build everything takes longer.
AGAIN_WITHIN_S = 10 if FAST else 2
SETTINGS = {"CANVAS_WIDTH": SIZE, "CANVAS_HEIGHT": SIZE}


@pytest.fixture
def group(tmp_path):
    group = sentinels.Group(tmp_path)
    try:
        yield group.start()
    finally:
        group.stop()


@pytest.fixture
def backends(start_server):
    return lambda group, count: [
        start_server(REDIS_URL=group.url, REPLICA_NAME=f"replica-{n}", **SETTINGS)
        for n in range(count)]


def lose_masters(group, servers, rounds, lose, give_back):
    """Under load: lose(master), wait until it works again, give_back(the old one, the new one)."""
    ports = [server.port for server in servers]

    def one_round(number, prober):
        master = group.whole()
        since = time.monotonic()
        lose(master)
        new, failed_over = group.failed_over(master)
        again = prober.until_placed_after(failed_over, failed_over + 30)
        print(f"round {number}: failed over after {failed_over - since:.2f} s, "
              f"placing {again - failed_over:.2f} s later")
        give_back(master, new, number)
        return again - failed_over

    async def story():
        async with Crowd(ports, PLAYERS, WATCHERS) as crowd:
            waits = []
            for number in range(rounds):
                with Prober(ports) as prober:
                    await crowd.some_are_accepted(PLAYERS)
                    waits.append(await asyncio.to_thread(one_round, number, prober))
                prober.check()
                probers.append(prober)
            await asyncio.to_thread(group.whole)
            await crowd.some_are_accepted(PLAYERS)
            await crowd.settle(group)
        return crowd, waits

    probers = []
    crowd, waits = asyncio.run(story())
    probed = sum(len(placed) for prober in probers for placed in prober.placed.values())
    entries = check_story(crowd, group, others=probed)
    print(f"{len(entries)} placements in epoch {hot.epoch(group)}, "
          f"{crowd.resumed} resumed, {crowd.reloaded} with a snapshot, {crowd.lives} cut off")
    assert max(waits) <= AGAIN_WITHIN_S, f"placing must work again at once: {waits}"


def test_the_master_killed_again_and_again(group, backends):
    def give_back(old, new, number):
        """As a replica; or as its configuration says, which takes itself for the master."""
        role = {"replicaof": f"{new.host} {new.port}"} if number % 2 else {}
        old.start(wait=False, **role)

    lose_masters(group, backends(group, 2), KILLS, lambda master: master.kill(), give_back)


def test_the_master_stopped_and_woken(group, backends):
    lose_masters(group, backends(group, 2), STOPS, lambda master: master.stop_cold(),
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
    group = sentinels.Group(tmp_path, network.hosts, network.wraps)
    try:
        yield group.start()
    finally:
        group.stop()


def test_the_master_cut_off_from_everybody(spread_group, network, backends):
    at = {node: number for number, node in enumerate(spread_group.nodes)}
    lose_masters(spread_group, backends(spread_group, 2), PARTITIONS,
                 lambda master: network.cut(at[master]),
                 lambda old, new, number: network.heal(at[old]))


def test_the_master_cut_off_from_the_other_hosts_only(spread_group, network, backends):
    """It and the sentinel beside it still take themselves for what they were."""
    at = {node: number for number, node in enumerate(spread_group.nodes)}
    lose_masters(spread_group, backends(spread_group, 2), PARTITIONS,
                 lambda master: network.cut_from_hosts(at[master]),
                 lambda old, new, number: network.heal_from_hosts(at[old]))
