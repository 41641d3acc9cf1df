"""pb1_offer and pb1_adopt: a wiped Redis is made again by the newest of several backends."""

import threading
import time

import pytest
import redis

import formats
from formats import STATE, Operation, Record
from hot_journal import CHANNEL, ZERO, HotJournal

WAIT_MS = 100_000  # tests say when it is over
DIGEST = "00112233445566aa"
BOARD = bytes(range(256)) * 16


def op(sequence, person=1, **fields):
    return Operation(person, 1, sequence, **({"x": 0, "y": 0} | fields))


class Round:
    """One wiped Redis and the candidates that offer to make it again."""

    def __init__(self, journal):
        self.journal, self.key = journal, journal.key("rebuild")

    def offer(self, candidate, epoch, offset):
        return self.journal.offer(candidate, epoch, offset, WAIT_MS)[0]

    def pass_time(self, times):
        """As if `times` × WAIT_MS went by."""
        for field in ("since_ms", "turn_ms"):
            if self.journal.client.hget(self.key, field):
                self.journal.client.hincrby(self.key, field, -times * WAIT_MS)

    def adopt(self, candidate, epoch, offset, **more):
        return self.journal.adopt(candidate, (epoch, offset, DIGEST), BOARD, **more)


@pytest.fixture
def lost(journal):
    return Round(journal)


def test_the_newest_of_three_adopts_and_the_others_find_it(lost, listen):
    assert lost.offer("a", 3, 10) == "wait"
    assert lost.offer("b", 4, 5) == "wait"
    assert lost.offer("c", 4, 4) == "wait"
    assert lost.adopt("b", 4, 5) == ("wait",), "not told to yet"
    lost.pass_time(1)
    assert [lost.offer("a", 3, 10), lost.offer("c", 4, 4)] == ["wait", "wait"]
    assert lost.offer("b", 4, 5) == "adopt"
    assert lost.adopt("a", 3, 10) == lost.adopt("c", 4, 4) == ("wait",)
    assert not lost.journal.client.exists(STATE)

    next_message = listen()
    assert lost.adopt("b", 4, 5, cooldown_ms=7, charges_max=3, frozen=1, rules_version=12,
                      time_ms=1000) == ("adopted", 5)
    beginning = Record(5, 5, DIGEST, DIGEST, 1000)
    assert next_message() == beginning.encoded()
    assert lost.journal.snapshot() == ((5, 5, DIGEST), BOARD)
    assert lost.journal.state()[:9] == (5, 5, DIGEST, 64, 64, 7, 3, 1, 12)
    assert lost.journal.log() == [(b"5-5", beginning)]
    kept = lost.journal.everything()
    assert {lost.offer(c, 9, 9) for c in "abc"} == {"exists"}
    assert lost.adopt("b", 4, 5) == ("exists",)
    assert lost.journal.everything() == kept


@pytest.mark.parametrize("newest", [(2, 1), (1, 2**40)])
def test_epoch_counts_before_offset(lost, newest):
    lost.offer("old", 1, 7)
    lost.offer("new", *newest)
    lost.pass_time(1)
    assert (lost.offer("old", 1, 7), lost.offer("new", *newest)) == ("wait", "adopt")


def test_of_equals_the_first_to_offer_adopts(lost):
    assert [lost.offer(c, 3, 3) for c in "abc"] == ["wait"] * 3
    lost.pass_time(1)
    assert [lost.offer(c, 3, 3) for c in "cba"] == ["wait", "wait", "adopt"]


def test_a_newer_one_that_comes_late_takes_the_turn(lost):
    lost.offer("a", 3, 10)
    lost.pass_time(1)
    assert lost.offer("a", 3, 10) == "adopt"
    assert lost.offer("late", 3, 11) == "adopt"
    assert lost.adopt("a", 3, 10) == ("wait",)
    assert lost.adopt("late", 3, 11) == ("adopted", 4)


