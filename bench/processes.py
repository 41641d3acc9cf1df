"""What the benchmarks start and read: our servers, their peers and the bench_* programs."""

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


def await_answer(process: subprocess.Popen, what: str, port: int, path: str):
    """Until the path is answered with anything but an error of the server's own; a process that
    does not get there is ended."""
    limit = time.monotonic() + 60
    try:
        while time.monotonic() < limit:
            if process.poll() is not None:
                raise Failed(f"{what} ended with exit code {process.returncode}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                if get(port, path)[0] < 500:
                    return
            time.sleep(0.002)
        raise Failed(f"{what} did not become ready in 60 s")
    except BaseException:
        process.kill()
        process.wait()
        raise


class Server:
    """One of our servers on a loopback port. `ready_s` is the time from exec to ready."""

    def __init__(self, data_dir: Path, *, name: str = "pixel-battle", core: int | None = None,
                 **environment):
        self.port = free_port()
        command = [str(BIN / name)]
        settings = {
            "HOST": "127.0.0.1", "PORT": self.port, "DATA_DIR": data_dir, "WEB_DIR": "",
            "APP_SECRET_KEY": SECRET, "LOG_LEVEL": "warning", "COOLDOWN_MS": 0,
            "RATE_LIMIT_PER_ADDRESS": 0, "CONNECTIONS_PER_ADDRESS_MAX": 0, **environment}
        variables = {key: str(value) for key, value in settings.items()}
        begin = time.monotonic()
        self.process = subprocess.Popen(
            command if core is None else pinned(core, command),
            env={"PATH": os.environ["PATH"], **variables})
        await_answer(self.process, name, self.port, "/health/ready")
        self.ready_s = time.monotonic() - begin

    @property
    def pid(self) -> int:
        return self.process.pid

    def rss_kb(self, field: str = "VmRSS") -> int:
        """What is in memory now; VmHWM: the most that ever was."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"{field}:\s+(\d+) kB", status)[1])

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
        await_answer(self.process, "nginx", self.port, "/")

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


class Flask:
    """A Flask application of bench/peers under gunicorn with so many workers, over a Redis."""

    def __init__(self, application: str, redis_port: int, *, workers: int, path: str):
        self.port = free_port()
        command = ["/usr/bin/gunicorn", "--workers", str(workers), "--log-level", "error",
                   "--bind", f"127.0.0.1:{self.port}", "--chdir", str(ROOT / "bench" / "peers"),
                   f"{application}:app"]
        self.process = subprocess.Popen(command, env={
            "PATH": os.environ["PATH"], "REDIS_PORT": str(redis_port),
            "PYTHONDONTWRITEBYTECODE": "1"})
        await_answer(self.process, "gunicorn", self.port, path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=60)
