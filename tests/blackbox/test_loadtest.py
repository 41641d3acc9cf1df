"""pixel-battle loadtest against real servers: healthy ones, killed ones, slow ones and liars."""

import json
import pathlib
import shlex
import signal
import sys

import balancer
import hot
import pytest
import web
from server import BINARY, free_port

ROOT = pathlib.Path(__file__).parents[2]
sys.path += [str(ROOT), str(ROOT / "tests/load")]

import drawn
import lying
from loadtest import report
from lying import rows, wire  # noqa: F401  # a fixture

SOME = ("--clients", 60, "--painters", 12, "--ramp", 200, "--rate", 60)


@pytest.fixture
def begin(tmp_path):
    """begin(port, …) → a started loadtest, which is over after the test; `record()` is its JSON."""
    started = []

    class LoadTest(lying.Program):
        def record(self):
            return json.loads((tmp_path / "record.json").read_text())

    def start(port, *options):
        command = [BINARY, "loadtest", "--host", f"http://localhost:{port}", "--json",
                   tmp_path / "record.json", *options]
        started.append(LoadTest(command, tmp_path / f"loadtest-{len(started)}.log"))
        return started[-1]

    yield start
    for program in started:
        program.stop()


@pytest.fixture
def load(begin):
    """load(port, …) → (exit code, what was said, the record) of some seconds of load."""
    def run(port, *options, seconds=2):
        program = begin(port, *SOME, "--duration", f"{seconds}s", *options)
        code = program.wait()
        return code, program.said(), program.record()

    return run


def facts(record):
    return {fact["name"]: fact["value"] for fact in record["facts"]}


def faults(record):
    return {error["what"] for error in record["errors"] if error["name"] == "deltas"}


# --- Servers that do what they should -----------------------------------------------------------


def test_a_healthy_server_passes_and_every_frame_was_checked(server, load, tmp_path):
    code, said, record = load(server.port, "--html", tmp_path / "page.html")
    assert code == 0, said
    assert said.splitlines()[-1] == "PASSED"
    assert record["verdict"]["holds"], record["verdict"]
    assert "pixels of the board are as acknowledged" in said
    assert "the board that the deltas made is the server's" in record["verdict"]["lines"]
    assert not record["errors"]
    found, counted = rows(record), facts(record)
    placed = found["WS place: acknowledged"]["requests"]
    assert placed == int(web.get(server.port, "/api/canvas").json()["offset"]) > 0
    assert found["WS place: seen"]["requests"] == placed
    assert found["POST /api/auth/guest"]["requests"] == 12
    assert found["WS connect and resume"]["requests"] == 60 == record["users"]
    assert counted["clients live at most"] == 60
    assert counted["deltas checked"] > 60
    assert found["WS delta: seen by each client"]["requests"] > 60
    assert list(record["replicas"]) == ["black-box"]

    page = drawn.draw(tmp_path / "page.html", tmp_path)
    assert "Load on the canvas" in page.text
    assert ["errors", "0", "0", "holds"] in page.rows()
    assert any(row[0] == "WS place: acknowledged" for row in page.rows())
    assert len(page.drawings) == 5


def test_as_the_documents_say_it(server, commands, tmp_path):
    """With fewer clients, and for a shorter time."""
    [command] = commands["Thousands of clients"]
    words = shlex.split(command)
    for flag, value in (("--host", f"http://localhost:{server.port}"), ("--clients", 60),
                        ("--painters", 12), ("--rate", 60), ("--duration", "1s"),
                        ("--max-p99-ms", 60_000)):
        words[words.index(flag) + 1] = value
    program = lying.Program([BINARY, *words[1:]], tmp_path / "loadtest.log", cwd=tmp_path)
    assert program.wait() == 0, program.said()
    assert (tmp_path / "report.html").exists() and (tmp_path / "report.json").exists()