def test_a_newer_one_has_its_whole_turn(lost):
    lost.offer("a", 3, 10)
    lost.pass_time(1)
    assert lost.offer("a", 3, 10) == "adopt"
    lost.pass_time(2)
    assert lost.offer("late", 3, 11) == "adopt"
    lost.pass_time(2)
    assert (lost.offer("a", 3, 10), lost.offer("late", 3, 11)) == ("wait", "adopt")


def test_a_candidate_that_dies_is_replaced(lost):
    lost.offer("dead", 9, 9)
    lost.offer("second", 8, 8)
    lost.pass_time(1)
    assert lost.offer("second", 8, 8) == "wait", "the dead one's turn begins"
    lost.pass_time(2)
    assert lost.offer("third", 7, 7) == "wait", "it may still adopt"
    lost.pass_time(2)
    assert lost.offer("third", 7, 7) == "wait", "a new round: the others must come forward again"
    assert lost.adopt("dead", 9, 9) == ("wait",)
    assert lost.offer("second", 8, 8) == "wait"
    lost.pass_time(1)
    assert (lost.offer("third", 7, 7), lost.offer("second", 8, 8)) == ("wait", "adopt")
    assert lost.adopt("second", 8, 8) == ("adopted", 9)


def forget(lost, by):
    """The turn passes; `by` is the first to call afterwards."""
    lost.pass_time(4)
    assert lost.offer(*by) == "wait"


def test_one_that_let_its_turn_pass_gives_way_to_any_other(lost):
    sick, sound = ("sick", 9, 9), ("sound", 1, 1)
    lost.offer(*sick)
    lost.pass_time(1)
    assert lost.offer(*sick) == "adopt"
    forget(lost, by=sick)
    assert lost.offer(*sound) == "wait"
    lost.pass_time(1)
    assert (lost.offer(*sick), lost.offer(*sound)) == ("wait", "adopt")


def test_one_that_let_its_turn_pass_may_try_again_if_it_is_alone(lost):
    lost.offer("only", 9, 9)
    lost.pass_time(1)
    assert lost.offer("only", 9, 9) == "adopt"
    forget(lost, by=("only", 9, 9))
    lost.pass_time(1)
    assert lost.offer("only", 9, 9) == "adopt"
    assert lost.adopt("only", 9, 9) == ("adopted", 10)


def test_a_slow_one_may_still_adopt_while_nobody_has_replaced_it(lost):
    lost.offer("slow", 9, 9)
    lost.pass_time(1)
    assert lost.offer("slow", 9, 9) == "adopt"
    lost.pass_time(50)
    assert lost.adopt("slow", 9, 9) == ("adopted", 10)


def test_what_is_adopted_is_what_was_offered(lost):
    lost.offer("a", 3, 10)
    lost.pass_time(1)
    assert lost.offer("a", 3, 10) == "adopt"
    assert lost.adopt("a", 3, 9) == lost.adopt("a", 2, 10) == ("wait",)


def test_a_candidate_that_knows_less_after_a_restart_does_not_lead_any_more(lost):
    lost.offer("a", 3, 10)
    lost.offer("a", 3, 1)
    lost.offer("b", 3, 5)
    lost.pass_time(1)
    assert (lost.offer("a", 3, 1), lost.offer("b", 3, 5)) == ("wait", "adopt")


def test_a_clock_set_back_begins_a_new_round(lost):
    lost.offer("a", 3, 10)
    lost.pass_time(-1000)
    assert lost.offer("a", 3, 10) == "wait"
    lost.pass_time(1)
    assert lost.offer("a", 3, 10) == "adopt"


def test_a_round_that_everyone_left_is_forgotten(journal):
    journal.offer("a", 3, 10, wait_ms=1)
    end = time.monotonic() + 10
    while journal.client.exists(journal.key("rebuild")):
        assert time.monotonic() < end
        time.sleep(0.005)
    assert journal.open().position == (1, 0, ZERO)


