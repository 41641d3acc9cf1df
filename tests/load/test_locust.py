"""locustfile.py under a real Locust: on a real canvas, on a counter that lies, and on nothing."""

import json
import os
import pathlib
import sys

import lying
import pytest
import server as servers
import web
from lying import rows

SOME = ("--headless", "--only-summary", "-u", 10, "-r", 10)
COUNTER_APP = os.environ.get("COUNTER_APP_BIN")


@pytest.fixture
def load(locust, tmp_path):
    """load(host, …) → (exit code, what was said, the record) of some seconds of load."""
    def run(host, *options, seconds=4):
        record = tmp_path / "record.json"
        program = locust(f"--host={host}", *SOME, "-t", f"{seconds}s", "--think-ms", 100,
                         "--record", record, *options)
        code = program.wait()
        return code, program.said(), json.loads(record.read_text()) if record.exists() else None

    return run


# --- The canvas ---------------------------------------------------------------------------------


def test_a_canvas_is_drawn_on_and_the_account_holds(canvas, load):
    server = canvas(REPLICA_NAME="one")
    code, said, record = load(f"http://localhost:{server.port}")
    assert code == 0, said
    assert "The account holds" in said
    assert "pixels of the board are as acknowledged" in said
    found = rows(record)
    placed = found["WS place: acknowledged"]["requests"]
    assert placed > 0
    assert found["WS place: seen"]["requests"] == placed
    assert found["POST /api/auth/guest"]["requests"] == 10
    assert list(record["replicas"]) == ["one"]
    assert placed == int(web.get(server.port, "/api/canvas").json()["offset"])


def test_players_keep_to_the_cooldown(canvas, load):
    server = canvas(COOLDOWN_MS=1000, CHARGES_MAX=2)
    code, said, record = load(f"http://localhost:{server.port}")
    assert code == 0, f"nobody is refused:\n{said}"
    assert rows(record)["WS place: acknowledged"]["failures"] == 0


def test_guests_who_are_told_to_wait_do_so(canvas, load):
    server = canvas(GUEST_LIMIT_PER_ADDRESS=4)  # 8 at once
    code, said, record = load(f"http://localhost:{server.port}", seconds=3)
    assert code == 0, said
    assert record["limited"] > 0
    assert rows(record)["POST /api/auth/guest"]["requests"] >= 8
    assert "answers were 429" in said


@pytest.mark.parametrize("lie, problem", [("drop", "a gap"), ("repeat", "a duplicate")])
def test_a_lost_or_repeated_delta_is_a_failure(canvas, wire, load, lie, problem):
    server = canvas()
    code, said, record = load(f"http://localhost:{wire(server.port, lie)}")
    assert code == 1, said
    assert any(error["name"] == "deltas" and error["what"] == problem
               for error in record["errors"]), record["errors"]
    assert record["verdict"]["holds"], "the canvas itself has lost nothing"


def test_players_come_back_after_a_restart(canvas, locust):
    server = canvas()
    program = locust(f"--host=http://localhost:{server.port}", *SOME, "--think-ms", 100)

    def placed():
        return int(web.get(server.port, "/api/canvas").json()["offset"])

    program.until(lambda: placed() > 20)
    server.kill()
    server.start()
    before = placed()
    program.until(lambda: placed() > before + 20)
    assert program.press_ctrl_c() == 1, "connections have ended"
    assert "The account holds" in program.said()


# --- The counter --------------------------------------------------------------------------------


def test_a_counter_is_pressed_and_the_account_holds(counter, load, tmp_path):
    replicas = tmp_path / "replicas"
    replicas.write_text("3")
    code, said, record = load(counter("--replicas", replicas))
    assert code == 0, said
    assert "The account holds" in said
    assert rows(record)["POST /api/counter/increment"]["requests"] > 20
    assert "POST /api/counter/reset" not in rows(record)
    assert list(record["replicas"]) == ["replica-1", "replica-2", "replica-3"]
    assert "replica-2 served" in said
    assert sum(second["requests"] for second in record["seconds"]) <= record["requests"]


