"""Thousands of random operations decided by the library and by a plain model of it."""

import random

import pytest

from formats import Operation
from hot_journal import FAR_MS
from model import Model

BATCHES = 250
RULES = [(0, 5), (50, 3), (5_000, 2), (5_000, 5), (1_200_000, 3), (2**32 - 1, 1), (60_000, 65_535)]


class People:
    """Makes operations: mostly the next of a producer, sometimes one of before, or far off."""

    def __init__(self, random_, count):
        self.random = random_
        people = [random_.choice((1, -1)) * random_.getrandbits(random_.choice((4, 33, 53)))
                  for _ in range(count)]
        self.producers = [(person, random_.getrandbits(64)) for person in people
                          for _ in range(random_.randint(1, 3))]
        self.made = {}

    def operation(self, side):
        who = self.random.choice(self.producers)
        made = self.made.setdefault(who, [])
        if made and self.random.random() < 0.2:
            return self.random.choice(made[-12:])
        last = made[-1].sequence if made else 0
        jump = self.random.choice((1, 1, 1, 1, 2, 5, -3, 2**34 if last < 2**50 else 1))
        op = Operation(*who, max(last + jump, 0), self.random.randint(0, side),
                       self.random.randint(0, side), self.random.randrange(256),
                       self.random.choice((b"", b"Anna", "Аня 🦊".encode(), b"x" * 64)))
        made.append(op)
        return op


def steps_of(random_):
    """How far the clock moves before a batch: no day passes, as windows may be forgotten then."""
    day_ms = 80_000_000
    while True:
        step = random_.choice((0, 0, 0, 1, 49, 50, 700, 5_000, 650_000, 4_000_000))
        day_ms -= step
        yield step if day_ms > 0 else random_.choice((0, 1))


def compare(journal, model):
    state = journal.state()
    assert state.position == (model.epoch, model.offset, model.digest)
    assert journal.snapshot() == (state.position, bytes(model.board))
    assert [record for _, record in journal.log()] == model.log
    assert [name for name, _ in journal.log()] == [one.stream_id() for one in model.log]
    for person in {person for person, _ in model.windows}:
        assert journal.charges(person) == model.charges(person), person


@pytest.mark.parametrize("seed", range(6))
def test_the_library_decides_as_the_model(journal, seed):
    random_ = random.Random(seed)
    side = random_.choice((16, 300))
    cooldown_ms, charges_max = RULES[seed % len(RULES)]
    model = Model(journal.open(side, side, cooldown_ms=cooldown_ms, charges_max=charges_max))
    people, statuses, model.now_ms = People(random_, 25), set(), FAR_MS
    for step_ms, _ in zip(steps_of(random_), range(BATCHES)):
        model.now_ms += step_ms
        journal.set_time(model.now_ms)
        what = random_.random()
        if what < 0.08:
            rules = (*random_.choice(RULES), int(random_.random() < 0.2))
            journal.rules(*rules)
            model.set_rules(*rules)
        elif what < 0.1 and people.producers:
            person, banned = random_.choice(people.producers)[0], int(random_.random() < 0.5)
            assert journal.ban(person, banned) == ((person in model.banned) != bool(banned))
            (model.banned.add if banned else model.banned.discard)(person)
        elif what < 0.12:
            model.end_epoch()
            lost = journal.end_epoch(model.epoch - 1, model.offset + 1, "0123456789abcdef")
            assert lost == ("ended", model.epoch)
        ops = [people.operation(side) for _ in range(random_.choice((1, 3, 20, 90)))]
        got, expected = journal.append(*ops), model.append(*ops)
        assert got == expected
        statuses |= {answer.status for answer in got[0]}
    compare(journal, model)
    assert journal.bans() == sorted(model.banned)
    assert statuses >= {0, 3, 6, 9}, "the operations were too tame"


def test_the_largest_batch_is_decided_as_the_model(journal):
    model = Model(journal.open(1000, 1000, cooldown_ms=1000, charges_max=2))
    model.now_ms = FAR_MS
    journal.set_time(FAR_MS)
    random_ = random.Random(1)
    people = People(random_, 2500)
    for _ in range(3):
        ops = [people.operation(1000) for _ in range(4096)]
        assert journal.append(*ops) == model.append(*ops)
    compare(journal, model)
