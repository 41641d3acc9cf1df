"""Redis restarted, failed over and wiped while people press: nothing acknowledged is lost, nothing
is counted twice, and every replica shows the same value."""

import asyncio
import contextlib
import shutil
import time

import pytest

import counter
import hot
import sentinels
import test_redis_cluster
import web
from outage import running
from server import FAST, Server

REPLICAS, PLAIN, SURE = 3, 20, 20
RESTARTS = 2 if FAST else 10
FAILOVERS = 1 if FAST else 10
PATIENCE_S = 30


@pytest.fixture
def serve(tmp_path):
    """serve(url) → ready replicas of counter-app over it."""
    started = []

    def start(url):
        for number in range(REPLICAS):
            folder = tmp_path / f"replica-{number}"
            folder.mkdir()
            started.append(Server(folder, binary=counter.BINARY, REDIS_URL=url,
                                  REPLICA_NAME=f"replica-{number}"))
        return [replica.start() for replica in started]

    yield start
    for replica in started:
        replica.close()


class Crowd:
    """Who presses until told to stop: some just press, some repeat under one key until answered."""

    def __init__(self, replicas):
        ports = [replica.port for replica in replicas]
        self.plain = [counter.Presser(ports[n % REPLICAS], "plain") for n in range(PLAIN)]
        self.sure = [counter.Presser(ports[n % REPLICAS], "sure") for n in range(SURE)]
        self.surely = [[] for _ in self.sure]  # the values, one a key
        self.stopped = False

    async def press_while(self, disturb):
        """Presses as long as disturb(self) runs, in a thread."""
        people = [asyncio.create_task(self._press(person)) for person in self.plain]
        people += [asyncio.create_task(self._press_surely(number, person))
                   for number, person in enumerate(self.sure)]
        try:
            await asyncio.to_thread(disturb, self)
        finally:
            self.stopped = True
            await asyncio.gather(*people)

    async def _press(self, person):
        while not self.stopped:
            answer = None
            with contextlib.suppress(OSError):
                answer = await person.press()
            if answer is None or answer.status != 200:
                await asyncio.sleep(0.05)
        person.close()

    async def _press_surely(self, number, person):
        while not self.stopped:
            key = f"{number}-{len(self.surely[number])}"
            self.surely[number].append(await person.press_surely("increment", key))
        person.close()

    @property
    def counted(self):
        return sum(len(person.counted) for person in self.plain)

    def some_are_counted(self, more=200):
        wanted = self.counted + more
        end = time.monotonic() + PATIENCE_S
        while self.counted < wanted:
            assert time.monotonic() < end, f"{wanted} presses counted ({self.counted} now)"
            time.sleep(0.02)


def values(replicas, name):
    """What each replica shows, when all show the same."""
    end = time.monotonic() + PATIENCE_S
    while True:
        shown = [web.get(replica.port, counter.path(name)).json()["value"] for replica in replicas]
        if len(set(shown)) == 1:
            return shown[0]
        assert time.monotonic() < end, f"the replicas disagree: {shown}"
        time.sleep(0.02)


def check(crowd, replicas):
    """Acknowledged at least, and no more than was asked; with keys exactly."""
    unknown = sum(person.unknown for person in crowd.plain)
    plain = [value for person in crowd.plain for value in person.values]
    assert len(set(plain)) == len(plain), "every increment gets a value of its own"
    shown = values(replicas, "plain")
    assert len(plain) <= shown <= len(plain) + unknown, f"{len(plain)} and {unknown} unknown"
    sure = [value for mine in crowd.surely for value in mine]
    assert sorted(sure) == list(range(1, len(sure) + 1)), "each once, without a gap"
    assert values(replicas, "sure") == len(sure)
    print(f"{len(plain)} counted, {unknown} unknown, value {shown}; with keys {len(sure)}")


def press_through(replicas, disturb):
    crowd = Crowd(replicas)
    counter.run(crowd.press_while(disturb), 900)
    check(crowd, replicas)


def test_redis_killed_again_and_again(redis, serve):
    def disturb(crowd):
        for _ in range(RESTARTS):
            crowd.some_are_counted()
            redis.kill()
            redis.start()
        crowd.some_are_counted()

    press_through(serve(hot.url(redis)), disturb)


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
def test_failovers_by_sentinels(tmp_path, serve, lose):
    with running(sentinels.Group(tmp_path)) as group:
        lose_masters(group, serve(group.url), lose)


@LOSSES
def test_failovers_in_a_cluster(tmp_path, serve, lose):
    with running(test_redis_cluster.Group(tmp_path, "{counter-app}:v1:state")) as group:
        lose_masters(group, serve(group.url), lose)


# --- A Redis that forgets -----------------------------------------------------------------------


def wipe(redis):
    with redis.client() as operator:
        operator.flushall()


def replace_by_an_empty_one(redis):
    redis.kill()
    shutil.rmtree(redis.folder)
    redis.folder.mkdir()
    redis.start()


@pytest.mark.parametrize("lose", [wipe, replace_by_an_empty_one])
def test_what_was_acknowledged_before_redis_was_lost_comes_back(redis, serve, lose):
    """Keys are forgotten with it, so nobody repeats here."""
    replicas = serve(hot.url(redis))
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


# --- The stack that is not synchronised -----------------------------------------------------------


def test_three_redis_that_do_not_know_each_other_show_three_values(tmp_path, serve):
    """As the seed's replicated stack has it: each connection comes to any one of them. Over our
    Sentinel group the same presses give one value."""
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
        replicas = serve(group.url)
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