@pytest.mark.parametrize("lie, words", [("lose", "values given too often"),
                                        ("double", "values given too often")])
def test_a_counter_that_lies_fails_the_run(counter, load, lie, words):
    code, said, record = load(counter("--lie", lie))
    assert code == 1, said
    assert not record["verdict"]["holds"]
    assert "THE ACCOUNT DOES NOT HOLD" in said
    assert words in said
    assert record["failures"] == 0, "only the account shows it"


def test_unknown_outcomes_are_asked_for_and_counted_once(counter, load):
    code, said, record = load(counter("--lie", "unknown"))
    assert code == 1, "an unknown outcome is a failure"
    assert "0 outcomes unknown" in said
    assert record["verdict"]["holds"], said


def test_resets_come_only_when_asked_for(counter, load):
    code, said, _ = load(counter(), "--resets")
    assert code == 0, said
    assert "No account was kept" in said


@pytest.mark.skipif(not COUNTER_APP, reason="COUNTER_APP_BIN names no program")
def test_the_real_counter(load, tmp_path, monkeypatch):
    monkeypatch.setattr(servers, "BINARY", pathlib.Path(COUNTER_APP).absolute())
    own = {name: None for name in servers.DEFAULTS if name.startswith("CANVAS_")}
    server = servers.Server(tmp_path, COOLDOWN_MS=None, GUEST_LIMIT_PER_ADDRESS=None, **own)
    try:
        server.start()
        for options in ((), ("--counter", "of-its-own")):
            code, said, record = load(f"http://localhost:{server.port}", *options)
            assert code == 0, said
            assert record["verdict"]["holds"], said
    finally:
        server.close()


# --- Locust itself ------------------------------------------------------------------------------


def test_where_nobody_answers_it_says_so_and_fails(locust):
    program = locust(f"--host=http://localhost:{servers.free_port()}", *SOME, "-t", "100s")
    assert program.wait() == 1
    assert "neither application answers at http://localhost:" in program.said()


def test_ctrl_c_ends_with_a_verdict(counter, locust):
    program = locust(f"--host={counter()}", *SOME)
    program.until_said("All users spawned")
    assert program.press_ctrl_c() == 0, program.said()
    assert "The account holds" in program.said()


def test_the_web_interface_runs_one_test_after_the_other(counter, locust):
    host, port = counter(), servers.free_port()
    program = locust(f"--host={host}", "--web-host", "127.0.0.1", "--web-port", port)
    program.until_answers(port, "/")

    def press(form):
        head = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = web.post(port, "/swarm", form.encode(), head)
        assert answer.status == 200, answer

    for verdicts in (1, 2):
        press(f"user_count=5&spawn_rate=5&host={host}&think_ms=50&counter=")
        program.until(lambda: program.said().count("All users spawned") == verdicts)
        assert web.get(port, "/stop").status == 200
        program.until(lambda: program.said().count("The account holds") == verdicts)
    press("user_count=5&spawn_rate=5&host=http://localhost:1&think_ms=50&counter=")
    program.until_said("neither application answers at http://localhost:1")


def test_the_helper_that_waits_for_replicas(counter, tmp_path):
    replicas = tmp_path / "replicas"
    replicas.write_text("2")
    host = counter("--replicas", replicas)

    def wait(count, name):
        command = [sys.executable, "-B", "-m", "loadtest.replicas", host, count, 1]
        return lying.Program(command, tmp_path / name, cwd=servers.ROOT)

    assert wait(2, "two").wait() == 0
    for count in (1, 3):
        program = wait(count, f"not-{count}")
        assert program.wait() == 1
        assert f"{count} replicas were asked for; these answer: replica-1, replica-2" in \
            program.said()
