"""What the back end's container runs: migrates, serves, and ends when it is told to.

The command and the settings are those of deployment.yaml, run here with a real Redis and a real
PostgreSQL; only addresses and folders are this machine's.
"""

import contextlib
import signal
import subprocess
import time

import pytest

import hot
import manifests
import policy
import server as servers
import web
from postgres import database  # noqa: F401  # a fixture

START_LIMIT_S = 30


@pytest.fixture
def redis(tmp_path):
    redis = hot.RedisServer(tmp_path / "redis").start()
    yield redis
    redis.stop()


class Container:
    """The process that Kubernetes would start, with the secret's files in a folder."""

    def __init__(self, folder, database_url, redis):
        those = manifests.objects("k8s/deployment.yaml")
        backend = manifests.find(those, "Deployment", "pixel-battle-backend")
        spec = backend["spec"]["template"]["spec"]["containers"][0]
        programs, secrets = folder / "bin", folder / "secrets"
        for each in (programs, secrets):
            each.mkdir()
        for name in ("pixel-battle", "alembic"):
            (programs / name).symlink_to(servers.BINARY)
        for name, text in (("database-url", database_url), ("telegram-bot-token", ""),
                           ("app-secret-key", servers.SECRET_KEY)):
            (secrets / name).write_text(text)
        self.port, self.log = servers.free_port(), folder / "log"
        env = {one["name"]: one.get("value", "2") for one in spec["env"]}
        mounted = spec["volumeMounts"][0]["mountPath"]
        env = {name: value.replace(mounted, str(secrets)) for name, value in env.items()}
        env |= {"PATH": f"{programs}:/usr/bin:/bin", "REDIS_URL": hot.url(redis),
                "HOST": "127.0.0.1", "PORT": str(self.port), "WEB_DIR": "",
                "MIGRATIONS_DIR": str(manifests.ROOT / "migrations")}
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(spec["command"], env=env, cwd=folder, stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL)
        self.drain_ms = int(policy.setting(spec, "DRAIN_LIMIT_MS", None))

    def until_ready(self, and_says=""):
        """Until it is ready, and says this of its dependencies."""
        end = time.monotonic() + START_LIMIT_S
        answer = None
        while answer is None or answer.status != 200 or and_says not in str(answer.json()):
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < end, f"{answer}\n{self.said()}"
            time.sleep(0.02)
            with contextlib.suppress(OSError):
                answer = web.get(self.port, "/health/ready", timeout=5)

    def said(self):
        return self.log.read_text(errors="replace")


@pytest.fixture
def container(tmp_path, redis):
    """container(url) → the started Container, which is over after the test."""
    started = []

    def start(url):
        started.append(Container(tmp_path, url, redis))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()


def test_migrates_then_serves_and_drains(container, database):
    one = container(database.url)
    one.until_ready()
    assert database.rows("SELECT max(version) FROM schema_version")[0][0] == 2
    assert "Running upgrade" in one.said()
    one.process.send_signal(signal.SIGTERM)
    assert one.process.wait(one.drain_ms / 1000 + 10) == 0, "SIGTERM must reach the server"


def test_does_not_serve_what_it_could_not_migrate(container):
    nobody = f"postgresql+asyncpg://pixels@127.0.0.1:{servers.free_port()}/postgres"
    one = container(nobody)
    assert one.process.wait(START_LIMIT_S) != 0
    assert "refused" in one.said()


def test_an_older_version_serves_after_going_back(container, database):
    """kubectl rollout undo, when the newer version had a migration."""
    connection = database.connect()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE schema_version (version bigint PRIMARY KEY, name text "
                       "NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())")
        cursor.execute("INSERT INTO schema_version VALUES (9000, 'of a newer version')")
    connection.close()
    one = container(database.url)
    one.until_ready(and_says="schema version 9000")  # its history waits, and it says so
    assert "the database has schema version 9000" in one.said()