def test_no_blank_canvas_is_opened_while_one_is_made_again(lost):
    lost.offer("a", 3, 10)
    with pytest.raises(redis.exceptions.ResponseError, match="^REBUILD "):
        lost.journal.open()
    assert lost.offer("a", 3, 10) == "wait"


def test_a_canvas_that_lost_its_board_is_made_again_in_a_later_epoch(lost):
    lost.journal.open(epoch=20)
    first = lost.journal.append(op(1))[0]
    lost.journal.client.delete(lost.journal.key("board"))
    lost.offer("a", 3, 10)
    lost.pass_time(1)
    assert lost.offer("a", 3, 10) == "adopt"
    assert lost.adopt("a", 3, 10) == ("adopted", 21)
    assert [name for name, _ in lost.journal.log()] == [b"21-10"]
    assert lost.journal.append(op(1))[0] == first, "its windows were still there"


def test_windows_and_buckets_that_are_still_there_are_left_alone(lost):
    rules = {"cooldown_ms": 3_600_000, "charges_max": 5}
    journal = lost.journal
    journal.open(epoch=3, **rules)
    _, record = journal.append(op(1))
    later = journal.append(op(2))[0]
    charges = journal.charges(1)
    journal.client.delete(journal.key("board"))
    journal.offer("a", 3, 1, wait_ms=WAIT_MS)
    lost.pass_time(1)
    assert lost.offer("a", 3, 1) == "adopt"
    assert journal.adopt("a", (3, 1, record.digest), BOARD, [record], time_ms=record.time_ms,
                         **rules) == ("adopted", 4)
    assert journal.append(op(2))[0] == later
    assert journal.charges(1)[0] == charges[0] == 3


def history(journal, **rules):
    """Some records of two epochs, with what a backend knows of them; then Redis is wiped."""
    journal.open(**rules)
    first = journal.append(op(1), op(1, person=2))[1]
    journal.append(op(2), op(3))
    journal.end_epoch(1, 99, DIGEST)
    answers, last = journal.append(*(op(n) for n in range(4, 12)))
    state, log, board = journal.state(), journal.log(), journal.snapshot()[1]
    charges = {person: journal.charges(person) for person in (1, 2)}
    journal.client.flushall()
    assert first and last
    return state, [record for _, record in log], board, answers, charges


def adopt_all(journal, state, board, records, **rules):
    journal.offer("a", state.epoch, state.offset, wait_ms=WAIT_MS)
    Round(journal).pass_time(1)
    assert journal.offer("a", state.epoch, state.offset, wait_ms=WAIT_MS) == ("adopt",)
    return journal.adopt("a", state.position, board, records, time_ms=state.now_ms, **rules)


def test_records_come_back_under_their_ids_and_repeats_get_their_answers(journal):
    state, records, board, answers, _ = history(journal)
    assert adopt_all(journal, state, board, records[1:]) == ("adopted", 3)
    assert [record for _, record in journal.log()] == [
        *records[1:], Record(3, state.offset, state.digest, state.digest, state.now_ms)]
    assert [name for name, _ in journal.log()] == [b"1-2", b"1-4", b"2-4", b"2-12", b"3-12"]
    again, record = journal.append(*(op(n) for n in range(4, 12)))
    assert record is None and again == answers
    assert [a.status for a in journal.append(op(3), op(1, person=2), op(12))[0]] == [6, 0, 0]
    assert journal.append(op(1, person=2))[0][0].epoch == 1
    assert journal.snapshot()[1] == board[:0] + bytes([7]) + board[1:]


