"""Starts, kills and stops one real PostgreSQL with its data in a temporary folder."""

import os
import pathlib
import pwd
import signal
import subprocess
import tempfile
import time

import psycopg2
import pytest

from server import free_port

PROGRAMS = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))[-1]
START_LIMIT_S = 30


def unprivileged():
    """What to put before a command that refuses to run as root."""
    if os.getuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


class Postgres:
    """One data folder and the process that serves it; may be started again and again."""

    def __init__(self):
        # Not among pytest's folders, which are open to their own user only.
        self._temporary = tempfile.TemporaryDirectory(prefix="pixel-battle-postgres-")
        self.folder = pathlib.Path(self._temporary.name)
        self.data = self.folder / "data"
        self.port = free_port()
        self.process = None
        if os.getuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        subprocess.run([*unprivileged(), PROGRAMS / "initdb", "-D", self.data, "-U", "pixels",
                        "-A", "trust", "-E", "UTF8", "--no-sync"],
                       check=True, capture_output=True, cwd=self.folder)

    @property
    def url(self):
        return f"postgresql+asyncpg://pixels@127.0.0.1:{self.port}/postgres"

    def start(self):
        assert self.process is None, "it runs already"
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [*unprivileged(), PROGRAMS / "postgres", "-D", self.data, "-p", str(self.port),
                 "-k", self.folder, "-h", "127.0.0.1"],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder)
        end = time.monotonic() + START_LIMIT_S
        while True:
            try:
                self.connect().close()
                return self
            except psycopg2.OperationalError:
                assert self.process.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < end, (self.folder / "log").read_text()
                time.sleep(0.02)

    def connect(self):
        connection = psycopg2.connect(host="127.0.0.1", port=self.port, user="pixels",
                                      dbname="postgres")
        connection.autocommit = True
        return connection

    def rows(self, query):
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(query)
                return cursor.fetchall()
        finally:
            connection.close()

    def kill(self):
        self._end(signal.SIGKILL)

    def stop(self):
        if self.process is not None:
            self._end(signal.SIGINT)  # "fast": ends the sessions

    def close(self):
        """Stops it and removes its folder."""
        self.stop()
        self._temporary.cleanup()

    def _end(self, how):
        self.process.send_signal(how)
        self.process.wait(timeout=30)
        self.process = None


@pytest.fixture
def database():
    database = Postgres().start()
    yield database
    database.close()
