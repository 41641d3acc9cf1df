"""pb1_end_epoch: whoever has seen a position asks whether the journal still holds it."""

import struct

import pytest

import formats
from formats import Operation, Record
from hot_journal import FAR_MS, ZERO

WRONG = "0123456789abcdef"


def op(sequence, x=0):
    return Operation(1, 1, sequence, x, 0)


@pytest.fixture
def records(journal):
    """A journal of epoch 1 with three records: 1 to 2, 3 to 6, 7 to 7."""
    journal.open()
    journal.set_time(FAR_MS)
    return [journal.append(op(1), op(2))[1], journal.append(*map(op, (3, 4, 5, 6)))[1],
            journal.append(op(7))[1]]


def digest_at(records, offset):
    for record in records:
        if record.base <= offset <= record.last:
            return formats.digest_after(record.base, record.base_digest, record.time_ms,
                                        record.operations[:offset - record.base])
    raise AssertionError(offset)


def test_every_position_that_was_is_held(journal, records):
    kept = journal.everything()
    for offset in range(8):
        assert journal.end_epoch(1, offset, digest_at(records, offset)) == ("held",), offset
    assert journal.everything() == kept


@pytest.mark.parametrize("offset", [0, 1, 2, 4, 6, 7, 8, 2**53 - 2])
def test_a_position_that_never_was_ends_the_epoch(journal, records, listen, offset):
    next_message = listen()
    assert journal.end_epoch(1, offset, WRONG) == ("ended", 2)
    last = records[-1].digest
    assert journal.state().position == (2, 7, last)
    beginning = Record(2, 7, last, last, FAR_MS)
    assert journal.log()[-1] == (b"2-7", beginning)
    assert next_message() == beginning.encoded()
    assert journal.end_epoch(2, 7, last) == ("held",), "the beginning of the new epoch"
    answers, record = journal.append(op(8))
    assert (answers[0].epoch, answers[0].offset, record.base_digest) == (2, 8, last)
    assert journal.end_epoch(2, 7, last) == ("held",), "no longer its end"


def test_the_right_digest_at_the_wrong_offset_ends_the_epoch(journal, records):
    assert journal.end_epoch(1, 6, digest_at(records, 7)) == ("ended", 2)


def test_only_the_first_to_ask_ends_it(journal, records):
    assert journal.end_epoch(1, 7, WRONG) == ("ended", 2)
    kept = journal.everything()
    assert journal.end_epoch(1, 7, WRONG) == ("other", 2)
    assert journal.end_epoch(1, 7, records[-1].digest) == ("other", 2)
    assert journal.everything() == kept


def test_an_epoch_that_this_journal_never_heard_of_is_ended_too(journal, records):
    # The master that began epochs 2 to 4 is gone, and its replica had not heard of them.
    assert journal.end_epoch(4, 3, WRONG) == ("ended", 5), "no number is used twice"
    assert journal.state().position == (5, 7, records[-1].digest)
    assert [name for name, _ in journal.log()][-1] == b"5-7"


def test_answers_of_an_ended_epoch_are_still_given(journal):
    journal.open()
    first = journal.append(op(1))[0]
    journal.end_epoch(1, 9, WRONG)
    assert journal.append(op(1))[0] == first == [formats.Answer(0, 1, 1, 5, 0)]
    assert journal.append(op(2))[0] == [formats.Answer(0, 2, 2, 5, 0)]


def test_before_what_the_log_keeps_nothing_is_known(journal, records):
    journal.trim(1, 2)
    kept = journal.everything()
    for digest in (WRONG, digest_at(records, 1)):
        assert journal.end_epoch(1, 1, digest) == ("unknown",)
        assert journal.end_epoch(1, 0, digest) == ("unknown",)
    assert journal.end_epoch(1, 2, digest_at(records, 2)) == ("held",), "the next one's base"
    assert journal.everything() == kept
    assert journal.end_epoch(1, 2, WRONG) == ("ended", 2)


def test_with_the_whole_log_trimmed_its_own_position_is_still_known(journal, records):
    journal.trim(1, 7)
    assert journal.log() == []
    assert journal.end_epoch(1, 7, records[-1].digest) == ("held",)
    assert journal.end_epoch(1, 6, WRONG) == ("unknown",)
    assert journal.end_epoch(1, 8, WRONG) == ("ended", 2), "the future cannot have been trimmed"


def test_a_trimmed_beginning_of_a_later_epoch_is_the_base_of_its_first_record(journal, records):
    journal.end_epoch(1, 99, WRONG)
    journal.append(op(8))
    journal.trim(2, 7)
    assert journal.end_epoch(2, 7, records[-1].digest) == ("held",)
    assert journal.end_epoch(2, 6, ZERO) == ("unknown",)


def test_history_that_went_another_way_is_noticed_in_the_middle_of_a_record(journal, records):
    """A failover lost records 2 and 3; others have written since, in other batches."""
    journal.client.flushall()
    journal.open()
    journal.set_time(FAR_MS)
    other = journal.append(op(1), op(2), op(3, x=1), op(4))[1]
    assert journal.end_epoch(1, 2, digest_at(records, 2)) == ("held",), "that far it is the same"
    assert journal.end_epoch(1, 3, digest_at(records, 3)) == ("ended", 2)
    assert journal.state().position == (2, 4, other.digest)


def test_the_count_of_a_beginning_is_zero_and_its_digests_agree(journal, records):
    journal.end_epoch(1, 99, WRONG)
    data = journal.client.xrange(journal.key("log"))[-1][1][b"r"]
    digest = int(records[-1].digest, 16)
    assert data == b"r" + struct.pack("<QQQQqI", 2, 7, digest, digest, FAR_MS, 0)
