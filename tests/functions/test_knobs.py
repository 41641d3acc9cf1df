"""What operators turn while people draw: bans, rules, and the settings of backends that start."""

import pytest
import redis

from formats import STATE, Answer, Operation
from hot_journal import CHANNEL, FAR_MS, HotJournal

ANNA, BORIS = 7342037359, -4211
BANNED = 9


def op(sequence=1, person=ANNA, producer=5, **fields):
    return Operation(person, producer, sequence, **({"x": 3, "y": 2} | fields))


def statuses(journal, *ops):
    return [answer.status for answer in journal.append(*ops)[0]]


# --- Bans ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("cooldown_ms", [0, 5000])
def test_a_banned_person_places_nothing_and_others_go_on(journal, cooldown_ms):
    journal.open(cooldown_ms=cooldown_ms)
    assert statuses(journal, op(1), op(1, BORIS)) == [0, 0]
    assert journal.ban(BORIS) == 1
    answers, record = journal.append(op(2), op(2, BORIS), op(3), op(9, BORIS, producer=77))
    assert [answer.status for answer in answers] == [0, BANNED, 0, BANNED]
    assert [operation.person for operation in record.operations] == [ANNA, ANNA]
    assert journal.ban(BORIS, 0) == 1
    assert statuses(journal, op(2, BORIS)) == [0], "a refusal is not remembered"


def test_a_ban_takes_no_charge_and_asks_nobody_to_wait(journal):
    journal.open(cooldown_ms=5000, charges_max=2)
    journal.set_time(FAR_MS)
    journal.append(op(1), op(2))
    journal.ban(ANNA)
    assert journal.append(op(3), op(1, BORIS))[0] == [
        Answer(BANNED, 0, 0, 0, 5000, 0), Answer(0, 1, 3, 1, 5000)]
    assert journal.charges(ANNA) == (0, 5000)


def test_what_was_accepted_before_a_ban_keeps_its_answer_and_old_sequences_stay_stale(journal):
    journal.open()
    first = journal.append(op(4))[0]
    journal.ban(ANNA)
    assert journal.append(op(4))[0] == first
    assert statuses(journal, op(3), op(5)) == [6, BANNED]


def test_a_ban_is_told_before_all_that_may_pass(journal):
    journal.open(cooldown_ms=5000, charges_max=1, frozen=1)
    journal.ban(ANNA)
    assert statuses(journal, op(1), op(1, x=99)) == [BANNED, BANNED]
    assert statuses(journal, op(1, BORIS)) == [2]


def test_bans_are_listed_and_say_whether_they_are_news(journal):
    journal.open()
    assert journal.bans() == []
    people = [2**53 - 1, 1 - 2**53, ANNA, BORIS]
    assert [journal.ban(person) for person in people] == [1] * 4
    assert journal.ban(ANNA) == 0
    assert journal.bans() == sorted(people)
    assert journal.ban(ANNA, 0) == 1 and journal.ban(ANNA, 0) == 0
    assert journal.bans() == sorted({*people} - {ANNA})


def test_without_bans_there_is_no_key(journal):
    journal.open()
    journal.ban(ANNA)
    assert journal.client.scard(journal.key("bans")) == 1
    journal.ban(ANNA, 0)
    assert not journal.client.exists(journal.key("bans"))


def test_the_largest_batch_beside_many_bans(journal):
    journal.open(cooldown_ms=1000, charges_max=2)
    for person in range(0, 4096, 2):
        journal.ban(person)
    answers = statuses(journal, *(op(1, person, producer=person) for person in range(4096)))
    assert answers == [BANNED, 0] * 2048


def test_bans_are_bounded(journal):
    journal.open()
    journal.client.sadd(journal.key("bans"), *(n.to_bytes(8, "little") for n in range(65_536)))
    with pytest.raises(redis.exceptions.ResponseError, match="^FULL "):
        journal.ban(65_536)
    assert journal.ban(65_535) == 0, "who is banned already may be banned again"
    assert journal.ban(65_535, 0) == 1
    assert journal.ban(65_536) == 1


def test_bans_that_are_still_there_outlive_a_lost_board(journal):
    journal.open(epoch=4)
    journal.ban(ANNA)
    journal.client.delete(journal.key("board"))
    journal.open(epoch=1)
    assert journal.bans() == [ANNA]
    assert statuses(journal, op(1), op(1, BORIS)) == [BANNED, 0]


