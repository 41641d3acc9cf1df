"""The counters' ledger as a Redis Function library (docs/ledger.md), against a real Redis."""

import hashlib
import pathlib
import time

import pytest
import redis

LIBRARY = pathlib.Path(__file__).parents[2] / "src/ledger/redis/counter.lua"
STATE, CHANNEL = "{counter-app}:v1:state", "counter-app"
MAX = 2**63 - 1
NO_DIGEST = "0" * 40


class Ledger:
    """Calls of one replica."""

    def __init__(self, client, replica="one"):
        self.client, self.replica, self.epoch, self.number = client, replica, 1, 0

    def call(self, name, *args):
        return self.client.execute_command("FCALL", f"pc2_{name}", 1, STATE, *args)

    def make(self, changes=0, digest=NO_DIGEST, **counters):
        """Makes the first epoch."""
        assert self.offer(changes) == "wait"
        while (answer := self.offer(changes)) == "wait":
            time.sleep(0.001)
        assert answer == "make"
        pairs = [word for pair in counters.items() for word in pair]
        assert self.call("make", self.replica, 1, changes, digest, *pairs) == "made"
        return self

    def offer(self, changes=0, wait_ms=5, epoch=0):
        return self.call("offer", self.replica, epoch, changes, wait_ms)

    def press(self, *groups, keys=(), number=None):
        """Groups are (name, increments, decrements, resets), keys (key, name, verb)."""
        self.number = self.number + 1 if number is None else number
        words = [word for group in (*groups, *keys) for word in group]
        answers, change, changes = self.call("press", CHANNEL, self.replica, self.epoch,
                                             self.number, len(groups), *words)
        assert changes == self.client.hget(STATE, "changes")
        return answers.split("\n") if answers else [], change

    def load(self):
        epoch, changes, digest, *pairs = self.call("load")
        assert int(epoch) == self.epoch
        return int(changes), digest, dict(zip(pairs[::2], map(int, pairs[1::2])))

    @property
    def values(self):
        return self.load()[2]


@pytest.fixture(scope="module")
def server(start_redis):
    started = start_redis(appendfsync="no")
    started.client().execute_command("FUNCTION", "LOAD", LIBRARY.read_text())
    return started


@pytest.fixture
def connect(server):
    """connect(replica) → a Ledger on a connection of its own."""
    redis.Redis(port=server.port).flushall()
    return lambda replica="one": Ledger(redis.Redis(port=server.port, decode_responses=True),
                                        replica)


@pytest.fixture
def ledger(connect):
    return connect().make()


def test_a_group_is_pressed_up_then_down_then_to_zero(ledger):
    assert ledger.press(("a", 3, 1, 0))[0] == ["3 3 1 2"]
    assert ledger.press(("a", 1, 0, 2), ("b", 2, 0, 0))[0] == ["1 3 0 3", "2 2 0 2"]
    assert ledger.values == {"a": 0, "b": 2}


def test_nothing_goes_below_zero(ledger):
    assert ledger.press(("a", 1, 5, 0))[0] == ["1 1 1 0"]
    assert ledger.press(("a", 0, 5, 0), keys=[("k", "a", "d")])[0] == ["0 0 0 0", "z"]
    assert ledger.press(("new", 0, 1, 0))[1] == ""
    assert ledger.values == {"a": 0}, "who takes away from nothing makes no counter"


@pytest.mark.parametrize("room, wanted", [(0, 1), (1, 5), (3, 4), (7, 4096), (4095, 4096)])
def test_values_end_at_64_bits_to_the_last_one(connect, room, wanted):
    ledger = connect().make(a=MAX - room)
    assert ledger.press(("a", wanted, 0, 0))[0] == [f"{room} {MAX} 0 {MAX}"]
    assert ledger.press(keys=[("k", "a", "i")])[0] == ["o"]
    assert ledger.press(("a", 0, 1, 0))[0] == [f"0 {MAX} 1 {MAX - 1}"]


def test_sums_are_exact_where_doubles_are_not(connect):
    ledger = connect().make(a=2**53)
    assert ledger.press(("a", 3, 1, 0))[0] == [f"3 {2**53 + 3} 1 {2**53 + 2}"]


def test_a_key_is_pressed_once(ledger):
    assert ledger.press(keys=[("k", "a", "i"), ("k", "a", "i")])[0] == ["c 1", "c 1"]
    assert ledger.press(keys=[("k", "a", "i"), ("l", "a", "i")])[0] == ["c 1", "c 2"]
    assert ledger.press(keys=[("k", "a", "d"), ("k", "b", "i")])[0] == ["r", "r"]
    assert ledger.values == {"a": 2}


