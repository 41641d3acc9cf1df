"""Redis failed over while people press: nothing acknowledged is lost, nothing is counted twice, and
every replica shows the same value."""

import pytest

import counter
import hot
import sentinels
import test_redis_cluster
import web
from counter_crowd import REPLICAS, press_through, values
from outage import running
from server import FAST, Server

FAILOVERS = 1 if FAST else 10


def lose_masters(group, replicas, lose):
    def disturb(crowd):
        for _ in range(FAILOVERS):
            master = group.whole()
            crowd.some_are_counted()
            lose(master)
            group.failed_over(master)
            crowd.some_are_counted()
            if master.process is None:
                master.start(wait=False)
            master.go_on()
        group.whole()
        crowd.some_are_counted()

    press_through(replicas, disturb)


LOSSES = pytest.mark.parametrize("lose", [lambda master: master.kill(),
                                          lambda master: master.stop_cold()],
                                 ids=["killed", "stopped"])


@LOSSES
def test_failovers_by_sentinels(tmp_path, serve_counters, lose):
    with running(sentinels.Group(tmp_path)) as group:
        lose_masters(group, serve_counters(group.url), lose)


@LOSSES
def test_failovers_in_a_cluster(tmp_path, serve_counters, lose):
    with running(test_redis_cluster.Group(tmp_path, "{counter-app}:v1:state")) as group:
        lose_masters(group, serve_counters(group.url), lose)


# --- The stack that is not synchronised -----------------------------------------------------------


def test_three_redis_that_do_not_know_each_other_show_three_values(tmp_path, serve_counters):
    """As where one service name stands for three Redis: each connection comes to any one of them.
    Over our Sentinel group the same presses give one value."""
    folders = [tmp_path / f"apart-{number}" for number in range(REPLICAS)]
    apart = []
    try:
        for number, folder in enumerate(folders):
            apart.append(hot.RedisServer(folder / "redis").start())
        replicas = [Server(folder, binary=counter.BINARY, REDIS_URL=hot.url(redis)).start()
                    for folder, redis in zip(folders, apart)]
        try:
            shown = press_in_turn(replicas, 9)
        finally:
            for replica in replicas:
                replica.close()
    finally:
        for redis in apart:
            redis.stop()
    assert shown == [3, 3, 3], "each knows only a third of the nine presses"

    with running(sentinels.Group(tmp_path)) as group:
        replicas = serve_counters(group.url)
        press_in_turn(replicas, 9)
        assert values(replicas, None) == 9
        master = group.whole()
        master.kill()
        group.failed_over(master)
        assert values(replicas, None) == 9, "also after a failover"


def press_in_turn(replicas, presses):
    """What each replica shows in the end."""
    for number in range(presses):
        answer = web.post(replicas[number % len(replicas)].port, counter.path(verb="increment"))
        assert answer.status == 200, answer
    return [web.get(replica.port, counter.path()).json()["value"] for replica in replicas]
