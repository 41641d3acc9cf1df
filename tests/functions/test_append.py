"""pb1_append: what is answered, what is written, what is remembered and for how long."""

import struct
import threading

import pytest

import formats
from formats import STATE, Answer, Operation
from hot_journal import CHANNEL, FAR_MS, ZERO, HotJournal

DAY_MS = 86_400_000
ANNA, BORIS = 7342037359, -4211


def op(sequence=1, person=ANNA, producer=0x0123456789ABCDEF, **fields):
    return Operation(person, producer, sequence, **({"x": 3, "y": 2} | fields))


def test_an_accepted_operation_is_on_the_board_in_the_log_and_published(journal, listen):
    state = journal.open()
    journal.set_time(FAR_MS)
    next_message = listen()
    answers, record = journal.append(op(color=9))
    assert answers == [Answer(0, 1, 1, 5, 0)]
    assert record == formats.chained(1, 0, state.digest, FAR_MS, [op(color=9)])
    position, board = journal.snapshot()
    assert position == journal.state().position == (1, 1, record.digest)
    assert board == b"\x1f" * (2 * 64 + 3) + b"\x09" + b"\x1f" * (64 * 64 - 2 * 64 - 4)
    assert journal.log()[-1] == (b"1-1", record)
    assert next_message() == record.encoded()


def test_reply_log_and_channel_carry_the_same_bytes(journal, listen):
    journal.open()
    next_message = listen()
    reply = journal.call("append", CHANNEL, formats.operations([op(), op(2), op(2)]))
    logged = journal.client.xrevrange(journal.key("log"), count=1)[0][1][b"r"]
    assert reply[1] == logged == next_message()


def test_a_batch_of_refusals_has_no_record_but_writes_something(journal):
    journal.open(frozen=1)
    before = int(journal.client.hget(STATE, "beat"))
    answers, record = journal.append(op())
    assert record is None
    assert answers == [Answer(2, 0, 0, 5, 0)]
    assert journal.state().offset == 0 and len(journal.log()) == 1
    assert int(journal.client.hget(STATE, "beat")) == before + 1


def test_no_operations_are_a_batch_too(journal):
    journal.open()
    assert journal.append() == ([], None)


def test_refused_ones_leave_gaps_in_the_batch_not_in_the_record(journal):
    state = journal.open()
    journal.set_time(FAR_MS)
    batch = [op(1, x=64), op(2), op(3), op(2), op(4, y=64), op(5, name=b""), op(5, y=9999)]
    answers, record = journal.append(*batch)
    assert [answer.status for answer in answers] == [3, 0, 0, 0, 3, 0, 0]
    assert answers[3] == answers[1] and answers[6] == answers[5]
    kept = [batch[1], batch[2], batch[5]]
    assert record == formats.chained(1, 0, state.digest, FAR_MS, kept)


def test_a_repeated_operation_gets_its_first_answer(journal):
    journal.open(cooldown_ms=1000, charges_max=3)
    journal.set_time(FAR_MS)
    first = journal.append(op(1))[0] + journal.append(op(2))[0]
    journal.set_time(FAR_MS + 1500)
    assert journal.append(op(1), op(2), op(1)) == ([first[0], first[1], first[0]], None)
    assert journal.state().offset == 2


def test_a_repeat_is_known_by_its_number_whatever_else_it_says(journal):
    journal.open()
    first = journal.append(op(1))[0][0]
    assert journal.append(op(1, x=9, color=1, name=b"other"))[0] == [first]


def test_the_last_eight_are_remembered_and_older_ones_stale(journal):
    journal.open()
    first = [journal.append(op(n))[0][0] for n in range(1, 11)]
    again, record = journal.append(*(op(n) for n in range(1, 11)))
    assert record is None
    assert [answer.status for answer in again] == [6, 6] + [0] * 8
    assert again[2:] == first[2:]


def test_a_skipped_sequence_is_stale_once_a_later_one_was_accepted(journal):
    journal.open()
    assert [a.status for a in journal.append(op(5), op(4), op(6))[0]] == [0, 6, 0]