def test_bans_that_are_still_there_outlive_an_adoption(journal):
    journal.open(epoch=3)
    journal.ban(ANNA)
    journal.client.delete(journal.key("board"), STATE)
    journal.offer("a", 3, 10, wait_ms=100_000)
    journal.client.hincrby(journal.key("rebuild"), "since_ms", -100_000)
    assert journal.offer("a", 3, 10, wait_ms=100_000) == ("adopt",)
    assert journal.adopt("a", (3, 10, "0" * 16), bytes(64 * 64)) == ("adopted", 4)
    assert statuses(journal, op(1), op(1, BORIS)) == [BANNED, 0]


def test_bans_of_another_canvas_do_not_count(journal):
    other = HotJournal(journal.client, prefix="{another}:v1:")
    journal.open()
    other.open()
    other.ban(ANNA)
    assert statuses(journal, op(1)) == [0] and statuses(other, op(1)) == [BANNED]


# --- Rules --------------------------------------------------------------------------------------


def test_an_operator_turns_one_knob_and_the_others_stay(journal, listen):
    journal.open(cooldown_ms=5000, charges_max=3)
    next_message = listen()
    assert journal.rules("=", "=", 1) == 2
    assert journal.state()[5:9] == (5000, 3, 1, 2)
    assert journal.rules(100, "=", "=") == 3
    assert journal.state()[5:9] == (100, 3, 1, 3)
    assert journal.rules("=", 7, "=") == 4
    assert journal.state()[5:9] == (100, 7, 1, 4)
    assert [next_message()[:1] for _ in range(3)] == [b"k"] * 3


def test_the_same_settings_again_undo_nothing(journal):
    journal.open(cooldown_ms=5000, charges_max=3)
    journal.rules(100, 9, 1)
    kept = journal.everything()
    assert journal.settings(5000, 3) == 2
    assert journal.everything() == kept


def test_a_changed_setting_takes_effect_and_leaves_what_an_operator_turned(journal, listen):
    journal.open(cooldown_ms=5000, charges_max=3)
    journal.rules("=", 9, 1)
    next_message = listen()
    assert journal.settings(7000, 3) == 3
    assert journal.state()[5:9] == (7000, 9, 1, 3)
    assert next_message()[:1] == b"k"
    assert journal.settings(7000, 4, 1) == 4
    assert journal.state()[5:9] == (7000, 4, 1, 4)
    assert journal.settings(7000, 4, 0) == 5
    assert journal.state()[5:9] == (7000, 4, 0, 5), "what was said otherwise was said last"


def test_settings_that_say_what_is_in_force_change_nothing_but_are_remembered(journal):
    journal.open(cooldown_ms=5000, charges_max=3)
    journal.rules(7000, "=", "=")
    assert journal.settings(7000, 3) == 2
    journal.rules(100, "=", "=")
    assert journal.settings(7000, 3) == 3
    assert journal.state().cooldown_ms == 100


def test_a_canvas_that_nobody_told_settings_takes_all_of_them(journal):
    journal.open(cooldown_ms=5000, charges_max=3)
    journal.client.hdel(STATE, "settings")
    assert journal.settings(1, 2, 1) == 2
    assert journal.state()[5:9] == (1, 2, 1, 2)


def test_the_rules_of_an_adoption_count_as_settings(journal):
    journal.offer("a", 3, 10, wait_ms=100_000)
    journal.client.hincrby(journal.key("rebuild"), "since_ms", -100_000)
    assert journal.offer("a", 3, 10, wait_ms=100_000) == ("adopt",)
    journal.adopt("a", (3, 10, "0" * 16), bytes(64 * 64), cooldown_ms=5000, rules_version=8)
    journal.rules(100, "=", 1)
    assert journal.settings(5000, 5) == 9
    assert journal.state()[5:9] == (100, 5, 1, 9)


def test_settings_on_the_largest_numbers(journal):
    journal.open(cooldown_ms=2**32 - 1, charges_max=65_535)
    journal.rules(0, 1, 1)
    assert journal.call("settings", CHANNEL, 2**32 - 1, 65_535, 0) == [2]
