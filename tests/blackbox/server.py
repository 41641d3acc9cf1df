"""Starts, watches and stops one real server process."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

import web

ROOT = pathlib.Path(__file__).parents[2]
BINARY = pathlib.Path(os.environ.get("PIXEL_BATTLE_BIN", ROOT / "build/release/bin/pixel-battle"))
BINARY = BINARY.absolute()
FAST = os.environ.get("PB_FAST") == "1"  # smaller counts, for runs under sanitizers
LONG = os.environ.get("PB_LONG") == "1"  # minutes instead of moments, for the nights
START_LIMIT_S = 60 if FAST else 10
SECRET_KEY = "black-box tests: the first key"
SANITIZER_REPORT = re.compile(
    r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|terminate called", re.A)

# Limits that a test does not speak about are out of its way.
DEFAULTS = {
    "HOST": "127.0.0.1", "THREADS": 2, "WEB_DIR": "", "APP_SECRET_KEY": SECRET_KEY,
    "REPLICA_NAME": "black-box", "CANVAS_WIDTH": 64, "CANVAS_HEIGHT": 64, "COOLDOWN_MS": 0,
    "RATE_LIMIT_PER_ADDRESS": 0, "GUEST_LIMIT_PER_ADDRESS": 0, "CONNECTIONS_PER_ADDRESS_MAX": 0,
}
INHERITED = ("PATH", "HOME", "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(data_dir, settings):
    env = {name: os.environ[name] for name in INHERITED if name in os.environ}
    for name, value in (DEFAULTS | {"DATA_DIR": data_dir} | settings).items():
        if value is not None:  # None: leave it unset
            env[name] = str(value)
    return env


def run(data_dir, *arguments, timeout=20, binary=BINARY, **settings):
    """Runs the binary to its end: for starts that must fail, and for --help."""
    return subprocess.run([binary, *arguments], env=environment(data_dir, settings), text=True,
                          capture_output=True, timeout=timeout, cwd=data_dir)


class Server:
    """One data folder and the process that serves it; may be started again and again.

    `wrap` is put before the command, as in ["unshare", "-m", …]; the wrapper must exec.
    """

    def __init__(self, folder, wrap=(), arguments=(), binary=BINARY, **settings):
        self.binary = binary
        self.folder = pathlib.Path(folder)
        self.data_dir = pathlib.Path(settings.get("DATA_DIR", self.folder / "data"))
        self.log_path = self.folder / "server.log"
        self.wrap, self.arguments, self.settings = list(wrap), list(arguments), settings
        self.port = settings.get("PORT") or free_port()
        self.process = None
        self.data_dir.mkdir(parents=True, exist_ok=True)

    def start(self, ready=True, **changes):
        assert self.process is None, "it runs already"
        self.settings |= changes
        env = environment(self.data_dir, {"PORT": self.port} | self.settings)
        command = [*self.wrap, str(self.binary), *self.arguments]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, env=env, stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, cwd=self.folder)
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self):
        end = time.monotonic() + START_LIMIT_S
        while time.monotonic() < end:
            code = self.process.poll()
            assert code is None, f"it ended with {code} while starting:\n{self.log()[-3000:]}"
            with contextlib.suppress(OSError):
                if web.get(self.port, "/health/ready", timeout=5).status == 200:
                    return
            time.sleep(0.01)
        raise AssertionError(f"not ready within {START_LIMIT_S} s:\n{self.log()[-3000:]}")

    def kill(self):
        """kill -9, at once."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def send_signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=30):
        """The exit code."""
        code = self.process.wait(timeout)
        self.process = None
        return code

    def stop(self, number=signal.SIGTERM, timeout=30):
        self.send_signal(number)
        return self.wait(timeout)

    def restart(self, **changes):
        code = self.stop()
        assert code == 0, f"SIGTERM: expected exit code 0, got {code}:\n{self.log()[-3000:]}"
        return self.start(**changes)

    def close(self):
        """For the fixtures: ends what still runs and fails if the process complained."""
        if self.process is not None:
            ended = self.process.poll()
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
            assert ended is None, f"the server had ended with {ended}:\n{self.log()[-3000:]}"
        report = SANITIZER_REPORT.search(self.log())
        assert not report, f"the server complained:\n{self.log()[report.start():][:6000]}"

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def rss_kb(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))
