"""The measurements of the cluster profile: backends over a Redis that syncs every write, and the
archive in PostgreSQL."""

import re
import signal
import subprocess
import time
from statistics import median

from processes import BIN, Failed, Server, fresh_dir, get, program
from stores import Postgres, Redis
from table import Row, compared, grouped

ARCHIVED_ENTRIES = 10_000_000
DAY_MS = 86_400_000
SIDE = 1000
# As many as two backends, Redis and the load have cores for here.
CROWD = 3_000


def backend(folder, redis: Redis, **settings) -> Server:
    return Server(folder, REDIS_URL=redis.url, **settings)


def cluster_placements(effort):
    """Durable placements a second through 2 backends over one Redis, against bare calls."""
    sides = {"ours": [], "one": [], "pipelined": [], "bare": []}
    batches = []
    seconds = effort.seconds(6)
    for _ in range(effort.runs(5)):
        with Redis(fresh_dir("redis")) as redis:
            with backend(fresh_dir("a"), redis) as a, backend(fresh_dir("b"), redis) as b:
                report = program("placements", port=f"{a.port},{b.port}", clients=CROWD,
                                 seconds=seconds)
                batch = round(entries_a_batch(a, b))
            sides["ours"].append(report["accepted_per_second"])
            batches.append(batch)
            loads = {"one": (1, 2), "pipelined": (1, 64), "bare": (batch, 2)}
            for run, (side, (size, connections)) in enumerate(loads.items(), 1):
                report = program("calls", port=redis.port, batch=size, connections=connections,
                                 run=run, seconds=seconds)
                sides[side].append(report["placed_per_second"])
    what = "2 backends, AOF always: acknowledged placements"
    yield compared(what, "placements/s", sides["ours"], sides["one"], ratio_min=8,
                   note="peer: one script call for each, from 2 connections")
    yield compared(what, "placements/s", sides["ours"], sides["pipelined"],
                   note="peer: one script call for each, from 64 connections")
    yield compared(what, "placements/s", sides["ours"], sides["bare"], ratio_min=0.5,
                   note=f"peer: bare client, the same batches of {median(batches):.0f}")


def entries_a_batch(*servers) -> float:
    """The mean over what the servers have appended."""
    entries = batches = 0.0
    for server in servers:
        text = get(server.port, "/metrics")[2].decode()
        entries += float(re.search(r"^\w*commit_entries_sum\S* (\S+)$", text, re.M)[1])
        batches += float(re.search(r"^\w*commit_entries_count\S* (\S+)$", text, re.M)[1])
    return entries / batches


def cluster_latency(effort):
    """From a placement sent to one backend to a client of the other seeing it."""
    reports = []
    with Redis(fresh_dir("redis")) as redis, backend(fresh_dir("a"), redis) as a, \
            backend(fresh_dir("b"), redis) as b:
        for run in range(effort.runs(3)):
            reports.append(program("latency", port=f"{a.port},{b.port}", clients=1000,
                                   placers=100, rate=100, seconds=effort.seconds(10),
                                   run=run + 1))
    for name, target in (("p50", None), ("p99", 100), ("max", None)):
        samples = [report[f"{name}_ms"] for report in reports]
        yield Row(f"placed on A to seen on B, {name}", "ms", median(samples),
                  ours_max=target, samples={"ours": samples},
                  note="1 000 clients on 2 backends, 100 placements/s, AOF always")


def archive(effort):
    """Entries a second into PostgreSQL, against a bare COPY of the same rows."""
    reports = []
    for _ in range(effort.runs(5)):
        with Postgres(fresh_dir("postgres")) as postgres:
            reports.append(program("archive", url=postgres.url,
                                   entries=20_000 if effort.quick else 200_000))

    def samples(name):
        return [report[f"{name}_per_second"] for report in reports]

    yield compared("archive, batches of 4 000", "rows/s", samples("archived"),
                   samples("copied"), ratio_min=0.6,
                   note="peer: COPY into a table with the same indexes")
    yield compared("archive, batches of 4 000", "rows/s", samples("archived"),
                   samples("copied_without_indexes"),
                   note="peer: COPY into a table without indexes")


def cluster_start(effort):
    """From exec to ready on a live canvas whose history is archived."""
    entries = 100_000 if effort.quick else ARCHIVED_ENTRIES
    digest = 0x0123456789ABCDEF
    samples = []
    with Redis(fresh_dir("redis")) as redis, Postgres(fresh_dir("postgres")) as postgres:
        fill(postgres, entries, digest)
        redis.open_canvas(SIDE, entries, digest)
        for _ in range(effort.runs(5)):
            with backend(fresh_dir("a"), redis, DATABASE_URL=postgres.url,
                         MIGRATIONS_DIR="migrations") as server:
                standing = get(server.port, "/api/canvas")[2].decode()
                if f'"offset":{entries}' not in standing.replace(" ", ""):
                    raise Failed(f"it does not stand where the archive does: {standing[:200]}")
                samples.append(server.ready_s)
                server.stop(signal.SIGKILL)
    yield Row(f"start to ready, {grouped(entries)} archived", "s", median(samples), ours_max=1,
              note=f"{len(samples)} starts, slowest {max(samples):.2f} s",
              samples={"ours": samples})


def fill(postgres: Postgres, entries: int, digest: int):
    """An archive of so many entries of the last ten days."""
    subprocess.run([BIN / "pixel-battle", "migrate", "upgrade", "head"], check=True,
                   capture_output=True, env={"DATABASE_URL": postgres.url,
                                             "MIGRATIONS_DIR": "migrations"})
    today = int(time.time() * 1000) // DAY_MS
    for day in range(today - 10, today):
        name = time.strftime("entries_%Y%m%d", time.gmtime(day * DAY_MS // 1000))
        postgres.sql(f"CREATE TABLE {name} PARTITION OF entries FOR VALUES FROM ({day * DAY_MS}) "
                     f"TO ({(day + 1) * DAY_MS})")
    begin_ms = (today - 10) * DAY_MS
    step_ms = 10 * DAY_MS / entries
    postgres.sql(
        "SET synchronous_commit = off; "
        f"INSERT INTO entries SELECT 1, n, {begin_ms} + ((n - 1) * {step_ms})::bigint, "
        "-1 - n % 5000, n * 7919, 1 + n % 5000, 1 + n / 5000, n * 7919 % 1000, "
        f"n * 104729 % 1000, n % 32 FROM generate_series(1::bigint, {entries}) n; "
        "INSERT INTO people SELECT -1 - n, 'Guest ' || n FROM generate_series(0, 4999) n; "
        "INSERT INTO epochs VALUES (1, 0, 0); "
        f"UPDATE cursor SET epoch = 1, entry = {entries}, digest = {digest}; ANALYZE entries")
