"""Opening a canvas, its state, its rules, trimming the log, and what is not there."""

import struct

import pytest
import redis

from formats import STATE, Operation, Record
from hot_journal import FAR_MS, ZERO, HotJournal

DIGEST = "fedcba9876543210"


def op(sequence):
    return Operation(1, 1, sequence, 0, 0)


def error_of(call, *args, **more):
    with pytest.raises(redis.exceptions.ResponseError) as caught:
        call(*args, **more)
    # The client takes some words away and keeps what follows.
    return type(caught.value).__name__, str(caught.value)


def test_a_new_canvas_is_blank_and_at_its_position(journal):
    state = journal.open(20, 30, blank=7, cooldown_ms=5000, charges_max=3, frozen=1)
    assert state[:9] == (1, 0, ZERO, 20, 30, 5000, 3, 1, 1)
    assert state.replid == journal.client.info("replication")["master_replid"]
    seconds, _ = journal.client.time()
    assert abs(state.now_ms - seconds * 1000) < 10_000
    assert journal.snapshot() == ((1, 0, ZERO), b"\x07" * 600)
    assert journal.log() == [(b"1-0", Record(1, 0, ZERO, ZERO, 0))]


def test_a_canvas_may_begin_anywhere(journal):
    state = journal.open(epoch=8374652910384756, offset=2**53 - 9, digest=DIGEST)
    assert state.position == (8374652910384756, 2**53 - 9, DIGEST)
    (name, record), = journal.log()
    assert name == b"8374652910384756-9007199254740983"
    assert record == Record(8374652910384756, 2**53 - 9, DIGEST, DIGEST, 0)
    answers, record = journal.append(op(1))
    assert answers[0].epoch == 8374652910384756 and answers[0].offset == 2**53 - 8
    assert record.base_digest == DIGEST


def test_opening_again_changes_nothing(journal):
    journal.open(cooldown_ms=5000)
    journal.append(op(1))
    before, kept = journal.state(), journal.everything()
    again = journal.open(blank=1, cooldown_ms=1, frozen=1, epoch=9, offset=9)
    assert again[:9] == before[:9] and again.cooldown_ms == 5000
    assert journal.everything() == kept


def test_another_size_is_refused(journal):
    journal.open(64, 64)
    kept = journal.everything()
    assert "SIZE" in error_of(journal.open, 64, 65)[1]
    assert journal.everything() == kept


def test_without_a_canvas_everything_says_so(journal):
    for call in (journal.state, journal.snapshot, lambda: journal.append(op(1)),
                 lambda: journal.charges(1), lambda: journal.rules(0, 1), journal.bans,
                 lambda: journal.settings(0, 1), lambda: journal.ban(1),
                 lambda: journal.end_epoch(1, 0, ZERO), lambda: journal.trim(1, 1)):
        assert error_of(call)[1].startswith("EMPTY ")
    assert not journal.client.keys("*")


def test_a_canvas_that_lost_its_board_counts_as_none_and_gets_a_later_epoch(journal):
    journal.open(epoch=4)
    first = journal.append(op(1))[0]
    journal.client.delete(journal.key("board"))
    assert error_of(journal.state)[1].startswith("EMPTY ")
    assert journal.open(epoch=1, offset=1, digest=DIGEST).position == (5, 1, DIGEST)
    assert [name for name, _ in journal.log()] == [b"5-1"]
    assert journal.append(op(1))[0] == first, "what was accepted stays accepted"


def test_rules_are_stored_versioned_and_published(journal, listen):
    journal.open()
    next_message = listen()
    assert journal.rules(2**32 - 1, 65_535, frozen=1) == 2
    assert journal.state()[5:9] == (2**32 - 1, 65_535, 1, 2)
    assert next_message() == b"k" + struct.pack("<IIBQ", 2**32 - 1, 65_535, 1, 2)
    assert journal.rules(0, 1) == 3
    assert next_message() == b"k" + struct.pack("<IIBQ", 0, 1, 0, 3)


def test_new_rules_count_at_once(journal):
    journal.open(cooldown_ms=1000, charges_max=2)
    journal.set_time(FAR_MS)
    journal.append(op(1), op(2))
    journal.rules(10_000, 2)
    assert journal.charges(1) == (1, 2000)
    journal.rules(0, 4)
    assert journal.charges(1) == (4, 0)


def test_trimming_drops_what_ends_at_or_before_the_position(journal):
    journal.open()
    for n in range(5):
        journal.append(op(2 * n + 1), op(2 * n + 2))
    names = [name for name, _ in journal.log()]
    assert names == [b"1-0", b"1-2", b"1-4", b"1-6", b"1-8", b"1-10"]
    assert journal.trim(1, 3) == 2
    assert [name for name, _ in journal.log()] == names[2:]
    assert journal.trim(1, 4) == 1
    assert journal.end_epoch(1, 99, ZERO) == ("ended", 2)
    assert journal.trim(2, 9) == 3, "all of an older epoch lies before"
    assert [name for name, _ in journal.log()] == [b"2-10"]
    assert journal.trim(2, 10) == 1 and journal.trim(2, 10) == 0
    assert journal.append(op(11))[1].stream_id() == b"2-11", "the log goes on"


def test_two_canvases_do_not_meet(journal):
    other = HotJournal(journal.client, prefix="{another}:v1:")
    journal.open()
    other.open(16, 16)
    other.append(op(1))
    assert journal.state().offset == 0 and other.state().offset == 1
    assert {key.split(b":")[0] for key in journal.client.keys("*")} == {
        b"{pixel-battle}", b"{another}"}


def test_the_state_key_is_in_the_specified_place(journal):
    journal.open()
    assert journal.key("state") == STATE == "{pixel-battle}:v1:state"
    assert journal.client.hget(STATE, "epoch") == b"1"