def test_a_refusal_is_remembered_with_its_key(ledger):
    assert ledger.press(keys=[("k", "a", "d")])[0] == ["z"]
    ledger.press(("a", 1, 0, 0))
    assert ledger.press(keys=[("k", "a", "d")])[0] == ["z"]


def test_a_batch_asked_again_gets_its_reply_and_changes_nothing(ledger):
    first = ledger.press(("a", 2, 0, 0), keys=[("k", "b", "i")])
    assert ledger.press(("a", 2, 0, 0), keys=[("k", "b", "i")], number=1) == first
    assert ledger.values == {"a": 2, "b": 1}


def test_a_batch_asked_again_writes_so_that_what_it_refers_to_can_be_waited_for(ledger):
    ledger.press(("a", 1, 0, 0))
    before = ledger.client.hget(STATE, "beat")
    ledger.press(("a", 1, 0, 0), number=1)
    assert int(ledger.client.hget(STATE, "beat")) > int(before)


def test_an_older_batch_is_stale(ledger):
    ledger.press(("a", 1, 0, 0))
    ledger.press(("a", 1, 0, 0))
    with pytest.raises(redis.exceptions.ResponseError, match="^STALE "):
        ledger.press(("a", 1, 0, 0), number=1)
    assert ledger.values == {"a": 2}


def test_replicas_number_their_batches_themselves(connect):
    one, two = connect("one").make(), connect("two")
    assert one.press(("a", 1, 0, 0))[0] == ["1 1 0 1"]
    assert two.press(("a", 1, 0, 0))[0] == ["1 2 0 2"]


def test_there_are_a_thousand_counters(connect):
    ledger = connect().make(**{f"c{number}": 0 for number in range(1000)})
    assert ledger.press(("new", 1, 0, 0), ("c0", 1, 0, 0), keys=[("k", "new", "i")])[0] == \
        ["-", "1 1 0 1", "t"]
    assert len(ledger.values) == 1000


def test_a_change_is_published_and_follows_from_the_one_before(ledger):
    listener = ledger.client.pubsub()
    listener.subscribe(CHANNEL)
    assert listener.get_message(timeout=10)["type"] == "subscribe"
    before = NO_DIGEST
    for number, groups in enumerate([[("b", 1, 0, 0), ("a", 2, 0, 0)], [("b", 0, 1, 0)]], 1):
        change = ledger.press(*groups)[1]
        head, _, lines = change.partition("\n")
        assert lines == ("a 2\nb 1\n" if number == 1 else "b 0\n"), "sorted, touched ones only"
        digest = hashlib.sha1((before + lines).encode()).hexdigest()
        assert head == f"c 1 {number} {before} {digest}"
        assert listener.get_message(timeout=10)["data"] == change
        assert ledger.load()[:2] == (number, digest)
        assert ledger.call("look") == ["1", str(number), digest]
        before = digest
    listener.close()


def test_what_changes_nothing_is_not_published(ledger):
    assert ledger.press(("a", 0, 1, 0), keys=[("k", "a", "d")])[1] == ""
    assert ledger.press()[1] == ""
    assert ledger.load() == (0, NO_DIGEST, {})


def end_the_generation(ledger):
    """The next one begins with the next key, or the next replica."""
    ledger.client.hset(STATE, "turned_ms", 1)


def test_keys_are_remembered_for_one_generation_more(ledger):
    ledger.press(keys=[("k", "a", "i")])
    end_the_generation(ledger)
    assert ledger.press(keys=[("k", "a", "i")])[0] == ["c 1"]
    end_the_generation(ledger)
    assert ledger.press(keys=[("k", "a", "i")])[0] == ["c 2"], "forgotten by now"
    assert len(ledger.client.keys("*:keys:*")) <= 2


def test_last_batches_are_remembered_for_one_generation_more(connect):
    gone = connect("gone").make()
    first = gone.press(("a", 1, 0, 0))
    end_the_generation(gone)
    two = connect("two")
    two.press(("a", 1, 0, 0))
    assert gone.press(("a", 1, 0, 0), number=1) == first
    end_the_generation(gone)
    connect("three").press(("a", 1, 0, 0))
    assert not gone.client.hexists(STATE, "b:gone"), "forgotten by now"
    assert two.press(("a", 1, 0, 0), number=1)[0] == ["1 2 0 2"]


def test_where_there_is_no_ledger_everything_says_so(connect):
    ledger = connect()
    for call in (lambda: ledger.press(("a", 1, 0, 0)), ledger.load, lambda: ledger.call("look")):
        with pytest.raises(redis.exceptions.ResponseError, match="^EMPTY "):
            call()
    assert ledger.client.dbsize() == 0


