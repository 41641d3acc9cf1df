"""Several servers at once: killed, drained, deaf, with a wrong clock; nobody loses anything."""

import asyncio
import random
import subprocess
import time

import pytest

import balancer
import client
import hot
import web
from crowd import SIZE, Crowd, check_story
from outage import Prober
from sentinels import Group, Node
from server import BINARY, FAST
from test_cooldown import in_parallel
from waiting import eventually

PLAYERS, WATCHERS = 20, 10
KILL_EVERY_S = 2
KILL_FOR_S = 12 if FAST else 60
MUTES = 1 if FAST else 5
DRAINS = 2 if FAST else 6

# Answers CLOCK_REALTIME with AHEAD_S more seconds.
CLOCK_SHIM = r"""
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *now) {
  long done = syscall(SYS_clock_gettime, clock, now);
  if (done == 0 && clock == CLOCK_REALTIME) now->tv_sec += atol(getenv("AHEAD_S"));
  return done;
}
"""


@pytest.fixture
def backends(redis, start_server):
    """backends([settings of one, …]) → ready servers over the one Redis."""

    def start(each, **settings):
        return [start_server(**({"REDIS_URL": hot.url(redis), "REPLICA_NAME": f"replica-{n}",
                                 "CANVAS_WIDTH": SIZE, "CANVAS_HEIGHT": SIZE} | settings | own))
                for n, own in enumerate(each)]

    return start


@pytest.fixture
def balanced(tmp_path):
    """balanced(servers) → an nginx before them."""
    started = []

    def start(servers):
        nginx = balancer.Nginx(tmp_path / "nginx", [server.port for server in servers])
        started.append(nginx)
        return nginx.start()

    yield start
    for nginx in started:
        nginx.stop()


def test_kill_9_of_a_random_backend_every_two_seconds(backends, balanced, redis):
    servers = backends([{}, {}, {}])
    nginx = balanced(servers)
    epoch = hot.epoch(redis)

    async def story():
        async with Crowd([nginx.port], PLAYERS, WATCHERS) as crowd:
            end, kills = time.monotonic() + KILL_FOR_S, 0
            while time.monotonic() < end:
                next_kill = time.monotonic() + KILL_EVERY_S
                victim = random.choice(servers)
                victim.kill()
                await asyncio.sleep(random.uniform(0, 0.5))
                await asyncio.to_thread(victim.start)
                kills += 1
                await asyncio.sleep(max(0, next_kill - time.monotonic()))
            await crowd.some_are_accepted(PLAYERS)
            await crowd.settle(redis)
        return crowd, kills

    crowd, kills = asyncio.run(story())
    entries = check_story(crowd, redis, epoch)
    returns = crowd.resumed + crowd.reloaded
    print(f"{kills} kills, {len(entries)} placements, {returns} returns, "
          f"{crowd.reloaded} with a snapshot")
    assert len(entries) > kills * PLAYERS, "hardly anything was placed"
    assert returns > 2 * kills, "the kills hit hardly anybody"
    assert crowd.resumed >= 0.95 * returns, \
        f"{crowd.reloaded} of {returns} returns needed a snapshot"


def test_a_drain_under_load_loses_nothing(backends, balanced, redis):
    servers = backends([{}, {}, {}], DRAIN_UNREADY_MS=200, DRAIN_LIMIT_MS=5000)
    nginx = balanced(servers)
    epoch = hot.epoch(redis)

    async def story():
        async with Crowd([nginx.port], PLAYERS, WATCHERS) as crowd:
            for number in range(DRAINS):
                await crowd.some_are_accepted(PLAYERS)
                server = servers[number % len(servers)]
                assert await asyncio.to_thread(server.stop) == 0
                await crowd.some_are_accepted(PLAYERS)
                await asyncio.to_thread(server.start)
            await crowd.settle(redis)
        return crowd

    crowd = asyncio.run(story())
    check_story(crowd, redis, epoch)
    returns = crowd.resumed + crowd.reloaded
    print(f"{DRAINS} drains, {returns} returns, {crowd.reloaded} with a snapshot")
    assert returns > DRAINS, "the drains sent hardly anybody away"
    assert crowd.resumed >= 0.95 * returns, \
        f"{crowd.reloaded} of {returns} returns needed a snapshot"


def test_a_mute_subscription_is_noticed_and_nothing_is_missed(backends, redis):
    gate = balancer.Gate(redis.port)
    servers = backends([{"REDIS_URL": f"redis://127.0.0.1:{gate.port}"}, {}])
    epoch = hot.epoch(redis)

    def noticed():
        return servers[0].log().count("is mute")

    async def story():
        async with Crowd([server.port for server in servers], PLAYERS, WATCHERS) as crowd:
            waits = []
            for _ in range(MUTES):
                await crowd.some_are_accepted(PLAYERS)
                before, since = noticed(), time.monotonic()
                assert gate.mute() == 1, "the gate does not know the one subscription"
                while noticed() == before:
                    assert time.monotonic() < since + 10, servers[0].log()[-2000:]
                    await asyncio.sleep(0.02)
                waits.append(time.monotonic() - since)
                await asyncio.sleep(0.5)  # what was said meanwhile is read from the log
            await crowd.settle(redis)
        return crowd, waits

    crowd, waits = asyncio.run(story())
    gate.close()
    print("noticed after", [f"{wait:.2f} s" for wait in waits], gate.swallowed, "bytes swallowed")
    check_story(crowd, redis, epoch)
    assert gate.swallowed > 0, "nothing was swallowed: the test proves nothing"
    assert crowd.reloaded == 0 and crowd.lives == 0, "the players need not notice"
    assert max(waits) <= 2, f"it took {max(waits):.2f} s to notice"
    assert noticed() == MUTES, "once each"