def test_the_record_is_one_that_the_report_takes(server, load, tmp_path, capsys):
    record = load(server.port, seconds=1)[2]
    for name in ("application", "host", "users", "duration_s", "requests", "requests_per_s",
                 "failures", "limited", "p50_ms", "p95_ms", "p99_ms", "seconds", "rows", "beside",
                 "errors", "replicas", "verdict"):
        assert name in record, f"loadtest/record.py has it: {name}"
    assert record["application"] == "canvas"
    for second in record["seconds"]:
        assert {"second", "users", "requests", "failures", "limited", "p50_ms"} <= set(second)
    report.main(tmp_path / "page.html", f"1={tmp_path / 'record.json'}")
    assert capsys.readouterr().out.endswith("0 failures. The account holds.\n")


def test_painters_keep_to_the_cooldown(start_server, begin):
    server = start_server(COOLDOWN_MS=500, CHARGES_MAX=2)
    program = begin(server.port, "--clients", 5, "--duration", "3s")
    assert program.wait() == 0, f"nobody is refused:\n{program.said()}"
    assert rows(program.record())["WS place: acknowledged"]["requests"] > 5 * 2


def test_those_who_watch_while_others_draw_are_checked_too(server, load):
    token = web.guest(server.port)["token"]
    for n in range(20):
        assert web.place(server.port, token, n, 1, 1).status == 201
    code, said, record = load(server.port, "--painters", 0, seconds=1)
    assert code == 0, said
    assert "the board that the deltas made is the server's" in said


def test_a_server_that_is_killed_and_started_again_passes_with_reconnects(server, begin):
    program = begin(server.port, *SOME, "--duration", "6s")
    program.until(lambda: int(web.get(server.port, "/api/canvas").json()["offset"]) > 60)
    server.kill()
    server.start()
    assert program.wait() == 0, program.said()
    record = program.record()
    assert facts(record)["connections that ended and were made again"] == 60
    assert facts(record)["clients that had to take a new board"] == 0
    assert record["verdict"]["holds"]
    assert int(web.get(server.port, "/api/canvas").json()["offset"]) == \
        rows(record)["WS place: acknowledged"]["requests"]


def test_a_server_that_drains_passes_too(server, begin):
    program = begin(server.port, *SOME, "--duration", "6s", "--max-reconnects", 60)
    program.until(lambda: int(web.get(server.port, "/api/canvas").json()["offset"]) > 60)
    server.restart()
    assert program.wait() == 0, program.said()
    assert "closed with 1012: 60" in program.said()


def test_replicas_of_which_one_is_killed_tell_everybody_the_same(redis, start_server, begin,
                                                                tmp_path):
    servers = [start_server(REDIS_URL=hot.url(redis), REPLICA_NAME=f"replica-{n}")
               for n in range(3)]
    nginx = balancer.Nginx(tmp_path / "nginx", [server.port for server in servers]).start()
    try:
        program = begin(nginx.port, *SOME, "--duration", "6s")
        program.until(lambda: int(web.get(nginx.port, "/api/canvas").json()["offset"]) > 60)
        servers[0].kill()
        servers[0].start()
        assert program.wait() == 0, program.said()
    finally:
        nginx.stop()
    record = program.record()
    assert record["verdict"]["holds"]
    assert "the board that the deltas made is the server's" in record["verdict"]["lines"]
    assert facts(record)["connections that ended and were made again"] > 0
    assert set(record["replicas"]) == {"replica-0", "replica-1", "replica-2"}


def test_ctrl_c_ends_it_early_with_a_whole_report(server, begin):
    program = begin(server.port, *SOME, "--duration", "1h")
    program.until(lambda: int(web.get(server.port, "/api/canvas").json()["offset"]) > 60)
    program.process.send_signal(signal.SIGINT)
    assert program.wait() == 0, program.said()
    assert "The account holds" in program.said()
    assert program.record()["verdict"]["holds"]


# --- Servers that do not ------------------------------------------------------------------------


@pytest.mark.parametrize("lie, fault", [("drop", "a gap"), ("repeat", "a duplicate")])
def test_a_lost_or_repeated_delta_fails(server, wire, load, lie, fault):
    code, said, record = load(wire(server.port, lie))
    assert code == 1, said
    assert fault in faults(record), record["errors"]
    assert f"fault: {fault}: a client at offset" in said
    assert record["verdict"]["holds"], "the canvas itself has lost nothing"