def test_windows_belong_to_person_and_producer(journal):
    journal.open()
    batch = [op(7), op(7, person=BORIS), op(7, producer=1), op(7, person=BORIS, producer=1)]
    assert [a.offset for a in journal.append(*batch)[0]] == [1, 2, 3, 4]
    assert [a.offset for a in journal.append(*batch)[0]] == [1, 2, 3, 4]


def test_producers_above_2_to_the_53_are_told_apart(journal):
    journal.open()
    batch = [op(1, producer=2**64 - 1 - n) for n in range(4)]
    assert [a.offset for a in journal.append(*batch)[0]] == [1, 2, 3, 4]


def test_sequences_are_compared_in_every_byte(journal):
    journal.open()
    for byte in range(6, -1, -1):
        low, high = 1 << 8 * byte, 2 << 8 * byte
        batch = [op(high, producer=byte), op(low, producer=byte), op(high + 1, producer=byte)]
        assert [a.status for a in journal.append(*batch)[0]] == [0, 6, 0], byte


def test_a_refusal_is_not_remembered(journal):
    journal.open(frozen=1)
    assert journal.append(op(1))[0][0].status == 2
    journal.rules(0, 5, frozen=0)
    assert journal.append(op(1))[0][0].status == 0


def test_charges_are_spent_and_come_back(journal):
    journal.open(cooldown_ms=1000, charges_max=2)
    journal.set_time(FAR_MS)
    assert journal.charges(ANNA) == (2, 0)
    assert journal.append(op(1), op(2), op(3))[0] == [
        Answer(0, 1, 1, 1, 1000), Answer(0, 1, 2, 0, 1000), Answer(1, 0, 0, 0, 1000, 1000)]
    journal.set_time(FAR_MS + 999)
    assert journal.charges(ANNA) == (0, 1)
    journal.set_time(FAR_MS + 1000)
    assert journal.charges(ANNA) == (1, 1000)
    assert journal.append(op(3))[0] == [Answer(0, 1, 3, 0, 1000)]
    assert journal.charges(BORIS) == (2, 0)


def test_two_producers_share_their_persons_charges(journal):
    journal.open(cooldown_ms=1000, charges_max=1)
    assert [a.status for a in journal.append(op(1), op(1, producer=2))[0]] == [0, 1]


def test_the_wait_is_clamped_to_32_bits(journal):
    journal.open(cooldown_ms=2**32 - 1, charges_max=3)
    journal.set_time(FAR_MS)
    journal.append(op(1), op(2), op(3))
    journal.rules(2**32 - 1, 1)
    assert journal.charges(ANNA) == (0, 2**32 - 1)
    assert journal.append(op(4))[0] == [Answer(1, 0, 0, 0, 2**32 - 1, 2**32 - 1)]


def test_time_is_never_behind_the_last_entry(journal):
    journal.open()
    journal.set_time(FAR_MS)
    assert journal.append(op(1))[1].time_ms == journal.append(op(2))[1].time_ms == FAR_MS
    journal.set_time(1000)  # and it is the clock's where the state lies behind
    seconds, micros = journal.client.time()
    assert journal.append(op(3))[1].time_ms >= seconds * 1000 + micros // 1000


def test_a_window_is_there_for_a_day_and_goes_some_time_after(journal):
    journal.open()
    journal.set_time(FAR_MS)
    first = journal.append(op(1))[0]
    someone = iter(range(100, 200))
    journal.set_time(FAR_MS + DAY_MS - 1)
    journal.append(op(1, person=next(someone)))
    for time_ms in (FAR_MS + DAY_MS, FAR_MS + 2 * DAY_MS - 1):
        journal.set_time(time_ms)  # the second generation begins; the first is still read
        journal.append(op(1, person=next(someone)))
        assert journal.append(op(1))[0] == first
    journal.set_time(FAR_MS + 2 * DAY_MS)
    journal.append(op(1, person=next(someone)))
    assert journal.append(op(1))[0][0].offset > first[0].offset, "it is forgotten"
    assert len(journal.client.keys("*:windows:*")) == 2


