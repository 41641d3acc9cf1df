"""Malformed arguments are BADARG and change nothing, also in the middle of a batch."""

import struct

import pytest
import redis

import formats
from formats import Operation
from hot_journal import CHANNEL, ZERO

GOOD = Operation(1, 2, 3, 4, 5)
GOOD_BYTES = GOOD.encoded()
BOARD = b"\0" * 64 * 64


@pytest.fixture
def painted(journal):
    journal.open(cooldown_ms=5000, charges_max=3)
    journal.append(GOOD)
    return journal


def refused(journal, name, *args, keys=None):
    kept = journal.everything()
    keys = [journal.key("state")] if keys is None else keys
    with pytest.raises(redis.exceptions.ResponseError, match="^BADARG "):
        journal.client.execute_command("FCALL", f"pb1_{name}", len(keys), *keys, *args)
    assert journal.everything() == kept


def spoilt(at, data):
    """The good operation with other bytes at an offset."""
    return GOOD_BYTES[:at] + data + GOOD_BYTES[at + len(data):]


BAD_OPERATIONS = {
    "one byte": b"x",
    "head cut off": GOOD_BYTES[:29],
    "name cut off": GOOD_BYTES[:-1],
    "a byte too many": GOOD_BYTES + b"x",
    "sequence of 2^53": spoilt(21, struct.pack("<Q", 2**53)),
    "sequence of 2^64 - 1": spoilt(21, b"\xff" * 8),
    "name of 65 bytes": GOOD._replace(name=b"n" * 65).encoded(),
    "name of 255 bytes": GOOD._replace(name=b"n" * 255).encoded(),
    "too many": b"".join(GOOD._replace(sequence=n, name=b"").encoded() for n in range(4097)),
}


@pytest.mark.parametrize("name", BAD_OPERATIONS)
def test_a_malformed_operation(painted, name):
    good = GOOD._replace(sequence=9).encoded()
    refused(painted, "append", CHANNEL, BAD_OPERATIONS[name])
    if name != "a byte too many":
        refused(painted, "append", CHANNEL, good + BAD_OPERATIONS[name])
    refused(painted, "append", CHANNEL, good + BAD_OPERATIONS[name] + good)


def test_the_largest_numbers_are_fine(painted):
    op = Operation(2**63 - 1, 2**64 - 1, 2**53 - 1, 65535, 65535, 255, b"n" * 64)
    assert [a.status for a in painted.append(op, op._replace(x=0, y=0))[0]] == [3, 0]
    assert painted.append(op._replace(person=-2**63, x=0, y=0))[1].operations[0].person == -2**63


def test_the_channel(painted):
    refused(painted, "append", "", GOOD_BYTES)
    refused(painted, "append", "c" * 257, GOOD_BYTES)
    refused(painted, "rules", "", 0, 1, 0)


COUNTS = {"state": 0, "snapshot": 0, "charges": 1, "open": 9, "append": 2, "rules": 4,
          "settings": 4, "ban": 2, "bans": 0, "end_epoch": 4, "offer": 4, "trim": 2}


@pytest.mark.parametrize("name", COUNTS)
def test_too_few_and_too_many_arguments(painted, name):
    if COUNTS[name] > 0:
        refused(painted, name, *["1"] * (COUNTS[name] - 1))
    refused(painted, name, *["1"] * (COUNTS[name] + 1))


@pytest.mark.parametrize("keys", [[], ["{pixel-battle}:v1:"], ["{pixel-battle}:v1:stat"],
                                  ["{pixel-battle}:v1:state", "{pixel-battle}:v1:state"]])
def test_the_key(painted, keys):
    for name, count in COUNTS.items():
        refused(painted, name, *["1"] * count, keys=keys)


NOT_NUMBERS = ["", "-1", "+1", "1.0", "1e3", "0x10", " 1", "1 ", "one", "nan", "inf", "9" * 17,
               "9007199254740992", "1\n", "\0"]


@pytest.mark.parametrize("text", NOT_NUMBERS)
def test_whatever_is_not_a_number(painted, text):
    good = {
        "open": ["64", "64", "31", "0", "5", "0", "1", "0"],
        "rules": [CHANNEL, "0", "5", "0"],
        "settings": [CHANNEL, "0", "5", "0"],
        "ban": ["1", "1"],
        "end_epoch": [CHANNEL, "1", "0"],
        "offer": ["candidate", "1", "0", "1"],
        "trim": ["1", "1"],
    }
    more = {"open": [ZERO], "end_epoch": [ZERO]}
    for name, args in good.items():
        for i in range(name in ("rules", "settings", "ban", "end_epoch", "offer"), len(args)):
            refused(painted, name, *args[:i], text, *args[i + 1:], *more.get(name, []))
    if text != "-1":
        refused(painted, "charges", text)
        refused(painted, "ban", text, 1)