def test_who_knows_most_makes_the_ledger(connect):
    one, two, three = connect("one"), connect("two"), connect("three")
    assert [one.offer(5, 50), two.offer(9, 50), three.offer(9, 50)] == ["wait"] * 3
    while (answer := two.offer(9, 50)) == "wait":
        assert one.offer(5, 50) == three.offer(9, 50) == "wait"
    assert answer == "make"
    assert one.call("make", "one", 1, 5, NO_DIGEST, "a", 1) == "wait"
    assert two.call("make", "two", 1, 9, "f" * 40, "a", 7) == "made"
    assert one.call("make", "one", 1, 5, NO_DIGEST, "a", 1) == "exists"
    assert one.offer(5) == "exists"
    assert one.load() == (9, "f" * 40, {"a": 7})


def test_who_knows_a_later_epoch_knows_more(connect):
    early, late = connect("early"), connect("late")
    assert [early.offer(9, 50, epoch=1), late.offer(5, 50, epoch=2)] == ["wait"] * 2
    while (answer := late.offer(5, 50, epoch=2)) == "wait":
        assert early.offer(9, 50, epoch=1) == "wait"
    assert answer == "make"


def test_nothing_is_pressed_in_another_epoch(ledger):
    """Where the ledger was made again, nobody knows what became of a batch of the one before."""
    first = ledger.press(("a", 2, 0, 0))
    ledger.epoch = 2
    kept = {key: ledger.client.hgetall(key) for key in ledger.client.keys()}
    with pytest.raises(redis.exceptions.ResponseError, match="^EPOCH "):
        ledger.press(("a", 2, 0, 0), number=1)
    assert {key: ledger.client.hgetall(key) for key in ledger.client.keys()} == kept
    ledger.epoch = 1
    assert ledger.press(("a", 2, 0, 0), number=1) == first


def test_another_makes_it_when_the_one_whose_turn_it_is_has_gone(connect):
    gone, left = connect("gone"), connect("left")
    assert gone.offer(9) == "wait"
    end = time.monotonic() + 30
    while left.offer(5) != "make":
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.mark.parametrize("words", [
    [], [CHANNEL], [CHANNEL, "one"], [CHANNEL, "one", 1], [CHANNEL, "one", 1, 1],
    [CHANNEL, "one", 0, 1, 0], [CHANNEL, "one", 1, 0, 0], [CHANNEL, "one", 1, 2**53, 0],
    [CHANNEL, "one", 2**53, 1, 0], [CHANNEL, "one", 1, 1, 1],
    [CHANNEL, "one", 1, 1, 1, "a", 1, 1], [CHANNEL, "one", 1, 1, 1, "a", -1, 0, 0],
    [CHANNEL, "one", 1, 1, 1, "a", 4097, 0, 0], [CHANNEL, "one", 1, 1, 1, "a b", 1, 0, 0],
    [CHANNEL, "one", 1, 1, 1, "", 1, 0, 0], [CHANNEL, "one", 1, 1, 1, "a" * 65, 1, 0, 0],
    [CHANNEL, "one", 1, 1, 4097], [CHANNEL, "one", 1, 1, 1, "a", 1, 0, 0, "k", "a"],
    [CHANNEL, "one", 1, 1, 0, "k", "a", "x"], [CHANNEL, "one", 1, 1, 0, "", "a", "i"],
    [CHANNEL, "one", 1, 1, 0, "k" * 65, "a", "i"], ["", "one", 1, 1, 0], [CHANNEL, "", 1, 1, 0],
    [CHANNEL, "one", 1, 1, 1, "a", 1, 0, 0, "k", "a", "i", "l", "a", "q"]])
def test_malformed_batches_change_nothing(ledger, words):
    kept = {key: ledger.client.hgetall(key) for key in ledger.client.keys()}
    with pytest.raises(redis.exceptions.ResponseError, match="^BADARG "):
        ledger.call("press", *words)
    assert {key: ledger.client.hgetall(key) for key in ledger.client.keys()} == kept


@pytest.mark.parametrize("words", [
    [1], [1, 0], [1, 0, "short"], [1, -1, NO_DIGEST], [0, 0, NO_DIGEST], [1, 0, NO_DIGEST, "a"],
    [1, 0, NO_DIGEST, "a", "x"], [1, 0, NO_DIGEST, "a", "-1"], [1, 0, NO_DIGEST, "a", "01"],
    [1, 0, NO_DIGEST, "a", str(MAX + 1)], [1, 0, NO_DIGEST, "a b", 1], [1, 0, "F" * 40]])
def test_a_malformed_ledger_is_not_made(connect, words):
    ledger = connect()
    ledger.offer()
    with pytest.raises(redis.exceptions.ResponseError, match="^BADARG "):
        ledger.call("make", "one", *words)
    assert ledger.client.exists(STATE) == 0
