"""`./scripts/run.sh`, as the README says it, above all with a cluster: started, used, stopped,
started again."""

import asyncio
import contextlib
import fcntl
import functools
import os
import pathlib
import shlex
import signal
import subprocess
import time

import client
import counter
import pytest
import web
from server import BINARY, INHERITED, ROOT, free_port
from waiting import eventually

LIMIT_S = 120
SIZE = 64
PARTS = {"redis": "redis-server", "postgres": "postgres", "nginx": "nginx"}


class Cluster:
    """The script with its data in one folder; may be started again and again."""

    WORDS = ["--cluster", "2"]

    def __init__(self, folder):
        self.folder, self.data_dir, self.log_path = folder, folder / "data", folder / "out.log"
        self.port = free_port()
        self.process = None

    def start(self, **settings):
        env = {name: os.environ[name] for name in INHERITED if name in os.environ} | {
            "PIXEL_BATTLE_BIN": BINARY, "COUNTER_APP_BIN": counter.BINARY, "WEB_DIR": "",
            "PORT": self.port, "HOST": "127.0.0.1",
            "DATA_DIR": self.data_dir, "CANVAS_WIDTH": SIZE, "CANVAS_HEIGHT": SIZE,
            "COOLDOWN_MS": 0, "THREADS": 1} | settings
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                ["./scripts/run.sh", *self.WORDS], cwd=ROOT, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env={name: str(value) for name, value in env.items()},
                start_new_session=True)
        end = time.monotonic() + LIMIT_S
        while "Ctrl-C stops everything" not in self.log():
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < end, self.log()
            time.sleep(0.02)
        return self

    def press_ctrl_c(self):
        """What a terminal does: every process of its session's foreground gets the signal."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.wait()

    def wait(self):
        """The exit code, when all parts are gone."""
        code = self.process.wait(LIMIT_S)
        self.process = None
        end = time.monotonic() + 20
        while self.is_locked():
            assert time.monotonic() < end, f"something still runs on {self.data_dir}"
            time.sleep(0.02)
        return code

    def is_locked(self):
        """Whether a part, or a process of one, is left: each of them holds the lock."""
        with open(self.data_dir / "lock", "rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return False
            except BlockingIOError:
                return True

    def pid_of(self, part):
        """Of redis, postgres, nginx, backend-1 or backend-2."""
        script = self.process.pid
        children = pathlib.Path(f"/proc/{script}/task/{script}/children").read_text().split()
        for pid in children:
            process = pathlib.Path(f"/proc/{pid}")
            name = (process / "comm").read_text().strip()
            environment = (process / "environ").read_bytes().split(b"\0")
            if name == PARTS.get(part) or f"REPLICA_NAME={part}".encode() in environment:
                return int(pid)
        raise AssertionError(f"there is no {part} among the children of the script")

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def close(self):
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()
                self.process.send_signal(signal.SIGCONT)  # a test may have failed meanwhile
            self.wait()


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """Not started; between two tests it keeps its data."""
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    yield cluster
    cluster.close()


@pytest.fixture
def cluster(stopped):
    yield stopped.start()
    stopped.close()


def both(ask, count=2):
    """Asks until both servers, or so many, have answered: {name: the last answer of it}."""
    answers = {}
    for _ in range(50):
        answer = ask()
        answers[answer.headers["x-served-by"]] = answer
        if len(answers) == count:
            return answers
    raise AssertionError(f"of {count} servers only {list(answers)} answered")


def test_one_server(start_server, commands):
    for command in commands["One server"]:
        script, *words = command.split()
        server = start_server(binary=ROOT / script, arguments=words, PIXEL_BATTLE_BIN=BINARY,
                              COUNTER_APP_BIN=counter.BINARY)
        assert server.stop(signal.SIGINT) == 0, server.log()


def test_as_many_servers_as_are_asked_for(commands, tmp_path):
    for number, command in enumerate(commands["A cluster on this machine"]):
        (tmp_path / str(number)).mkdir()
        cluster = Cluster(tmp_path / str(number))
        cluster.WORDS = command.split()[1:]
        try:
            ask = functools.partial(web.get, cluster.start().port, "/health/ready")
            both(ask, int(cluster.WORDS[-1]))
            assert cluster.press_ctrl_c() == 0, cluster.log()
        finally:
            cluster.close()


def test_both_servers_draw_on_one_canvas_that_is_there_after_ctrl_c(stopped):
    cluster = stopped.start()
    token = web.guest(cluster.port)["token"]
    offsets = []

    def place():
        answer = web.place(cluster.port, token, len(offsets), 1, 3)
        assert answer.status == 201, answer
        offsets.append(answer.json()["offset"])
        return answer

    assert set(both(place)) == {"backend-1", "backend-2"}
    assert offsets == list(range(1, len(offsets) + 1))
    taken = web.snapshot(cluster.port, min_offset=len(offsets))
    assert [taken.board[SIZE + x] for x in range(len(offsets))] == [3] * len(offsets)
    assert cluster.press_ctrl_c() == 0, cluster.log()

    cluster.start()
    again = web.snapshot(cluster.port)
    assert again == taken, "expected the canvas of before, in the same epoch"
    answer = web.place(cluster.port, token, 9, 9, 9)
    assert (answer.status, answer.json()["offset"]) == (201, len(offsets) + 1), \
        f"the session and the count go on: {answer}"
    assert cluster.press_ctrl_c() == 0, cluster.log()
    assert not pathlib.Path(socket_folder(cluster)).exists(), "the sockets' folder must go, too"


def socket_folder(cluster):
    line = next(line for line in cluster.log().splitlines() if "redis-cli" in line)
    return pathlib.Path(shlex.split(line)[-1]).parent


def test_web_sockets_go_through_nginx(cluster):
    async def run():
        players = [client.Player(cluster.port, web.guest(cluster.port)["token"])
                   for _ in range(6)]
        for player in players:
            await player.connect()
            await player.go_live()
        answer = await players[0].place(5, 6, 7)
        assert answer.message == "accepted"
        for player in players:
            await player.until(lambda player=player: player.board[6 * SIZE + 5] == 7, 20)
        await client.close_all(players)

    asyncio.run(run())


def test_limits_count_players_not_nginx(stopped):
    cluster = stopped.start(GUEST_LIMIT_PER_ADDRESS=1)
    try:
        def arrive(address):
            return web.post(cluster.port, "/api/auth/guest", {},
                            {"X-Forwarded-For": address}).status

        assert [arrive(f"192.0.2.{n}") for n in range(12)] == [200] * 12
        assert 429 in [arrive("198.51.100.1") for _ in range(12)]
    finally:
        cluster.close()


def test_the_history_has_its_tables(cluster):
    line = next(line for line in cluster.log().splitlines() if "psql" in line)
    command = shlex.split(line.split(":", 1)[1])
    tables = subprocess.run([*command, "-XAtc", r"SELECT to_regclass('entries')"],
                            capture_output=True, text=True, timeout=LIMIT_S)
    assert tables.stdout.strip() == "entries", f"the migrations have not run: {tables}"


def state_of(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def test_nginx_goes_on_to_the_other_server_when_one_is_gone(cluster):
    token = web.guest(cluster.port)["token"]
    both(lambda: web.get(cluster.port, "/api/canvas"))
    backend = cluster.pid_of("backend-1")
    cluster.process.send_signal(signal.SIGSTOP)  # or the script would stop the rest
    eventually(lambda: state_of(cluster.process.pid) == "T", "the script has stopped")
    os.kill(backend, signal.SIGKILL)
    # Its last thread closes its sockets: until then it still takes requests, but answers none.
    eventually(lambda: state_of(backend) == "Z" and len(os.listdir(f"/proc/{backend}/task")) == 1,
               "the server has gone")
    for x in range(20):
        answers = [web.get(cluster.port, "/api/canvas"), web.place(cluster.port, token, x, 2, 1)]
        assert [answer.status for answer in answers] == [200, 201], answers
        assert {answer.headers["x-served-by"] for answer in answers} == {"backend-2"}
    cluster.process.send_signal(signal.SIGCONT)
    assert cluster.wait() == 1


def test_it_stops_everything_also_when_a_part_dies_just_then(cluster):
    backend = cluster.pid_of("backend-1")
    cluster.process.send_signal(signal.SIGSTOP)  # both wait for it when it goes on
    eventually(lambda: state_of(cluster.process.pid) == "T", "the script has stopped")
    os.kill(backend, signal.SIGKILL)
    cluster.process.terminate()
    eventually(lambda: state_of(backend) == "Z", "the server has died")
    cluster.process.send_signal(signal.SIGCONT)
    assert cluster.wait() in (0, 1)


@pytest.mark.parametrize("part", ["backend-2", "nginx", "redis", "postgres"])
def test_when_a_part_dies_it_says_which_and_stops_the_rest(cluster, part):
    os.kill(cluster.pid_of(part), signal.SIGKILL)
    assert cluster.wait() == 1
    said = cluster.log()
    assert f"{part} has ended by itself (signal KILL); the last lines of" in said
    log = (cluster.data_dir / "logs" / f"{part}.log").read_text()
    if log:
        # Some processes of a part may say their last words after that.
        assert any(line and line in said for line in log.splitlines()[-5:])


def test_two_cannot_have_the_same_port(cluster, tmp_path):
    other = Cluster(tmp_path)
    other.port = cluster.port
    with pytest.raises(AssertionError):
        other.start()
    assert other.wait() == 1
    assert "nginx has ended by itself" in other.log()
    assert "Address already in use" in other.log()
    assert web.get(cluster.port, "/health/ready").status == 200


@pytest.mark.parametrize("words", [["--cluster"], ["--cluster", "0"], ["--cluster=two"],
                                   ["--cluster", "2", "--port", "1"]])
def test_what_makes_no_sense_is_refused_at_once(words, tmp_path):
    env = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path / "data")}
    refused = subprocess.run(["./scripts/run.sh", *words], cwd=ROOT, env=env, text=True,
                             capture_output=True, timeout=LIMIT_S)
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1, refused.stderr
    assert not (tmp_path / "data").exists()


class CounterCluster(Cluster):
    WORDS = ["counter", "--cluster", "2"]


def test_both_servers_count_as_one_and_the_value_is_there_after_ctrl_c(tmp_path):
    cluster = CounterCluster(tmp_path)
    values = []

    def press():
        answer = web.post(cluster.port, counter.path(verb="increment"))
        assert answer.status == 200, answer
        values.append(answer.json()["value"])
        return answer

    try:
        cluster.start()
        assert set(both(press)) == {"backend-1", "backend-2"}
        assert values == list(range(1, len(values) + 1))
        assert cluster.press_ctrl_c() == 0, cluster.log()
        cluster.start()
        assert web.get(cluster.port, counter.path()).json() == {"value": len(values)}
        assert cluster.press_ctrl_c() == 0, cluster.log()
    finally:
        cluster.close()
