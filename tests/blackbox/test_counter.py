"""The counter's HTTP interface as docs/counter.md describes it."""

import asyncio
import re

import counter
import pytest
import server as servers
import web

METRICS = servers.ROOT / "tests/blackbox/counter_metrics.txt"
LIMIT = 1000  # counters


@pytest.fixture
def name():
    return counter.fresh_name()


# --- Values and verbs ---------------------------------------------------------------------------


def test_a_counter_that_nobody_pressed_is_0_and_not_listed(shared_counters, name):
    assert shared_counters.get(name).body == b'{"value":0}'
    assert name not in shared_counters.listed()


def test_an_increment_answers_with_the_value_after_it(shared_counters, name):
    assert [shared_counters.press(name=name) for _ in range(5)] == [1, 2, 3, 4, 5]
    assert shared_counters.value(name) == 5


def test_a_decrement_takes_one_away(shared_counters, name):
    shared_counters.press(name=name)
    shared_counters.press(name=name)
    assert shared_counters.press("decrement", name) == 1
    assert shared_counters.value(name) == 1


def test_a_reset_makes_it_0_whatever_it_was(shared_counters, name):
    for _ in range(3):
        shared_counters.press(name=name)
    assert shared_counters.press("reset", name) == 0
    assert shared_counters.press("reset", name) == 0
    assert shared_counters.press(name=name) == 1


def test_nothing_is_taken_from_0(shared_counters, name):
    answer = shared_counters.post("decrement", name)
    assert (answer.status, answer.code()) == (400, "at_zero"), answer
    assert shared_counters.value(name) == 0
    assert name not in shared_counters.listed(), "what was refused leaves no trace"


@pytest.mark.parametrize("body", [None, b"", b"{}"])
def test_the_body_of_a_press_is_empty_or_an_empty_object(shared_counters, name, body):
    headers = {"Content-Type": "application/json; charset=utf-8"} if body else {}
    answer = shared_counters.post("increment", name, body=body, headers=headers)
    assert (answer.status, answer.json()) == (200, {"value": 1})


def test_a_form_without_anything_in_it_is_an_empty_body(shared_counters, name):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert shared_counters.post("increment", name, body=b"", headers=headers).status == 200


def test_a_number_in_the_query_means_nothing(shared_counters, name):
    for query in ("by=5", "value=" + "9" * 60, "by=-1&value=1e999"):
        answer = web.post(shared_counters.port, counter.path(name, "increment") + "?" + query)
        assert answer.status == 200, answer
    assert web.get(shared_counters.port, counter.path(name) + "?value=9").json() == {"value": 3}


# --- Names --------------------------------------------------------------------------------------


def test_the_counter_without_a_name_is_the_one_called_default(shared_counters):
    shared_counters.press("reset")
    assert shared_counters.press() == 1
    assert shared_counters.press(name="default") == 2
    assert shared_counters.press("decrement") == 1
    assert shared_counters.value() == shared_counters.value("default") == 1
    assert shared_counters.listed()["default"] == 1


@pytest.mark.parametrize("name", ["a", "Z", "0", "-", "_", "...", ".a", "a.", "x" * 64, "events",
                                  "increment", "99999999999999999999", "-1", "1e999", "NaN"])
def test_a_name_is_1_to_64_letters_digits_dots_underscores_and_hyphens(shared_counters, name):
    before = shared_counters.value(name)
    assert shared_counters.press(name=name) == before + 1
    assert shared_counters.value(name) == shared_counters.listed()[name] == before + 1


def test_counters_know_nothing_of_each_other(shared_counters, name):
    lower, upper = name, name.upper()
    assert [shared_counters.press(name=lower) for _ in range(3)] == [1, 2, 3]
    assert shared_counters.value(upper) == 0
    assert shared_counters.press(name=upper) == 1
    shared_counters.press("reset", lower)
    assert (shared_counters.value(lower), shared_counters.value(upper)) == (0, 1)


def test_the_list_is_by_name_and_keeps_what_was_reset(shared_counters, name):
    names = [f"{name}.{last}" for last in ("b", "B", "a", "10", "9", "_", "-")]
    for each in names:
        shared_counters.press(name=each)
    shared_counters.press("reset", names[0])
    listed = web.get(shared_counters.port, "/api/counters").json()["counters"]
    assert [one["name"] for one in listed] == sorted(one["name"] for one in listed)
    expected = {each: 1 for each in names} | {names[0]: 0}
    assert {one["name"]: one["value"] for one in listed}.items() >= expected.items()
    assert all(set(one) == {"name", "value"} for one in listed)


def test_there_are_1000_counters_at_most(counters):
    counters = counters()

    async def press_all():
        async def press(presser, names):
            for name in names:
                presser.name = name
                assert (await presser.press()).status == 200
            presser.close()

        people = counter.pressers(counters, 20)
        names = [f"n{number}" for number in range(LIMIT)]
        await asyncio.gather(*(press(person, names[at::20])
                                       for at, person in enumerate(people)))

    counter.run(press_all())
    for verb in ("increment", "reset"):
        answer = counters.post(verb, "one-too-many")
        assert (answer.status, answer.code()) == (409, "too_many_counters"), answer
    assert counters.post("decrement", "one-too-many").status in (400, 409)
    assert counters.post("increment").code() == "too_many_counters", "default is a name like others"
    assert counters.value("one-too-many") == 0, "but it can be read"
    assert counters.press(name="n7") == 2, "and those that are there go on"
    counters.press("reset", "n8")
    assert counters.post("increment", "one-too-many").status == 409, "a reset one stays"
    listed = counters.listed()
    assert len(listed) == LIMIT
    counters.stop()
    counters.start()
    assert counters.listed() == listed
    assert counters.post("increment", "one-too-many").status == 409, "also after a restart"


