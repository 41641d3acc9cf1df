"""The program's own commands, as docs/stores.md has them, over a real Redis and PostgreSQL."""

import os
import shlex
import signal
import subprocess

import pytest

import hot
import server as servers
import web
from postgres import database  # noqa: F401  # a fixture
from server import free_port
from waiting import eventually

LIMIT_S = 60


@pytest.fixture
def environment(database, redis, tmp_path):
    """In which `pixel-battle` is found, and finds both."""
    settings = {"REDIS_URL": hot.url(redis), "DATABASE_URL": database.url,
                "MIGRATIONS_DIR": servers.ROOT / "migrations"}
    return servers.environment(tmp_path, settings) | {
        "PATH": f"{servers.BINARY.parent}:{os.environ['PATH']}"}


@pytest.fixture
def run(environment, tmp_path):
    """run("pixel-battle …") → what it said, when it has ended well."""

    def run(command):
        done = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=environment, text=True,
                              capture_output=True, timeout=LIMIT_S)
        assert done.returncode == 0, done
        return done.stdout

    return run


def test_migrations(run, commands):
    upgrade, downgrade, current, history = commands["Migrations"]
    run(upgrade)
    newest = run(current)
    run(downgrade)
    before = run(current)
    assert newest != before and {before.split()[0], newest.split()[0]} <= set(run(history).split())
    run(upgrade)
    assert run(current) == newest


@pytest.fixture
def drawn(run, commands, database, redis, environment, tmp_path):
    """Over both stores somebody has drawn, on a server that has ended."""
    run(commands["Migrations"][0])
    [command] = commands["A server over Redis and PostgreSQL"]
    port = free_port()
    for documented, mine in (("redis://127.0.0.1:6379", hot.url(redis)), ("8001", str(port)),
                             ("postgresql://pixels@127.0.0.1/pixels", database.url)):
        assert documented in command
        command = command.replace(documented, mine)
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(["bash", "-c", f"exec env {command}"], cwd=tmp_path, stdout=log,
                                   stderr=log, env=environment)
    try:
        eventually(lambda: web.get(port, "/health/ready").status == 200, "it is ready")
        token = web.guest(port)["token"]
        for x in range(10):
            assert web.place(port, token, x, 1, 3).status == 201
        eventually(lambda: database.rows("SELECT count(*) FROM entries") == [(10,)],
                   "the history has followed")
        process.send_signal(signal.SIGINT)
        assert process.wait(LIMIT_S) == 0
    finally:
        process.kill()
        process.wait()


def test_the_history(drawn, run, commands, redis):
    verify, restore = commands["The history"]
    assert "the live board is the same" in run(verify)
    hot.wipe(redis)
    assert "offset 10\n" in run(restore)
    assert "the live board is the same" in run(verify)


def test_the_rules(drawn, run, commands):
    rules, freeze, ban, unban, bans = commands["The rules"]
    assert "frozen=no" in run(rules)
    run(freeze)
    assert "frozen=yes" in run(rules)
    person = shlex.split(ban)[-1]
    assert run(ban) == f"{person} is banned now\n"
    assert "was not banned already" in run(unban)
    assert run(bans) == f"{person}\n"
