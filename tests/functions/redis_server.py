"""Starts, kills and stops one real redis-server with its data in a folder of its own."""

import pathlib
import signal
import socket
import subprocess
import time

import redis

START_LIMIT_S = 20


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RedisServer:
    """One data folder and the process that serves it; may be started again and again."""

    def __init__(self, folder, **settings):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.settings = {"appendonly": "yes", "appendfsync": "always", "save": ""} | {
            name.replace("_", "-"): str(value) for name, value in settings.items()}
        self.process = None

    def start(self):
        assert self.process is None, "it runs already"
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir",
                   str(self.folder), "--logfile", str(self.folder / "redis.log")]
        for name, value in self.settings.items():
            command += [f"--{name}", *(value.split(" ") if value else [""])]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + START_LIMIT_S
        while True:
            try:
                self.client().ping()
                return self
            except (redis.exceptions.ConnectionError, redis.exceptions.BusyLoadingError):
                assert self.process.poll() is None, self.log()
                assert time.monotonic() < end, self.log()
                time.sleep(0.01)

    def client(self):
        """A connection of its own, in bytes."""
        return redis.Redis(port=self.port, single_connection_client=True, socket_timeout=30)

    def log(self):
        path = self.folder / "redis.log"
        return path.read_text(errors="replace") if path.exists() else "redis-server: no log"

    def kill(self):
        self._end(signal.SIGKILL)

    def stop(self):
        if self.process is not None:
            self._end(signal.SIGTERM)

    def _end(self, how):
        self.process.send_signal(how)
        self.process.wait(timeout=20)
        self.process = None
