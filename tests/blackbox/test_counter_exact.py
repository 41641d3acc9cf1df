"""Every press counts exactly once: under load, repeated, killed, stopped."""

import asyncio
import collections
import random

import counter
import pytest
from server import FAST

CROWD = 300
PRESSES = 5 if FAST else 20  # of each of them
KILLERS_CROWD = 50
ROUNDS = 3 if FAST else 10


def check_path(people, final):
    """What was answered is a walk in steps of one from 0 to `final`, each step answered once."""
    ups, downs = collections.Counter(), collections.Counter()
    for verb, value in (press for person in people for press in person.counted):
        (ups if verb == "increment" else downs)[value] += 1
    assert min([*ups, *downs, 0]) >= 0, "a counter is never negative"
    for value in range(1, max([*ups, *downs, final]) + 1):
        crossed = ups[value] - downs[value - 1]
        assert crossed == (value <= final), \
            f"{ups[value]} came up to {value} and {downs[value - 1]} left it, with {final} at last"


# --- Many at once -------------------------------------------------------------------------------


def test_300_increment_at_once_and_each_gets_a_value_of_its_own(counters):
    counters = counters()
    people = counter.pressers(counters, CROWD)

    async def story():
        await asyncio.gather(*(person.connect() for person in people))
        await asyncio.gather(*(person.press_often(["increment"] * PRESSES) for person in people))

    counter.run(story())
    values = [value for person in people for value in person.values]
    assert sorted(values) == list(range(1, CROWD * PRESSES + 1)), "distinct, without a gap"
    for person in people:
        assert person.values == sorted(person.values), "later presses get higher values"
    assert counters.value() == CROWD * PRESSES


def test_increments_and_decrements_at_once_add_up_and_never_pass_0(counters):
    counters = counters()
    people = counter.pressers(counters, 100)

    async def story():  # more are taken than given: 0 is met
        await asyncio.gather(*(
            person.press_often(["increment" if number % 5 < 2 else "decrement"] * PRESSES)
            for number, person in enumerate(people)))

    counter.run(story())
    refused = sum((person.refused for person in people), collections.Counter())
    assert refused["at_zero"] > 0 and set(refused) == {"at_zero"}, refused
    check_path(people, counters.value())


def test_increments_among_resets_each_follow_on_what_was_there(counters):
    counters = counters()
    people = counter.pressers(counters, 50)

    async def story():
        await asyncio.gather(*(
            person.press_often(random.choices(["increment", "reset"], [9, 1], k=PRESSES))
            for person in people))

    counter.run(story())
    presses = [press for person in people for press in person.counted]
    assert len(presses) == 50 * PRESSES
    assert {value for verb, value in presses if verb == "reset"} <= {0}
    reached = collections.Counter(value for verb, value in presses if verb == "increment")
    for value in range(2, max(reached, default=1) + 1):
        assert 0 < reached[value] <= reached[value - 1], f"{value} without {value - 1} before"


def test_counters_pressed_at_once_are_each_exact(counters):
    counters = counters()
    groups = {f"team-{number}": counter.pressers(counters, 10, f"team-{number}")
              for number in range(10)}

    async def story():
        await asyncio.gather(*(person.press_often(["increment"] * PRESSES)
                               for people in groups.values() for person in people))

    counter.run(story())
    for name, people in groups.items():
        values = sorted(value for person in people for value in person.values)
        assert values == list(range(1, 10 * PRESSES + 1)), name
    assert counters.listed() == {name: 10 * PRESSES for name in groups}


# --- Idempotency keys ---------------------------------------------------------------------------

RETURNS = pytest.mark.parametrize("come_back", [
    lambda counters: None, lambda counters: (counters.stop(), counters.start()),
    lambda counters: (counters.kill(), counters.start())], ids=["at once", "restart", "kill -9"])


@RETURNS
def test_a_repeat_gets_the_first_answer_and_changes_nothing(counters, come_back):
    counters = counters()
    asked = [("increment", None), ("increment", None), ("decrement", None), ("increment", "other"),
             ("reset", "other"), ("increment", None), ("reset", None), ("increment", None)]
    first = [counters.post(verb, name, f"key-{number}").json()
             for number, (verb, name) in enumerate(asked)]
    assert [answer["value"] for answer in first] == [1, 2, 1, 1, 0, 2, 0, 1]
    counters.press()
    before = counters.listed()
    come_back(counters)
    again = [counters.post(verb, name, f"key-{number}").json()
             for number, (verb, name) in enumerate(asked)]
    assert again == first
    assert counters.listed() == before


@RETURNS
def test_a_refusal_is_repeated_also_when_it_would_be_counted_by_now(counters, come_back):
    counters = counters()
    assert counters.post("decrement", key="too-early").code() == "at_zero"
    counters.press()
    come_back(counters)
    again = counters.post("decrement", key="too-early")
    assert (again.status, again.code()) == (400, "at_zero"), "the first answer"
    assert counters.value() == 1
    assert counters.press("decrement", key="another") == 0