# --- The ends of the numbers --------------------------------------------------------------------


def test_values_are_whole_numbers_up_to_9223372036854775807(counters):
    counters = counters()
    counters.press(name="high")
    counters.stop()
    counters.store.write(counter.VALUE_MAX - 2, "high")
    counters.start()
    assert counters.press(name="high") == 9223372036854775806
    assert counters.press(name="high") == 9223372036854775807
    answer = counters.post("increment", "high", key="too-high")
    assert (answer.status, answer.code()) == (400, "overflow"), answer
    assert counters.get("high").body == b'{"value":9223372036854775807}', "no digit is lost"
    assert counters.listed()["high"] == 9223372036854775807
    counters.stop()
    counters.start()
    assert counters.value("high") == 9223372036854775807
    assert counters.press("decrement", "high") == 9223372036854775806
    again = counters.post("increment", "high", key="too-high")
    assert (again.status, again.code()) == (400, "overflow"), "a refusal is remembered"
    assert counters.press("reset", "high") == 0


# --- Health and metrics -------------------------------------------------------------------------


def test_health_and_readiness(shared_counters):
    for port in shared_counters.ports:
        health = web.get(port, "/health")
        assert (health.status, health.json()) == (200, {"status": "ok"})
        ready = web.get(port, "/health/ready")
        assert (ready.status, ready.json()["status"]) == (200, "ready")
        checks = ready.json()["checks"]
        assert checks and set(checks.values()) == {"ok"}, "a line for each dependency"


def metrics(counters):
    answer = web.get(counters.port, "/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    rows = (row.rpartition(" ") for row in answer.body.decode().splitlines() if row[0] != "#")
    return answer.body.decode(), {name: float(value) for name, _, value in rows}


def test_the_names_of_the_metrics_are_those_on_the_list(shared_counters):
    """They are an interface: dashboards and alarms are written against them."""
    found = re.findall(r"^# TYPE (\S+) (\S+)$", metrics(shared_counters)[0], re.M)
    expected = [tuple(line.split()) for line in METRICS.read_text().splitlines()]
    assert sorted(found) == sorted(expected)
    assert all(re.match("(counter_app|process)_", name) for name, _ in found)


def test_the_metrics_count_what_happened(shared_counters, name):
    accepted = 'counter_app_presses_accepted_total{verb="%s"}'
    refused = 'counter_app_presses_refused_total{reason="%s"}'
    before = metrics(shared_counters)[1]
    shared_counters.post("decrement", name)
    for verb in ("increment", "increment", "decrement", "reset"):
        shared_counters.press(verb, name, key=f"{name}-{verb}" if verb != "increment" else None)
    shared_counters.post("increment", name, key=f"{name}-reset")
    after = metrics(shared_counters)[1]
    expected = {accepted % "increment": 2, accepted % "decrement": 1, accepted % "reset": 1,
                refused % "at_zero": 1, refused % "key_reused": 1, refused % "overflow": 0}
    assert {sample: after[sample] - before[sample] for sample in expected} == expected
    assert after["counter_app_ready"] == 1


# --- Every answer -------------------------------------------------------------------------------

EVERYWHERE = ["/health", "/health/ready", "/metrics", "/api/counter", "/api/counters",
              "/api/counters/x", "/api/counters/x/reset", "/api/counters/.", "/nothing"]


@pytest.mark.parametrize("path", EVERYWHERE)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_every_answer_says_who_served_it_and_is_safe_to_show(shared_counters, method, path):
    head = f"{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".encode()
    for number, port in enumerate(shared_counters.ports):
        answer = web.exchange(port, head, head=method == "HEAD")
        assert answer.headers["x-served-by"] == f"replica-{number}"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "no-store" in answer.headers["cache-control"]
        if path != "/metrics" or answer.status != 200:
            assert answer.headers["content-type"].startswith("application/json")
        if answer.status >= 400 and method != "HEAD":
            error = answer.json()["error"]
            assert re.fullmatch("[a-z_]+", error["code"]) and error["message"]


@pytest.mark.parametrize("path", ["/api/counter", "/api/counters", "/api/counters/x", "/health"])
def test_head_is_get_without_the_body(shared_counters, path):
    get = web.get(shared_counters.port, path)
    request = f"HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    head = web.exchange(shared_counters.port, request, head=True)
    assert head.status == 200
    assert int(head.headers["content-length"]) == len(get.body)


def test_the_pages_files_are_served_beside_the_interface(counters, tmp_path):
    (tmp_path / "index.html").write_text("<title>Counter</title>")
    counters = counters(WEB_DIR=tmp_path)
    page = web.get(counters.port, "/")
    assert (page.status, page.body) == (200, b"<title>Counter</title>")
    assert web.get(counters.port, "/missing.js").code() == "not_found"
    assert counters.press() == 1