def test_an_acknowledged_placement_that_is_lost_fails(server, wire, load):
    code, said, record = load(wire(server.port, "lose"))
    assert code == 1, said
    assert faults(record) & {"an acknowledged pixel is not there", "one position twice"}, said
    assert not record["verdict"]["holds"], record["verdict"]
    assert "THE ACCOUNT DOES NOT HOLD" in said


def test_a_server_that_does_not_come_back_fails(server, begin):
    program = begin(server.port, *SOME, "--duration", "1h")
    program.until(lambda: int(web.get(server.port, "/api/canvas").json()["offset"]) > 60)
    server.kill()
    program.process.send_signal(signal.SIGINT)
    assert program.wait() == 1
    assert "fault: clients are missing: 60 of 60" in program.said()
    assert "no snapshot" in program.said()


# --- Thresholds and limits ----------------------------------------------------------------------


@pytest.mark.parametrize("option", ["--max-p99-ms", "--max-seen-p99-ms"])
def test_what_takes_longer_than_it_may_fails(server, load, option):
    code, said, record = load(server.port, option, 0.001, seconds=1)
    assert code == 1, said
    assert [one["holds"] for one in record["thresholds"]] == [True, True, False]
    assert "DOES NOT HOLD: p99 ms" in said
    assert said.splitlines()[-1] == "FAILED"
    assert load(server.port, option, 60000, seconds=1)[0] == 0


def test_more_reconnects_than_allowed_fail(server, begin):
    program = begin(server.port, *SOME, "--duration", "6s", "--max-reconnects", 59)
    program.until(lambda: int(web.get(server.port, "/api/canvas").json()["offset"]) > 60)
    server.kill()
    server.start()
    assert program.wait() == 1, program.said()
    assert "DOES NOT HOLD: reconnects: 60, at most 59" in program.said()


def test_refusals_are_errors_that_can_be_allowed(start_server, load):
    server = start_server(CANVAS_FROZEN="on")
    code, said, record = load(server.port, seconds=1)
    assert code == 1, said
    assert "WS place: acknowledged: refused: frozen" in said
    assert load(server.port, "--max-errors", 100000, seconds=1)[0] == 0


def test_the_limits_of_an_address_are_told(start_server, begin):
    server = start_server(CONNECTIONS_PER_ADDRESS_MAX=10)
    program = begin(server.port, "--clients", 20, "--painters", 0, "--duration", "1s")
    assert program.wait() == 1, program.said()
    assert "CONNECTIONS_PER_ADDRESS_MAX=0" in program.said()
    assert "fault: clients are missing: " in program.said()


def test_an_address_with_too_many_requests_waits(start_server, load):
    server = start_server(RATE_LIMIT_PER_ADDRESS=20)  # 40 at once
    code, said, record = load(server.port, "--painters", 0)
    assert code == 0, said
    assert record["limited"] > 0
    assert "answers were 429" in said


def test_guests_who_are_told_to_wait_do_so(start_server, begin):
    server = start_server(GUEST_LIMIT_PER_ADDRESS=30)  # 60 at once, then one in two seconds
    program = begin(server.port, "--clients", 61, "--painters", 61, "--duration", "1s")
    assert program.wait() == 0, program.said()
    assert program.record()["limited"] > 0
    assert "the server asks to wait (GUEST_LIMIT_PER_ADDRESS)" in program.said()


@pytest.mark.parametrize("options, problem", [
    (("--clients", "none"), "--clients: a whole number"),
    (("--host", "https://localhost"), "only plain http"),
    (("--host", f"http://localhost:{free_port()}"), "nothing answers at"),
    (("--nothing", "1"), "--nothing: no such option"),
    (("word",), "word: no such option"),
    (("--clients", "1000000"), "this machine"),
    (("--html", "/nowhere/page.html"), "cannot be written"),
])
def test_what_cannot_be_done_is_said_in_one_line(begin, options, problem):
    program = begin(1, *options)
    assert program.wait() == 1
    assert problem in program.said()
    assert program.said().startswith("pixel-battle: loadtest: ")
    assert program.said().count("\n") == 1, program.said()


def test_help_explains_every_flag(begin):
    program = begin(1, "--help")
    assert program.wait() == 0
    for flag in (*SOME[::2], "--duration", "--max-p99-ms", "--max-errors", "--json", "--html"):
        assert flag in program.said()
