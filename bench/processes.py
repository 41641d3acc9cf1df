"""What the benchmarks start and read: the server, nginx, wrk and the bench_* programs."""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Another folder of programs, for measuring one build against another.
BIN = Path(os.environ.get("BENCH_BIN", ROOT / "build" / "release" / "bin"))
WORK = ROOT / "build" / "bench"
SECRET = "a key that only the benchmark uses"

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = CORES[0]
CLIENT_CORE = CORES[-1]


class Failed(Exception):
    """A measurement that could not be made; its text says why."""


def fresh_dir(name: str, source: Path | None = None) -> Path:
    """A folder of this name, empty or a copy of `source`."""
    folder = WORK / "data" / name
    shutil.rmtree(folder, ignore_errors=True)
    if source:
        shutil.copytree(source, folder)
    else:
        folder.mkdir(parents=True)
    return folder


def pinned(core: int, command: list) -> list:
    """The command, on one core."""
    return ["taskset", "-c", str(core), *map(str, command)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def program(name: str, *, core: int | None = None, **options) -> dict:
    """Runs bench_<name> to its end and returns what it reports."""
    with started(name, core=core, **options) as process:
        output, _ = process.communicate(timeout=600)
    if process.returncode != 0:
        raise Failed(f"bench_{name} ended with exit code {process.returncode}")
    return json.loads(output) if output.strip() else {}


@contextlib.contextmanager
def started(name: str, *, core: int | None = None, **options):
    """bench_<name>, running; its standard input and output are pipes."""
    flags = [f"--{key.replace('_', '-')}={value}" for key, value in options.items()]
    command = [str(BIN / f"bench_{name}"), *flags]
    process = subprocess.Popen(
        command if core is None else pinned(core, command),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "APP_SECRET_KEY": SECRET})
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def get(port: int, path: str, headers: dict | None = None) -> tuple[int, dict, bytes]:
    """One request: status, header fields by lower-case name, body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        fields = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, fields, answer.read()
    finally:
        connection.close()


class Server:
    """The real server on a loopback port. `ready_s` is the time from exec to ready."""

    def __init__(self, data_dir: Path, *, core: int | None = None, **environment):
        self.port = free_port()
        command = [str(BIN / "pixel-battle")]
        settings = {
            "HOST": "127.0.0.1", "PORT": self.port, "DATA_DIR": data_dir, "WEB_DIR": "",
            "APP_SECRET_KEY": SECRET, "LOG_LEVEL": "warning", "COOLDOWN_MS": 0,
            "RATE_LIMIT_PER_ADDRESS": 0, "CONNECTIONS_PER_ADDRESS_MAX": 0, **environment}
        variables = {key: str(value) for key, value in settings.items()}
        begin = time.monotonic()
        self.process = subprocess.Popen(
            command if core is None else pinned(core, command),
            env={"PATH": os.environ["PATH"], **variables})
        try:
            self._await_ready()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        self.ready_s = time.monotonic() - begin

    @property
    def pid(self) -> int:
        return self.process.pid

    def _await_ready(self):
        limit = time.monotonic() + 60
        while time.monotonic() < limit:
            if self.process.poll() is not None:
                raise Failed(f"the server ended with exit code {self.process.returncode}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                if get(self.port, "/health/ready")[0] == 200:
                    return
            time.sleep(0.002)
        raise Failed("the server did not become ready in 60 s")

    def rss_kb(self) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])

    def stop(self, how: int = signal.SIGTERM):
        self.process.send_signal(how)
        code = self.process.wait(timeout=60)
        if how == signal.SIGTERM and code != 0:
            raise Failed(f"the server ended with exit code {code}")

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if self.process.poll() is None:
            self.stop(signal.SIGTERM if kind is None else signal.SIGKILL)


class Nginx:
    """nginx with one worker on one core; `locations` is configuration inside its server."""

    def __init__(self, folder: Path, locations: str, *, core: int):
        self.port = free_port()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        folder.chmod(0o755)
        config = folder / "nginx.conf"
        user = "user root;" if os.geteuid() == 0 else ""
        config.write_text(f"""
            {user} worker_processes 1; daemon off; pid {folder}/pid; error_log stderr crit;
            events {{ worker_connections 1024; }}
            http {{
              access_log off; sendfile on; tcp_nopush on; server_tokens off;
              keepalive_requests 1000000000; default_type application/octet-stream;
              client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
              fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
              scgi_temp_path {folder}/scgi;
              server {{ listen 127.0.0.1:{self.port}; {locations} }}
            }}""")
        command = ["/usr/sbin/nginx", "-c", config, "-p", folder]
        self.process = subprocess.Popen(pinned(core, command))
        for _ in range(500):
            with contextlib.suppress(OSError, http.client.HTTPException):
                get(self.port, "/")
                return
            if self.process.poll() is not None:
                raise Failed("nginx did not start")
            time.sleep(0.01)
        self.process.kill()
        raise Failed("nginx does not answer")

    @property
    def pid(self) -> int:
        """Of the worker, which does the work."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return int(children.split()[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=10)


def cpu_ns(pid: int) -> int:
    """CPU time of all threads of a process so far."""
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):
            total += int((thread / "schedstat").read_text().split()[0])
    return total


def wrk(server, path: str, seconds: float, headers: dict | None = None) -> dict:
    """Loads one path from 64 connections on the client core: requests a second, and how much of
    its core the server used."""
    flags = [flag for name, value in (headers or {}).items() for flag in ("-H", f"{name}: {value}")]
    url = f"http://127.0.0.1:{server.port}{path}"
    command = pinned(CLIENT_CORE, ["wrk", "-t1", "-c64", f"-d{seconds:g}s", *flags, url])
    before, begin = cpu_ns(server.pid), time.monotonic()
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    took = time.monotonic() - begin
    busy_s = (cpu_ns(server.pid) - before) / 1e9
    if "Non-2xx" in output or "Socket errors" in output:
        raise Failed(f"wrk met errors at {path}:\n{output}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])
    return {"requests_per_second": rate, "busy": busy_s / took,
            "requests_per_cpu_second": rate * took / busy_s}
