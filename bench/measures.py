"""The measurements behind the benchmark table. Each one measures both sides in turns, so that what
else the machine does meets both alike, and gives medians."""

import json
import signal
import subprocess
from pathlib import Path
from statistics import median

from cluster_measures import archive, cluster_latency, cluster_placements, cluster_start
from counter_measures import (counter_increments, counter_nginx, counter_reads, counter_replicas,
                              counter_streams)
from processes import (BIN, CLIENT_CORE, SERVER_CORE, WORK, Failed, Nginx, Server, fresh_dir, get,
                       program, started)
from table import Row, compared, grouped
from wrk import against_nginx

HISTORY_ENTRIES = 1_000_000
DRAWING_ENTRIES = 200_000
# Entries past the last checkpoint, about as many as there can be: the worst start after a crash.
UNCHECKPOINTED_ENTRIES = 45_000


def history(pattern: str, entries: int, *, killed: bool = False) -> Path:
    """A data folder whose journal holds so many entries, closed or left by `kill -9`; kept for the
    rest of the run."""
    folder = WORK / "data" / f"{pattern}-{entries}{'-killed' if killed else ''}"
    if not folder.exists():
        unfinished = fresh_dir("unfinished")
        with started("history", dir=unfinished, pattern=pattern, entries=entries,
                     hold=int(killed)) as process:
            if not process.stdout.readline():
                raise Failed("bench_history ended early")
            if killed:
                process.kill()
            process.wait()
        unfinished.rename(folder)
    return folder


def fanout(effort):
    """Frames delivered per server CPU-second, and how the cost grows with clients."""
    for frame_bytes in (64, 1024):
        ours, bare = fanout_runs(effort.runs(5), clients=1000, bytes=frame_bytes, rate=20,
                                 seconds=effort.seconds(6))
        yield compared(f"fan-out, 1 000 sockets, {frame_bytes} B frames", "frames/CPU-s", ours,
                       bare, ratio_min=0.9, note="peer: bare send() loop")
    for clients, rate in ((100, 40), (5000, 4), (10000, 2)):
        ours, bare = fanout_runs(effort.runs(3), clients=clients, bytes=64, rate=rate,
                                 seconds=effort.seconds(6))
        yield compared(f"fan-out, {grouped(clients)} sockets, 64 B frames", "frames/CPU-s", ours,
                       bare, note="how the cost grows; peer: bare send() loop")


def fanout_runs(runs: int, **load) -> tuple[list[float], list[float]]:
    samples = {"ours": [], "bare": []}
    for _ in range(runs):
        for server, results in samples.items():
            report = program("fanout", server=server, server_core=SERVER_CORE,
                             client_core=CLIENT_CORE, **load)
            results.append(report["frames_per_cpu_second"])
    return samples["ours"], samples["bare"]


def canvas(effort):
    """GET /api/canvas on one core, against nginx returning a literal of the same size."""
    with Server(fresh_dir("canvas"), core=SERVER_CORE, THREADS=1) as server:
        status, _, body = get(server.port, "/api/canvas")
        if status != 200:
            raise Failed(f"GET /api/canvas answers {status}")
        literal = "x" * len(body)
        location = f"location / {{ default_type application/json; return 200 '{literal}'; }}"
        with Nginx(WORK / "nginx", location, core=SERVER_CORE) as nginx:
            yield against_nginx(effort, "GET /api/canvas, one core", server, "/api/canvas", nginx,
                                "/", ratio_min=0.9, note=f"peer: nginx return 200, {len(body)} B")


def snapshot(effort):
    """GET /api/canvas/snapshot compressed, against nginx serving the same bytes as a file."""
    path = "/api/canvas/snapshot"
    for pattern, entries in (("drawing", DRAWING_ENTRIES), ("noise", HISTORY_ENTRIES)):
        data = fresh_dir("snapshot", history(pattern, entries))
        files = WORK / "snapshots" / pattern
        files.mkdir(parents=True, exist_ok=True)
        locations = ""
        with Server(data, core=SERVER_CORE, THREADS=1) as server:
            sizes = {}
            for coding in ("gzip", "br", "zstd"):
                _, fields, body = get(server.port, path, {"Accept-Encoding": coding})
                if fields.get("content-encoding") != coding:
                    raise Failed(f"the snapshot does not come in {coding}")
                (files / coding).write_bytes(body)
                sizes[coding] = len(body)
                extra = "".join(f"add_header {name} '{value}'; " for name, value in fields.items()
                                if name.startswith("x-") or name in ("cache-control", "vary"))
                locations += (f"location = /{coding} {{ root {files}; "
                              f"add_header Content-Encoding {coding}; {extra}}}\n")
            with Nginx(WORK / "nginx", locations, core=SERVER_CORE) as nginx:
                for coding, size in sizes.items():
                    yield against_nginx(
                        effort, f"snapshot 1000×1000, {pattern}, {coding}", server, path, nginx,
                        f"/{coding}", ratio_min=0.7, headers={"Accept-Encoding": coding},
                        note=f"{size / 1000:.0f} kB, peer: nginx, a file")


