"""scripts/backup.sh and restore.sh over a real Redis and a real PostgreSQL, under a server."""

import os
import pathlib
import shutil
import subprocess

import pytest

import hot
import server as servers
import web
from postgres import database  # noqa: F401  # a fixture
from waiting import eventually

SCRIPTS = servers.ROOT / "scripts"
PIXELS = [(x, 1, x % 31) for x in range(20)]
LATER = [(x, 1, 30) for x in range(20)]


@pytest.fixture
def redis(redis):
    with redis.client() as operator:
        operator.config_set("repl-diskless-sync-delay", 0)  # for others who might come; none do
    return redis


@pytest.fixture
def script(database, redis, tmp_path):
    """script("backup", "direct", …) → the finished process."""
    def run(name, *words, **changes):
        environment = os.environ | {"DATABASE_URL": database.url, "REDIS_URL": hot.url(redis)}
        return subprocess.run([SCRIPTS / f"{name}.sh", *map(str, words)], text=True, timeout=120,
                              env=environment | changes, capture_output=True, cwd=tmp_path)
    return run


@pytest.fixture
def settings(database, redis, tmp_path):
    """Of a server over both."""
    settings = {"DATABASE_URL": database.url, "REDIS_URL": hot.url(redis),
                "MIGRATIONS_DIR": servers.ROOT / "migrations"}
    migrated = servers.run(tmp_path, "migrate", "upgrade", "head", **settings)
    assert migrated.returncode == 0, migrated.stderr
    return settings


def draw(server, pixels):
    token = web.guest(server.port)["token"]
    for pixel in pixels:
        assert web.place(server.port, token, *pixel).status == 201


def until_archived(database, count):
    eventually(lambda: database.rows("SELECT count(*) FROM entries")[0][0] >= count,
               "the history has followed")


def backed_up(script, *words):
    """The folder of a new backup."""
    made = script("backup", "direct", "--to", "kept", *words)
    assert made.returncode == 0, made.stderr
    return pathlib.Path(made.stdout.strip())


def restored(script, folder, *words):
    done = script("restore", "direct", folder, *words)
    assert done.returncode == 0, done.stderr


def refused(done, why):
    assert done.returncode != 0 and why in done.stderr, done


def board_of(server, redis):
    """With everything that the journal holds."""
    return web.snapshot(server.port, hot.records(redis)[-1].last).board


def check_history(tmp_path, settings):
    """The history replayed is the live board."""
    verified = servers.run(tmp_path, "verify", **settings)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "the live board is the same" in verified.stdout


def test_everything_comes_back(script, settings, database, redis, start_server, tmp_path):
    server = start_server(**settings)
    draw(server, PIXELS)
    until_archived(database, len(PIXELS))
    board, folder, epoch = board_of(server, redis), backed_up(script), hot.epoch(redis)
    assert sorted(path.name for path in folder.iterdir()) == \
        ["SHA256SUMS", "postgres.dump", "redis.rdb"]
    assert folder.stat().st_mode & 0o077 == 0, "nobody else may read a backup"
    draw(server, LATER)
    until_archived(database, len(PIXELS + LATER))
    refused(script("restore", "direct", folder), "servers are connected")
    later = board_of(server, redis)
    assert later != board

    assert server.stop() == 0
    for _ in range(2):  # repeating does no harm
        restored(script, folder)
    assert database.rows("SELECT count(*) FROM entries")[0][0] == len(PIXELS)
    redis.stop()
    redis.start()  # it is in Redis's own log, not only in its memory
    server.start()
    assert board_of(server, redis) == board
    assert hot.epoch(redis) > epoch, "pages that saw more must notice"
    draw(server, LATER)
    until_archived(database, len(PIXELS + LATER))
    check_history(tmp_path, settings)
    assert board_of(server, redis) == later

    kept = sorted((tmp_path / "kept").iterdir())
    assert len(kept) == 3, "before each restore, what was there was backed up"
    assert not list(tmp_path.glob("kept/.unfinished*"))


FIRST_PORT_TAKEN = """#!/bin/sh
[ -e {marker} ] && exec {real} "$@"
touch {marker}
exec {real} "$@" --bind 127.0.0.1 --port {taken}
"""


def test_a_port_that_another_program_has_is_passed_over(script, settings, redis, tmp_path):
    """Not even asked: what has it may be another Redis, with other pixels."""
    folder, tools = backed_up(script), tmp_path / "tools"
    tools.mkdir()
    stand_in = tools / "redis-server"
    stand_in.write_text(FIRST_PORT_TAKEN.format(marker=tmp_path / "tried", taken=redis.port,
                                                real=shutil.which("redis-server")))
    stand_in.chmod(0o755)
    done = script("restore", "direct", folder, PATH=f"{tools}:{os.environ['PATH']}")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "tried").exists()


@pytest.mark.parametrize("only", ["redis", "postgres"])
def test_one_of_both(only, script, settings, database, start_server, tmp_path):
    """The journal and the history find together again, whichever is the older one."""
    server = start_server(**settings)
    draw(server, PIXELS)
    until_archived(database, len(PIXELS))
    folder = backed_up(script, "--only", only)
    draw(server, LATER)
    until_archived(database, len(PIXELS + LATER))
    assert server.stop() == 0
    restored(script, folder)
    server.start()
    draw(server, [(40, 40, 3)])
    eventually(lambda: servers.run(tmp_path, "verify", **settings).returncode == 0,
               "history and journal have found together")
    check_history(tmp_path, settings)