# --- The replica does not confirm ---------------------------------------------------------------


@pytest.fixture
def pair(tmp_path):
    """A master and its replica, without sentinels. The master alone keeps no promise: a second of
    its log may be lost."""
    master = Node(tmp_path / "master", appendfsync="everysec").start()
    replica = Node(tmp_path / "replica", replicaof=f"127.0.0.1 {master.port}").start()
    eventually(lambda: Group.replicas_of(master) == 1, "the replica is in step")
    yield master, replica
    replica.end()
    master.end()


def test_without_a_replica_to_confirm_placing_is_refused_and_comes_back(pair, backends):
    master, replica = pair
    server = backends([{"REDIS_URL": hot.url(master)}])[0]
    token = web.guest(server.port)["token"]
    assert web.place(server.port, token, 1, 1, 1).status == 201
    replica.stop_cold()
    with Prober([server.port]) as prober:
        eventually(lambda: prober.refused, "a new placement is answered with 503", 10)
        eventually(lambda: web.get(server.port, "/health/ready").status == 503, "not ready", 10)
        assert "confirm" in web.get(server.port, "/health/ready").json()["checks"]["journal"]
        before = time.monotonic()
        replica.go_on()
        prober.until_placed_after(before, before + 10)
    prober.check()


def test_without_a_replica_to_confirm_the_server_can_still_be_stopped(pair, backends):
    master, replica = pair
    server = backends([{"REDIS_URL": hot.url(master)}], DRAIN_LIMIT_MS=2000)[0]
    replica.stop_cold()

    with Prober([server.port]):
        time.sleep(3)  # some requests are under way, most behind one whose outcome is unknown
        since = time.monotonic()
        assert server.stop() == 0
        took_s = time.monotonic() - since
    replica.go_on()
    assert took_s < 2 + 5, f"it took {took_s:.1f} s:\n{server.log()[-2000:]}"
    server.start()


def test_a_placement_whose_outcome_is_unknown_is_said_to_be(pair, backends):
    master, replica = pair
    server = backends([{"REDIS_URL": hot.url(master)}])[0]
    token = web.guest(server.port)["token"]
    replica.stop_cold()
    answer = web.place(server.port, token, 1, 1, 1, key="once", timeout=30)
    assert (answer.status, answer.json()["error"]["code"]) == (503, "unknown"), answer
    assert int(answer.headers["retry-after"]) >= 1
    replica.go_on()
    eventually(lambda: web.place(server.port, token, 1, 1, 1, key="once").status == 201, "placed")
    assert len(web.get(server.port, "/api/pixels/1/1").json()["placements"]) == 1


# --- One clock is wrong -------------------------------------------------------------------------


@pytest.fixture
def wrong_clock(tmp_path):
    """wrong_clock(seconds) → the settings of a server whose clock is so far ahead."""
    linked = subprocess.run(["ldd", BINARY], check=True, capture_output=True, text=True).stdout
    if "san.so" in linked:
        pytest.skip("a sanitizer wants to be the first library itself")
    source, library = tmp_path / "clock.c", tmp_path / "clock.so"
    source.write_text(CLOCK_SHIM)
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
    return lambda seconds: {"LD_PRELOAD": library, "AHEAD_S": seconds}


def test_a_clock_off_by_an_hour_does_not_touch_cooldowns(backends, wrong_clock):
    cooldown_ms = 2000
    servers = backends([{}, wrong_clock(3600), wrong_clock(-3600)],
                       COOLDOWN_MS=cooldown_ms, CHARGES_MAX=7)
    tokens = [web.guest(server.port)["token"] for server in servers]

    async def clocks():
        players = [await client.Player(server.port).connect() for server in servers]
        times = [player.welcome.time_ms for player in players]
        for player in players:
            await player.close()
        return times

    right, ahead, behind = asyncio.run(clocks())
    assert 3_590_000 < ahead - right < 3_610_000 and 3_590_000 < right - behind < 3_610_000, \
        "the clocks are not as this test wants them"
    for token, next_server in zip(tokens, servers[1:] + servers[:1]):
        answers = in_parallel([
            lambda n=n: web.place(servers[n % 3].port, token, n % 64, n // 64, 1, timeout=60)
            for n in range(15)])
        placed = sum(answer.status == 201 for answer in answers)
        assert 7 <= placed <= 8, f"expected the 7 charges, {placed} were placed"
        waits = [answer.json()["error"]["wait_ms"] for answer in answers if answer.status == 429]
        assert waits and all(0 < wait <= cooldown_ms for wait in waits), waits
        time.sleep(max(waits) / 1000)
        answer = web.place(next_server.port, token, 1, 1, 1)
        assert answer.status == 201, f"a charge must be back by now: {answer}"
    now_ms = time.time() * 1000
    for server in servers:
        placements = web.get(server.port, "/api/pixels/1/1").json()["placements"]
        assert all(abs(one["time_ms"] - now_ms) < 300_000 for one in placements), placements[:2]
