"""Requests a second: wrk on the client core, and a server of ours in turns with nginx."""

import os
import re
import subprocess
import time
from pathlib import Path
from statistics import median

from processes import CLIENT_CORE, Failed, pinned
from table import Row, compared

SCRIPT = Path(__file__).with_suffix(".lua")


def wrk(ports: list[int], path: str, seconds: float, *, method: str = "GET",
        headers: dict | None = None) -> dict:
    """Loads one path from 64 connections, from a thread of its own for each of the ports."""
    flags = [flag for name, value in (headers or {}).items() for flag in ("-H", f"{name}: {value}")]
    command = ["wrk", f"-t{len(ports)}", "-c64", f"-d{seconds:g}s", "-s", SCRIPT, *flags,
               f"http://127.0.0.1:{ports[0]}{path}"]
    variables = {"METHOD": method, "PORTS": " ".join(map(str, ports))}
    output = subprocess.run(pinned(CLIENT_CORE, command), capture_output=True, text=True,
                            check=True, env={**os.environ, **variables}).stdout
    if "Non-2xx" in output or "Socket errors" in output:
        raise Failed(f"wrk met errors at {path}:\n{output}")
    return {"requests": int(re.search(r"(\d+) requests in", output)[1]),
            "requests_per_second": float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])}


def wrk_on_core(server, path: str, seconds: float, **request) -> dict:
    """The same for a server that has a core of its own: also how much of the core it used."""
    before, begin = cpu_ns(server.pid), time.monotonic()
    rate = wrk([server.port], path, seconds, **request)["requests_per_second"]
    took = time.monotonic() - begin
    busy_s = (cpu_ns(server.pid) - before) / 1e9
    return {"requests_per_second": rate, "busy": busy_s / took,
            "requests_per_cpu_second": rate * took / busy_s}


def cpu_ns(pid: int) -> int:
    """CPU time of all threads of a process so far."""
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((thread / "schedstat").read_text().split()[0])
        except FileNotFoundError:  # it has ended
            continue
    return total


def against_nginx(effort, what: str, server, path: str, nginx, peer_path: str, *, ratio_min: float,
                  note: str = "", **request) -> Row:
    """Requests a second of one path, both servers alone on the same core in turns."""
    ours, peer = [], []
    for _ in range(effort.runs(5)):
        ours.append(wrk_on_core(server, path, effort.seconds(3), **request))
        peer.append(wrk_on_core(nginx, peer_path, effort.seconds(3), **request))

    def middle(samples, key):
        return median(sample[key] for sample in samples)

    per_cpu = middle(ours, "requests_per_cpu_second") / middle(peer, "requests_per_cpu_second")
    busy = f"core busy {middle(ours, 'busy'):.0%} / {middle(peer, 'busy'):.0%}"
    notes = [busy, f"per CPU-second {per_cpu:.2f} ×"] + ([note] if note else [])
    return compared(what, "requests/s", [sample["requests_per_second"] for sample in ours],
                    [sample["requests_per_second"] for sample in peer], ratio_min=ratio_min,
                    note="; ".join(notes))