@pytest.mark.parametrize("person", ["9007199254740992", "-9007199254740992", "--1", "-", "1-"])
def test_persons_out_of_range(painted, person):
    refused(painted, "charges", person)
    refused(painted, "ban", person, 1)


def test_the_extreme_persons_have_charges(painted):
    for person in (2**53 - 1, 1 - 2**53, 0, "-0"):
        assert painted.charges(person) == (3, 0)


@pytest.mark.parametrize("digest", ["", "0" * 15, "0" * 17, "0" * 15 + "g", "ABCDEF0123456789",
                                    "0" * 15 + "\n", "0x00000000000000"])
def test_digests(painted, digest):
    refused(painted, "open", 64, 64, 31, 0, 5, 0, 1, 0, digest)
    refused(painted, "end_epoch", CHANNEL, 1, 1, digest)


RANGES = [(0, 64, 0, 5), (64, 0, 0, 5), (4097, 64, 0, 5), (64, 4097, 0, 5), (64, 64, 2**32, 5),
          (64, 64, 0, 0), (64, 64, 0, 65536)]


@pytest.mark.parametrize("width, height, cooldown_ms, charges_max", RANGES)
def test_numbers_out_of_range(journal, width, height, cooldown_ms, charges_max):
    for blank, frozen, epoch in ((31, 0, 1), (256, 0, 1), (31, 2, 1), (31, 0, 0)):
        refused(journal, "open", width, height, blank, cooldown_ms, charges_max, frozen, epoch, 0,
                ZERO)
    refused(journal, "offer", "c" * 65, 1, 1, 1)
    refused(journal, "offer", "", 1, 1, 1)
    refused(journal, "offer", "c", 0, 1, 1)
    refused(journal, "offer", "c", 1, 1, 0)


def test_rules_out_of_range(painted):
    for rules in ((2**32, 5, 0), (0, 0, 0), (0, 65536, 0), (0, 5, 2)):
        refused(painted, "rules", CHANNEL, *rules)
        refused(painted, "settings", CHANNEL, *rules)
    refused(painted, "ban", 1, 2)


def test_an_adoption(journal):
    journal.offer("a", 1, 2, wait_ms=100_000)
    good = [CHANNEL, "a", 64, 64, 0, 5, 0, 1, 10, 1, 2, ZERO, BOARD]
    for i, bad in ((0, ""), (1, ""), (1, "c" * 65), (2, 65), (3, 0), (4, -1), (5, 0), (6, 2),
                   (7, "x"), (8, 10**14), (9, 0), (10, -1), (11, "0"), (12, BOARD[1:]),
                   (12, BOARD + b"\0")):
        refused(journal, "adopt", *good[:i], bad, *good[i + 1:])
    refused(journal, "adopt", *good[:-1])


def test_a_foreign_value_in_a_key_stops_a_batch_before_it_writes(painted):
    """What an operator's slip may leave: the error is Redis's own, the batch is not half done."""
    painted.ban(99)
    for name in ("log", "windows:2", "board", "buckets:2", "bans"):
        painted.client.rename(painted.key(name), "kept")
        if name == "bans":
            painted.client.xadd(painted.key(name), {"r": "x"})
        else:
            painted.client.sadd(painted.key(name), "x")
        kept = painted.everything()
        with pytest.raises(redis.exceptions.ResponseError, match="WRONGTYPE"):
            painted.append(GOOD._replace(sequence=50, person=77))
        assert painted.everything() == kept
        painted.client.delete(painted.key(name))
        painted.client.rename("kept", painted.key(name))
    assert painted.append(GOOD._replace(sequence=50, person=77))[0][0].status == 0


def test_a_log_that_is_ahead_stops_a_batch_before_it_writes(painted):
    painted.client.xadd(painted.key("log"), {"r": "x"}, id="1-1000")
    kept = painted.everything()
    with pytest.raises(redis.exceptions.ResponseError, match="equal or smaller"):
        painted.append(GOOD._replace(sequence=50))
    assert painted.everything() == kept


def test_formats_of_this_test():
    assert formats.operations([GOOD]) == GOOD_BYTES and len(GOOD_BYTES) == 34
