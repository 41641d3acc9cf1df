"""Several replicas over one Redis that is restarted and lost: nothing acknowledged is lost, nothing
is counted twice, and every replica shows the same value."""

import collections
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import balancer
import counter
import hot
import web
from counter_crowd import REPLICAS, Crowd, press_through, values
from server import FAST
from waiting import eventually

RESTARTS = 2 if FAST else 10


def test_redis_killed_again_and_again(redis, serve_counters):
    def disturb(crowd):
        for _ in range(RESTARTS):
            crowd.some_are_counted()
            redis.kill()
            redis.start()
        crowd.some_are_counted()

    press_through(serve_counters(hot.url(redis)), disturb)


@pytest.mark.parametrize("lose", [hot.wipe, hot.replace_by_an_empty_one])
def test_what_was_acknowledged_before_redis_was_lost_comes_back(redis, serve_counters, lose):
    """Keys are forgotten with it, so nobody repeats here."""
    replicas = serve_counters(hot.url(redis))
    crowd = Crowd(replicas)
    crowd.sure = []

    def disturb(crowd):
        crowd.some_are_counted()
        lose(redis)
        crowd.some_are_counted()

    counter.run(crowd.press_while(disturb))
    unknown = sum(person.unknown for person in crowd.plain)
    shown = values(replicas, "plain")
    assert crowd.counted <= shown <= crowd.counted + unknown


def test_a_press_is_acknowledged_once_the_replica_remembers_it(redis, serve_counters):
    """Redis is lost when the replica has its answer, but has not heard of what came before it. Its
    outcome is unknown then, also when another replica that knew it makes the ledger again."""
    first, second, _ = serve_counters(hot.url(redis))
    with redis.client() as operator, ThreadPoolExecutor(1) as pool:
        operator.execute_command("ACL", "SETUSER", "default", "-subscribe", "-hgetall")
        operator.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        assert press(first).json() == {"value": 1}
        answer = pool.submit(press, second)
        end = time.monotonic() + 30
        while operator.hget(counter.VALUES, "default") != b"2":
            assert time.monotonic() < end, "both must be pressed"
            time.sleep(0.01)
        hot.replace_by_an_empty_one(redis)
        answer = answer.result(timeout=30)
    assert (answer.status, answer.code()) == (503, "unknown")
    assert values([first, second], None) == 1


def press(replica):
    return web.post(replica.port, counter.path(verb="increment"))


def hear_beats(redis, count):
    """Until every replica has published so many more of its signs of life."""
    heard = collections.Counter()
    with redis.client() as listener, listener.pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe("counter-app")

        def enough():
            message = channel.get_message(timeout=1)
            if message and message["data"].startswith(b"b "):
                heard[message["data"]] += 1
            return len(heard) == REPLICAS and min(heard.values()) >= count

        eventually(enough, f"{count} beats of each")


def test_a_mute_subscription_is_noticed_and_nothing_is_missed(redis, serve_counters):
    """Once a silence, and none is noticed where there is none."""
    gate = balancer.Gate(redis.port)
    replicas = serve_counters(f"redis://127.0.0.1:{gate.port}")

    def noticed():
        return [replica.log().count("is mute") for replica in replicas]

    for times in (1, 2):
        hear_beats(redis, 5)
        assert noticed() == [times - 1] * REPLICAS
        assert gate.mute() == REPLICAS, "the gate does not know the subscriptions"
        assert web.post(replicas[0].port, counter.path(verb="increment")).json() == {"value": times}
        eventually(lambda: min(noticed()) == times, "everybody has noticed")
        assert values(replicas, None) == times
    assert gate.swallowed > 0, "nothing was swallowed: the test proves nothing"
    gate.close()