def test_charges_spent_in_the_records_stay_spent(journal):
    rules = {"cooldown_ms": 3_600_000, "charges_max": 20}
    state, records, board, answers, charges = history(journal, **rules)
    adopt_all(journal, state, board, records, **rules)
    for person, (left, next_ms) in charges.items():
        now_left, now_ms = journal.charges(person)
        assert now_left == left and next_ms - 60_000 < now_ms <= next_ms
    assert journal.append(op(11))[0] == [answers[-1]], "with the charges of that time"


def test_nobody_owes_more_than_all_charges(journal):
    state, records, board, *_ = history(journal, cooldown_ms=0)
    rules = {"cooldown_ms": 1_000_000, "charges_max": 2}
    adopt_all(journal, state, board, records, **rules)
    left, next_ms = journal.charges(1)
    assert left == 0 and 900_000 < next_ms <= 1_000_000


def test_the_log_goes_on_after_an_adoption(journal):
    state, records, board, *_ = history(journal)
    adopt_all(journal, state, board, records)
    answers, record = journal.append(op(50))
    assert (answers[0].epoch, record.base, record.base_digest) == (3, 12, state.digest)
    assert journal.end_epoch(3, 12, state.digest) == ("held",)


def test_one_of_many_real_candidates_wins(shared_redis, journal):
    """Backends of their own threads and connections, with the clock as it runs."""
    outcomes = []

    def backend(number):
        with shared_redis.client() as client:
            mine = HotJournal(client)
            while True:
                said = mine.offer(f"backend {number}", 2, number, wait_ms=300)[0]
                if said == "adopt":
                    if number == 4:
                        return  # it dies
                    said = mine.adopt(f"backend {number}", (2, number, DIGEST), BOARD)[0]
                    outcomes.append((number, said))
                if said in ("exists", "adopted"):
                    return
                time.sleep(0.01)

    threads = [threading.Thread(target=backend, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert outcomes == [(3, "adopted")]
    assert journal.state().position == (3, 3, DIGEST)


def bad(records, i, **changes):
    return [*records[:i], records[i]._replace(**changes), *records[i + 1:]]


def test_records_that_do_not_fit_are_refused_and_change_nothing(journal):
    state, records, board, *_ = history(journal)
    journal.offer("a", state.epoch, state.offset, wait_ms=WAIT_MS)
    Round(journal).pass_time(1)
    assert journal.offer("a", state.epoch, state.offset, wait_ms=WAIT_MS) == ("adopt",)
    kept = journal.everything()
    longest = op(1, name=b"x" * 65)
    for wrong in (
        records[:-1], records[:1], [records[-1], records[0]], records[::2], [*records, records[-1]],
        bad(records, 1, time_ms=records[1].time_ms + 1), bad(records, 1, base=1),
        bad(records, 1, digest=ZERO), bad(records, 4, epoch=3), bad(records, 0, epoch=0),
        bad(records, 2, epoch=2), bad(records, 3, epoch=1), bad(records, 1, base_digest=DIGEST),
        bad(records, 4, operations=records[4].operations[:-1]),
        [formats.chained(2, 11, DIGEST, 0, [longest])],
        [formats.chained(2, 11, DIGEST, state.now_ms + 60_000, [op(1)])],
    ):
        with pytest.raises(redis.exceptions.ResponseError, match="^BADARG "):
            journal.adopt("a", state.position, board, wrong, time_ms=state.now_ms)
    for data in (b"", b"r", records[4].encoded()[:-1], records[4].encoded() + b"\0",
                 b"k" + records[4].encoded()[1:]):
        with pytest.raises(redis.exceptions.ResponseError, match="^BADARG "):
            journal.call("adopt", CHANNEL, "a", 64, 64, 0, 5, 0, 1, state.now_ms, *state.position,
                         board, data)
    with pytest.raises(redis.exceptions.ResponseError, match="^BADARG "):
        journal.adopt("a", state.position, board, records, time_ms=records[-1].time_ms - 1)
    assert journal.everything() == kept
    assert journal.adopt("a", state.position, board, records, time_ms=state.now_ms) == (
        "adopted", 3)