def test_dry_runs_change_nothing(script, settings, redis, start_server, tmp_path):
    server = start_server(**settings)
    draw(server, PIXELS)
    planned = script("backup", "direct", "--to", "kept", "--dry-run")
    assert planned.returncode == 0 and "Would write" in planned.stderr
    assert not (tmp_path / "kept").exists()
    folder = backed_up(script)
    draw(server, LATER)
    board = board_of(server, redis)
    assert server.stop() == 0
    planned = script("restore", "direct", folder, "--dry-run")
    assert planned.returncode == 0 and "Would replace" in planned.stderr
    server.start()
    assert board_of(server, redis) == board


def test_older_ones_are_deleted_if_asked(script, tmp_path):
    made = [backed_up(script, "--only", "redis", "--keep", 2) for _ in range(3)]
    assert [folder.exists() for folder in made] == [False, True, True]
    assert backed_up(script, "--only", "redis") and made[1].exists()


# Runs beside the stores what kubectl would run in their pods, where no address need be given.
KUBECTL = r"""#!/bin/bash
case $* in
  "exec -i statefulset/pixel-battle-redis -- "* | "exec -i my/postgres -- "*) shift 4 ;;
  *) exit 1 ;;
esac
PATH=$PODS:$PATH "$@" || exit
# The real one waits for ever for somebody to read the rest.
[[ $(head -c 1 | wc -c) -eq 0 ]] || { echo "$* leaves some of its input" >&2; exit 1; }
"""
REDIS_CLI = r"""#!/bin/bash
exec /usr/bin/redis-cli -p "$POD_PORT" "$@"
"""


def test_in_pods(script, settings, database, redis, start_server, tmp_path):
    pods = tmp_path / "pods"
    pods.mkdir()
    for path, text in ((tmp_path / "kubectl", KUBECTL), (pods / "redis-cli", REDIS_CLI)):
        path.write_text(text)
        path.chmod(0o755)
    there = {"KUBECTL": str(tmp_path / "kubectl"), "PODS": str(pods), "POD_PORT": str(redis.port),
             "PGHOST": "127.0.0.1", "PGPORT": str(database.port), "POSTGRES_USER": "pixels",
             "POSTGRES_DB": "postgres", "DATABASE_URL": "", "REDIS_URL": ""}
    words = ("kubernetes", "--postgres", "my/postgres")
    server = start_server(**settings)
    draw(server, PIXELS)
    board = board_of(server, redis)
    made = script("backup", *words, "--to", "kept", **there)
    assert made.returncode == 0, made.stderr
    draw(server, LATER)
    assert server.stop() == 0
    done = script("restore", *words, made.stdout.strip(), **there)
    assert done.returncode == 0, done.stderr
    server.start()
    assert board_of(server, redis) == board
    assert not list(redis.folder.glob("restore-*")), "nothing of it stays"


def test_passwords_are_used_and_not_shown(script, redis):
    with redis.client() as operator:
        operator.config_set("requirepass", "pass:word")
        operator.config_set("masterauth", "pass:word")  # as in production
    refused(script("backup", "direct", "--only", "redis"), "Redis cannot be reached")
    url = f"redis://:pass%3Aword@127.0.0.1:{redis.port}"
    made = script("backup", "direct", "--only", "redis", "--to", "kept", REDIS_URL=url)
    assert made.returncode == 0, made.stderr
    done = script("restore", "direct", made.stdout.strip(), REDIS_URL=url)
    assert done.returncode == 0, done.stderr
    assert "pass:word" not in made.stderr + done.stderr


def test_unreachable_stores(script, tmp_path):
    gone = f"127.0.0.1:{servers.free_port()}"
    refused(script("backup", "direct", REDIS_URL=f"redis://{gone}"), "Redis cannot be reached")
    refused(script("backup", "direct", DATABASE_URL=f"postgresql://{gone}/x"),
            "PostgreSQL cannot be reached")
    refused(script("backup", "direct", DATABASE_URL=""), "DATABASE_URL must be set")
    refused(script("backup", "direct", REDIS_URL="redis+sentinel://a:1/b"), "one server's own")
    refused(script("backup", "kubernetes", KUBECTL="no-such-kubectl"), "no-such-kubectl")
    assert not (servers.ROOT / "backups").exists()


def test_wrong_words(script):
    refused(script("backup"), "where?")
    refused(script("backup", "direct", "--to"), "a value is missing")
    refused(script("backup", "direct", "--only", "mysql"), "redis or postgres")
    refused(script("backup", "direct", "--everything"), "no such option")
    refused(script("restore", "direct"), "which backup?")
    refused(script("restore", "direct", "nowhere"), "is no backup")


def test_a_damaged_backup_is_refused(script, redis, tmp_path):
    with redis.client() as operator:
        operator.set("a", "1")
    folder = backed_up(script, "--only", "redis")
    with redis.client() as operator:
        operator.set("a", "2")
    refused(script("restore", "direct", folder, "--only", "postgres"), "holds no PostgreSQL")
    data = bytearray((folder / "redis.rdb").read_bytes())
    data[20] ^= 1
    (folder / "redis.rdb").write_bytes(data)
    refused(script("restore", "direct", folder), "is damaged")
    with redis.client() as operator:
        assert operator.get("a") == b"2"


def test_what_redis_cannot_load_leaves_it_as_it_was(script, redis, tmp_path):
    with redis.client() as operator:
        operator.set("a", "1")
    folder = backed_up(script, "--only", "redis")
    (folder / "redis.rdb").write_bytes(b"REDIS0010 but not really")
    subprocess.run("sha256sum redis.rdb >SHA256SUMS", shell=True, check=True, cwd=folder)
    refused(script("restore", "direct", folder), "Redis could not be restored")
    with redis.client() as operator:
        assert operator.get("a") == b"1"
        assert operator.info("replication")["role"] == "master"