def test_a_window_moves_on_with_its_producer(journal):
    journal.open()
    for day in range(6):
        journal.set_time(FAR_MS + day * (DAY_MS + 1))
        answers, _ = journal.append(op(day + 1))
        assert journal.append(op(day + 1))[0] == answers
        assert day == 0 or journal.append(op(day))[0][0].offset == day
    assert len(journal.client.keys("*:windows:*")) == 2


def test_buckets_last_as_long_as_they_are_needed_and_not_much_longer(journal):
    journal.open(cooldown_ms=3_600_000, charges_max=10)
    journal.set_time(FAR_MS)
    journal.append(*(op(n) for n in range(1, 11)))
    for hour in range(1, 11):
        time_ms = FAR_MS + hour * 3_600_000 - 1
        journal.set_time(time_ms)
        assert journal.charges(ANNA) == (hour - 1, 1)
        if hour == 5:
            journal.rules(1000, 10)  # waits were promised under the longer cooldown
            journal.append(op(1, person=900))
            journal.rules(3_600_000, 10)
        journal.append(op(1, person=hour))
    for hour in range(11, 60, 10):
        journal.set_time(FAR_MS + hour * 3_600_000)
        journal.append(op(1, person=100 + hour))
    found = journal.client.keys("*:buckets:*")
    assert len(found) == 2
    people = {key for name in found for key in journal.client.hkeys(name)}
    assert struct.pack("<q", ANNA) not in people, "it is forgotten"


def test_parallel_callers_share_one_history(shared_redis, journal):
    journal.open(width=256, height=256)
    records, problems = [], []

    def caller(person):
        with shared_redis.client() as client:
            mine = HotJournal(client)
            for n in range(60):
                batch = [Operation(person, person, 3 * n + i, x=person, y=n) for i in (1, 2, 3)]
                answers, record = mine.append(*batch)
                records.append(record)
                if [a.status for a in answers] != [0, 0, 0] or mine.append(*batch)[0] != answers:
                    problems.append((person, n))

    threads = [threading.Thread(target=caller, args=(n,)) for n in range(1, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    log = [record for _, record in journal.log()][1:]
    assert sorted(records) == sorted(log)
    digest, base = ZERO, 0
    for record in log:
        assert (record.base, record.base_digest) == (base, digest)
        assert record == formats.chained(1, base, digest, record.time_ms, record.operations)
        digest, base = record.digest, record.last
    assert journal.state().position == (1, 900, digest)


def test_the_largest_batch_of_as_many_people(journal):
    journal.open(cooldown_ms=1000, charges_max=2)
    batch = [op(1, person=n, producer=n) for n in range(4096)]
    for journal_time in (FAR_MS, FAR_MS + DAY_MS):
        journal.set_time(journal_time)
        answers, record = journal.append(*batch)
        assert [a.offset for a in answers] == list(range(1, 4097))
        assert (record is None) == (journal_time > FAR_MS)
    assert len({journal.charges(n) for n in range(0, 4096, 512)}) == 1


@pytest.mark.parametrize("size", [(1, 1), (4096, 4096), (5, 3)])
def test_every_corner_of_a_canvas_can_be_painted(journal, size):
    width, height = size
    journal.open(width, height, blank=0)
    corners = {(x, y) for x in (0, width - 1) for y in (0, height - 1)}
    batch = [op(n, x=x, y=y, color=255) for n, (x, y) in enumerate(sorted(corners), 1)]
    assert all(a.status == 0 for a in journal.append(*batch)[0])
    board = journal.snapshot()[1]
    assert len(board) == width * height and sum(map(bool, board)) == len(corners)
    assert all(board[y * width + x] == 255 for x, y in corners)
    assert [a.status for a in journal.append(op(9, x=width), op(9, y=height))[0]] == [3, 3]