def placements(effort):
    """Durable placements a second over WebSockets, against one commit for each."""
    ours, peer, refused = [], [], 0
    for run in range(effort.runs(5)):
        with Server(fresh_dir("placements")) as server:
            report = program("placements", port=server.port, seconds=effort.seconds(6), run=run + 1)
        ours.append(report["accepted_per_second"])
        refused += report["refused"]
        report = program("commits", dir=fresh_dir("commits"), seconds=effort.seconds(6))
        peer.append(report["commits_per_second"])
    yield compared("acknowledged, durable placements", "placements/s", ours, peer, ratio_min=15,
                   note=f"{refused:.0f} refused as busy; peer: one commit each, same SQLite")


def memory(effort):
    """The server's memory a connection: live, idle WebSockets."""
    clients = effort.clients(10_000)
    samples = []
    for _ in range(effort.runs(3)):
        with Server(fresh_dir("memory")) as server:
            get(server.port, "/api/canvas/snapshot", {"Accept-Encoding": "gzip"})
            with started("idle", clients=1, port=server.port) as one:
                one.stdout.readline()  # what the first connection makes once is not per connection
            before_kb = server.rss_kb()
            with started("idle", clients=clients, port=server.port) as crowd:
                if not crowd.stdout.readline():
                    raise Failed("bench_idle ended early")
                samples.append((server.rss_kb() - before_kb) / clients)
    yield Row(f"memory a connection, {grouped(clients)} idle", "KB", median(samples), ours_max=8,
              note="growth of RSS / connections", samples={"ours": samples})


def latency(effort):
    """From a placement sent to another client seeing it: 1 000 clients, 100 placements a second."""
    reports = []
    with Server(fresh_dir("latency")) as server:
        for run in range(effort.runs(3)):
            reports.append(program("latency", port=server.port, clients=1000, placers=100, rate=100,
                                   seconds=effort.seconds(10), run=run + 1))
    for name, target in (("p50", None), ("p99", 60), ("max", None)):
        samples = [report[f"{name}_ms"] for report in reports]
        yield Row(f"placed to seen by another, {name}", "ms", median(samples), ours_max=target,
                  note="1 000 clients, 100 placements/s", samples={"ours": samples})


def start(effort):
    """From exec to ready with a million entries of history."""
    for what, killed in (("after a drain", False), ("after kill -9", True)):
        entries = HISTORY_ENTRIES + (UNCHECKPOINTED_ENTRIES if killed else 0)
        source = history("noise", entries, killed=killed)
        samples = []
        for _ in range(effort.runs(5)):
            with Server(fresh_dir("start", source)) as server:
                samples.append(server.ready_s)
                server.stop(signal.SIGKILL)
        yield Row(f"start to ready, 1 M entries, {what}", "s", median(samples), ours_max=0.5,
                  note=f"{len(samples)} starts, slowest {max(samples):.2f} s",
                  samples={"ours": samples})


def micro(effort):
    """The pure functions that every placement and tick go through."""
    command = [BIN / "bench_micro", "--benchmark_format=json",
               f"--benchmark_min_time={0.05 if effort.quick else 0.3}"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for result in json.loads(output)["benchmarks"]:
        bytes_per_pixel = result.get("bytes_per_pixel")
        note = f"{bytes_per_pixel:.2f} B a pixel" if bytes_per_pixel else ""
        yield Row(f"micro: {result['name']}", "ns", result["cpu_time"], note=note)


# In the order of the table: name, measurement, the programs that it runs.
MEASURES = {
    "fanout": (fanout, ["bench_fanout"]),
    "canvas": (canvas, ["pixel-battle"]),
    "snapshot": (snapshot, ["pixel-battle", "bench_history"]),
    "placements": (placements, ["pixel-battle", "bench_placements", "bench_commits"]),
    "memory": (memory, ["pixel-battle", "bench_idle"]),
    "latency": (latency, ["pixel-battle", "bench_latency"]),
    "start": (start, ["pixel-battle", "bench_history"]),
    "cluster-placements": (cluster_placements,
                           ["pixel-battle", "bench_placements", "bench_calls"]),
    "cluster-latency": (cluster_latency, ["pixel-battle", "bench_latency"]),
    "archive": (archive, ["bench_archive"]),
    "cluster-start": (cluster_start, ["pixel-battle"]),
    "counter-increments": (counter_increments, ["counter-app"]),
    "counter-nginx": (counter_nginx, ["counter-app"]),
    "counter-reads": (counter_reads, ["counter-app"]),
    "counter-replicas": (counter_replicas, ["counter-app"]),
    "counter-streams": (counter_streams, ["counter-app", "bench_streams"]),
    "micro": (micro, ["bench_micro"]),
}

# What a measurement's peer is made of, besides what every measurement needs.
PACKAGES = {"counter-increments": ["gunicorn", "python3-flask", "python3-redis"]}
