"""Redis and PostgreSQL for the benchmarks of a cluster: real ones, on loopback ports, with their
data in a folder of the run."""

import contextlib
import os
import pwd
import socket
import subprocess
import time
from pathlib import Path

from processes import ROOT, Failed, free_port

STATE = "{pixel-battle}:v1:state"


class Redis:
    """redis-server that syncs every write before it answers, or (not durable) keeps nothing."""

    def __init__(self, folder: Path, *, durable: bool = True):
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(folder),
             "--logfile", str(folder / "redis.log"), "--appendonly",
             "yes" if durable else "no", "--appendfsync", "always", "--save", ""])
        limit = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError, Failed):
                self.call("PING")
                return
            if time.monotonic() > limit:
                raise Failed("redis-server does not answer")
            time.sleep(0.01)

    def call(self, *words) -> str:
        """One command; the first line of the answer."""
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        request = b"*%d\r\n" % len(parts)
        request += b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(request)
            line = connection.makefile("rb").readline().decode().strip()
        if line.startswith("-"):
            raise Failed(f"Redis says {line[1:]}")
        return line

    def open_canvas(self, side: int, offset: int, digest: int):
        """An empty canvas that stands at an offset of epoch 1."""
        folder = ROOT / "src" / "journal" / "redis"
        library = b"".join((folder / f"pixel_battle{part}.lua").read_bytes()
                           for part in ("", "_knobs", "_epochs"))
        self.call("FUNCTION", "LOAD", "REPLACE", library)
        self.call("FCALL", "pb1_open", 1, STATE, side, side, 31, 0, 5, 0, 1, offset,
                  f"{digest:016x}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=30)


class Postgres:
    """A fresh PostgreSQL with its usual durability."""

    def __init__(self, folder: Path):
        self.folder, self.port = folder, free_port()
        self.url = f"postgresql://pixels@127.0.0.1:{self.port}/postgres"
        self.programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
        self.drop = []
        if os.getuid() == 0:  # it refuses to run as root
            owner = pwd.getpwnam("postgres")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            self.drop = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        self._run("initdb", "-D", folder / "data", "-U", "pixels", "-A", "trust", "-E", "UTF8")
        self.log = open(folder / "log", "wb")
        self.process = subprocess.Popen(
            [*self.drop, self.programs / "postgres", "-D", folder / "data", "-p", str(self.port),
             "-k", folder, "-h", "127.0.0.1", "-c", "max_wal_size=4GB"],
            stdout=self.log, stderr=self.log, cwd=folder)
        limit = time.monotonic() + 30
        while subprocess.run([self.programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p",
                              str(self.port)], check=False).returncode != 0:
            if time.monotonic() > limit:
                raise Failed("PostgreSQL does not answer")
            time.sleep(0.05)

    def _run(self, program: str, *words):
        subprocess.run([*self.drop, self.programs / program, *words], check=True,
                       capture_output=True, cwd=self.folder)

    def sql(self, text: str):
        self._run("psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.url, "-c", text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(2)  # ends the sessions
        self.process.wait(timeout=60)
        self.log.close()