@RETURNS
def test_a_key_is_for_one_counter_and_one_verb(counters, come_back):
    counters = counters()
    counters.press(key="mine")
    come_back(counters)
    for verb, name in (("decrement", None), ("reset", None), ("increment", "other"),
                       ("decrement", "other")):
        answer = counters.post(verb, name, "mine")
        assert (answer.status, answer.code()) == (409, "key_reused"), (verb, name, answer)
    assert counters.listed() == {"default": 1}, "nothing changed"
    assert counters.press(name="default", key="mine") == 1, "default is the counter without a name"


@pytest.mark.parametrize("key", ["k", "k" * 64, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "0", "{}"])
def test_a_key_is_any_visible_ascii(counters, key):
    counters = counters()
    assert [counters.press(key=key) for _ in range(3)] == [1, 1, 1]
    assert counters.press(key=key.swapcase() + "2" if len(key) < 64 else "K" * 64) == 2


def test_repeats_of_one_key_at_once_count_once(counters):
    counters = counters()
    people = counter.pressers(counters, 50)

    async def story():
        for number in range(1, PRESSES + 1):
            answers = await asyncio.gather(*(person.press("increment", f"key-{number}")
                                             for person in people))
            assert {answer.json()["value"] for answer in answers} == {number}

    counter.run(story())
    assert counters.value() == PRESSES


# --- kill -9 ------------------------------------------------------------------------------------


async def a_random_while():
    await asyncio.sleep(random.uniform(0.02, 0.4))


def test_kill_9_loses_nothing_acknowledged_and_makes_nothing_up(counters):
    counters = counters()
    before = in_flight = 0

    async def story(people):
        pressing = [asyncio.create_task(person.press_until_gone()) for person in people]
        await a_random_while()
        counters.kill()
        await asyncio.gather(*pressing)

    for _ in range(ROUNDS):
        people = counter.pressers(counters, KILLERS_CROWD)
        counter.run(story(people))
        counters.start()
        values = [value for person in people for value in person.values]
        unknown = sum(person.unknown for person in people)
        value = counters.value()
        assert before + len(values) <= value <= before + len(values) + unknown, \
            f"{before} before, {len(values)} acknowledged and {unknown} unknown, but now {value}"
        assert len(set(values)) == len(values), "no value was given twice"
        assert all(before < given <= value for given in values), "no value is given again"
        before, in_flight = value, in_flight + unknown
    assert before > ROUNDS and in_flight > ROUNDS, "nothing was under way: it proves nothing"


def test_kill_9_with_presses_repeated_to_the_end_is_exact(counters):
    counters = counters()
    people = counter.pressers(counters, KILLERS_CROWD)
    going_on = True

    async def press(number, person):
        answers, serial = [], 0
        while going_on:
            serial += 1
            verb = random.choice(["increment", "increment", "decrement"])
            answers.append((verb, await person.press_surely(verb, f"{number}-{serial}")))
        person.close()
        return answers

    async def story():
        nonlocal going_on
        pressing = [asyncio.create_task(press(*pair)) for pair in enumerate(people)]
        for _ in range(ROUNDS):
            await a_random_while()
            counters.kill()
            await asyncio.to_thread(counters.start)
        going_on = False
        return [answer for answers in await asyncio.gather(*pressing) for answer in answers]

    answers = counter.run(story())
    refused = {value for _, value in answers if isinstance(value, str)}
    assert refused <= {"at_zero"}, refused
    counted = [answer for answer in answers if not isinstance(answer[1], str)]
    assert sum(person.unknown for person in people) > ROUNDS, "nothing was repeated"
    value = counters.value()
    assert value == sum(1 if verb == "increment" else -1 for verb, _ in counted)
    told = counter.Presser(counters.port)
    told.counted = counted
    check_path([told], value)


# --- SIGTERM ------------------------------------------------------------------------------------


def test_a_stop_under_load_answers_what_is_under_way_and_loses_nothing(counters):
    counters = counters()
    people = counter.pressers(counters, KILLERS_CROWD)

    async def story():
        await asyncio.gather(*(person.connect() for person in people))
        pressing = [asyncio.create_task(person.press_until_gone()) for person in people]
        while min(len(person.counted) for person in people) < 3:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(counters.stop)  # exit code 0
        await asyncio.gather(*pressing)

    counter.run(story())
    refused = sum((person.refused for person in people), collections.Counter())
    assert set(refused) <= {"draining", "unavailable"}, refused
    counters.start()
    values = [value for person in people for value in person.values]
    assert sorted(values) == list(range(1, counters.value() + 1)), \
        "what is there was acknowledged, and what was acknowledged is there"


def test_values_and_names_survive_restarts(counters):
    counters = counters()
    for name, presses in (("a", 3), ("b", 1), ("default", 2)):
        for _ in range(presses):
            counters.press(name=name)
    counters.press("reset", "b")
    for come_back in (counters.stop, counters.kill):
        come_back()
        counters.start()
        assert counters.listed() == {"a": 3, "b": 0, "default": 2}
    assert counters.press(name="a") == 4
