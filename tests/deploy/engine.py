"""A real Docker engine for the tests: the one that runs, or one started and stopped here."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

HERE = pathlib.Path(__file__).parent
START_LIMIT_S = 60
PATIENCE_S = 120


class CannotRun(Exception):
    """There is no engine here, and why."""


def run(command, cwd=None, timeout=600, check=True, **environment):
    """Runs a shell command; its output, both streams in order."""
    done = subprocess.run(["bash", "-c", command], cwd=cwd, timeout=timeout, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env=os.environ | environment)
    assert not check or done.returncode == 0, \
        f"{command}\nended with {done.returncode}:\n{done.stdout[-4000:]}"
    return done.stdout


def run_until(command, pattern, cwd=None, timeout=PATIENCE_S):
    """Runs a command that does not end by itself until it has said what matches, then Ctrl-C."""
    process = subprocess.Popen(["bash", "-c", command], cwd=cwd, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True)
    said, end = "", time.monotonic() + timeout
    os.set_blocking(process.stdout.fileno(), False)
    try:
        while not re.search(pattern, said):
            assert time.monotonic() < end, f"{command} did not say {pattern!r} but:\n{said[-4000:]}"
            assert process.poll() is None, f"{command} has ended: {said[-4000:]}"
            said += (process.stdout.read() or b"").decode(errors="replace")
            time.sleep(0.05)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()
    return said


def eventually(holds, what, timeout=PATIENCE_S, every=0.2):
    """What `holds` returned when it was true at last."""
    end = time.monotonic() + timeout
    while True:
        with contextlib.suppress(OSError, ConnectionError):
            if found := holds():
                return found
        assert time.monotonic() < end, f"waited {timeout} s until {what}"
        time.sleep(every)


def answers():
    return shutil.which("docker") and subprocess.run(
        ["docker", "info"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def must_be_free(*ports):
    """What listens there would be mistaken for what the commands start."""
    for port in ports:
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                taken.bind(("127.0.0.1", port))
            except OSError as error:
                raise AssertionError(f"port {port} is taken: {error}") from None


@contextlib.contextmanager
def running(log):
    """An engine that answers, for as long as the block lasts."""
    if answers():
        yield
        return
    if os.geteuid() != 0:
        raise CannotRun("no Docker engine answers, and only root can start one")
    if not shutil.which("dockerd"):
        raise CannotRun("no Docker engine answers, and there is no dockerd")
    with open(log, "wb") as output:
        daemon = subprocess.Popen(["dockerd"], stdin=subprocess.DEVNULL, stdout=output,
                                  stderr=subprocess.STDOUT, start_new_session=True)
    try:
        end = time.monotonic() + START_LIMIT_S
        while not answers():
            if daemon.poll() is not None or time.monotonic() > end:
                raise CannotRun("dockerd does not start: " + log.read_text()[-1000:])
            time.sleep(0.2)
        yield
    finally:
        daemon.terminate()
        daemon.wait()


def has_ipvs():
    """Whether this kernel can balance Swarm's virtual addresses."""
    run("modprobe ip_vs", check=False)
    return os.path.exists("/proc/net/ip_vs")
