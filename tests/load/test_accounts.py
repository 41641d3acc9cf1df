"""The accounts of a run, and the records that reports are made of: nothing wrong goes unnoticed."""

import pytest
from loadtest.canvas_account import CanvasAccount
from loadtest.counter_account import CounterAccount
from loadtest.reader import Reader
from loadtest.record import Record, percentile

# --- The counter --------------------------------------------------------------------------------


def counter(start, *presses):
    """An account of (verb, value) pairs; the value None is an outcome that is not known."""
    account = CounterAccount(start)
    for key, (verb, value) in enumerate(presses):
        account.asked(key, verb)
        if value is not None:
            account.acknowledged(key, value)
    return account


def up(*values):
    return [("increment", value) for value in values]


def down(*values):
    return [("decrement", value) for value in values]


@pytest.mark.parametrize("start, presses, end", [
    (5, [], 5),
    (5, up(6, 8, 7), 8),
    (5, up(6) + down(5) + up(6, 7), 7),
    (5, down(4, 3), 3),
    (5, down(4) + up(5, 6), 6),
    (2**63 - 3, up(2**63 - 2), 2**63 - 2),
])
def test_an_account_of_true_answers_holds(start, presses, end):
    assert counter(start, *presses).verdict(end).holds


@pytest.mark.parametrize("what, start, presses, end", [
    ("a lost increment", 0, up(1, 2, 3), 2),
    ("an increment that nobody acknowledged", 0, up(1, 2), 3),
    ("a lost decrement", 5, down(4, 3), 4),
    ("a value given twice", 0, up(1, 2, 2), 3),
    ("a value given twice and one never counted", 0, up(1, 2, 2), 2),
    ("a lost increment hidden by a lost decrement", 0, up(1, 2, 3, 4) + down(7), 3),
    ("a value far away", 0, up(1, 2, 90), 3),
])
def test_wrong_answers_are_noticed(what, start, presses, end):
    verdict = counter(start, *presses).verdict(end)
    assert not verdict.holds, what
    assert verdict.lines[0] == "THE ACCOUNT DOES NOT HOLD"


def test_a_verdict_names_what_is_lost_and_what_is_doubled():
    text = "\n".join(counter(0, *up(1, 2, 2, 4)).verdict(3).lines)
    assert "1 acknowledged increments are lost" in text
    assert "values nobody got 3" in text
    assert "values given too often: 2, 4" in text


def test_unknown_outcomes_widen_the_range_and_no_further():
    account = counter(10, *up(11, 12), ("increment", None), ("decrement", None))
    assert account.range() == (11, 13)
    assert [end for end in range(20) if account.verdict(end).holds] == [11, 12, 13]
    gap = counter(10, *up(11, 13), ("increment", None))
    assert [end for end in range(20) if gap.verdict(end).holds] == [13], "12 went to the unknown"


def test_a_refused_press_counts_for_nothing():
    account = counter(0, *up(1), ("decrement", None))
    account.refused(1)
    assert account.range() == (1, 1)
    assert account.verdict(1).holds


# --- The canvas ---------------------------------------------------------------------------------


def drawn(*placements, epoch=1):
    account = CanvasAccount(1, 10)
    problems = [account.acknowledged(epoch, *placement) for placement in placements]
    return account, [problem for problem in problems if problem]


def test_the_board_shows_the_last_placement_of_each_pixel():
    account, problems = drawn((12, 0, 7), (11, 0, 6), (13, 3, 5))
    assert not problems
    assert account.verdict(1, 13, bytes([7, 0, 0, 5])).holds
    assert not account.verdict(1, 13, bytes([6, 0, 0, 5])).holds, "an older one came to the top"
    assert not account.verdict(1, 12, bytes([7, 0, 0, 5])).holds, "one is lost"


def test_two_acknowledgements_at_one_offset_are_noticed():
    account, problems = drawn((11, 0, 7), (11, 1, 7))
    assert problems == ["two placements were acknowledged at offset 11"]
    assert not account.verdict(1, 12, bytes([7, 7])).holds


def test_where_others_draw_only_the_count_is_compared():
    account, _ = drawn((11, 0, 7))
    assert account.verdict(1, 15, bytes([9])).holds
    account.unsettled = 1
    assert account.verdict(1, 12, bytes([9])).holds, "the unknown one may have come over it"


def test_after_an_epoch_there_is_nothing_to_compare():
    account, _ = drawn((3, 0, 7), epoch=2)
    assert account.verdict(2, 3, bytes([0])).holds


def test_a_reader_notices_gaps_and_duplicates():
    reader = Reader()
    reader.stand(1, 40, 0)
    assert reader.problem_with(40) is None
    assert reader.problem_with(42) == "a gap: the next delta begins 2 entries further"
    assert reader.problem_with(37) == "a duplicate: the next delta repeats 3 entries"


def test_a_pixel_is_seen_when_the_board_has_come_to_its_offset():
    reader = Reader()
    reader.stand(1, 40, 0)
    assert reader.acknowledged(43, sent_s=1.0) is None
    assert reader.move(40, 2, 0, at_s=2.0) == []
    assert reader.unseen == 1
    assert reader.move(42, 5, 0, at_s=3.0) == [1.0]
    assert reader.unseen == 0
    assert reader.acknowledged(42, sent_s=1.5) == 2.0, "the delta came before the acknowledgement"


def test_another_epoch_does_not_owe_what_the_last_one_promised():
    reader = Reader()
    reader.stand(1, 40, 0)
    reader.acknowledged(41, sent_s=1.0)
    reader.stand(2, 3, 0)
    assert reader.unseen == 0


# --- The record ---------------------------------------------------------------------------------


def test_percentiles_are_values_that_there_were():
    assert percentile([], 50) is None
    assert percentile([7], 99) == 7
    assert [percentile(list(range(1, 101)), percent) for percent in (50, 95, 99)] == [50, 95, 99]


def test_a_record_tells_each_second_and_the_whole():
    now = [100.0]
    record = Record(lambda: now[0], lambda: 3)
    for at, time_ms, failure in [(100.2, 10, None), (100.9, 30, "503"), (102.5, 20, None)]:
        now[0] = at
        record.answer("GET", "/x", time_ms, failure)
        record.served_by("a" if time_ms < 25 else "b")
    record.answer_beside("WS", "place: seen", 9)
    record.wait_asked()
    now[0] = 104.0
    record.end()
    now[0] = 200.0
    found = record.result(application="counter")
    seconds = [(second["requests"], second["failures"], second["p50_ms"], second["limited"])
               for second in found["seconds"]]
    assert seconds == [(2, 1, 10, 0), (0, 0, None, 0), (1, 0, 20, 1), (0, 0, None, 0)]
    assert (found["requests"], found["failures"], found["limited"]) == (3, 1, 1)
    assert (found["requests_per_s"], found["p50_ms"], found["p99_ms"]) == (0.8, 20, 30)
    assert found["replicas"] == {"a": 2, "b": 1}
    assert found["errors"] == [{"kind": "GET", "name": "/x", "what": "503", "count": 1}]
    assert [row["name"] for row in found["beside"]] == ["place: seen"]
