"""The measurements of the counter: replicas over a Redis that syncs every write, against a plain
Flask application, nginx and each other, and their live streams."""

import json
import time
from contextlib import ExitStack
from statistics import median

from processes import SERVER_CORE, WORK, Failed, Flask, Nginx, Server, fresh_dir, get, program
from stores import Redis
from table import Row, compared, grouped
from wrk import against_nginx, wrk

VALUE = "/api/counter"
INCREMENT = "/api/counter/increment"
EVENTS_RATE = 1_000
REPLICAS = 4


def replica(redis: Redis, **settings) -> Server:
    """It keeps nothing in its folder, so several can have the same."""
    return Server(fresh_dir("replica"), name="counter-app", REDIS_URL=redis.url, **settings)


def value(port: int) -> int:
    return json.loads(get(port, VALUE)[2])["value"]


def increments(ports: list[int], seconds: float) -> float:
    """Acknowledged increments a second; every one of them has to be in the value."""
    before = value(ports[0])
    report = wrk(ports, INCREMENT, seconds, method="POST")
    limit = time.monotonic() + 5  # a replica hears of what others counted a little later
    while value(ports[0]) < before + report["requests"]:
        if time.monotonic() > limit:
            raise Failed("the value misses increments that were acknowledged")
        time.sleep(0.05)
    return report["requests_per_second"]


def counter_increments(effort):
    """Durable increments a second of one replica, against Flask over a Redis without AOF."""
    ours, peer = [], []
    with Redis(fresh_dir("redis")) as redis, replica(redis) as server, \
            Redis(fresh_dir("peer"), durable=False) as bare, \
            Flask("counter", bare.port, workers=4, path=VALUE) as flask:
        for _ in range(effort.runs(5)):
            ours.append(increments([server.port], effort.seconds(5)))
            peer.append(increments([flask.port], effort.seconds(5)))
    yield compared("counter, AOF always: increments", "increments/s", ours, peer, ratio_min=20,
                   note="peer: Flask, gunicorn with 4 workers, Redis without AOF")


def counter_nginx(effort):
    """Durable increments of one replica with one thread, against nginx returning a literal. Its
    Redis is somewhere, too: neither is kept to one core."""
    yield from beside_nginx(effort, "counter, AOF always: increments", INCREMENT, core=None,
                            ratio_min=0.75, method="POST")


def counter_reads(effort):
    """GET /api/counter of one replica with one thread, against nginx returning a literal."""
    yield from beside_nginx(effort, "GET /api/counter, one core", VALUE, ratio_min=0.9)


def beside_nginx(effort, what: str, path: str, core: int | None = SERVER_CORE, **how):
    literal = '{"value":123456}'
    location = f"location / {{ default_type application/json; return 200 '{literal}'; }}"
    with Redis(fresh_dir("redis")) as redis, \
            replica(redis, core=core, THREADS=1) as server, \
            Nginx(WORK / "nginx", location, core=SERVER_CORE) as nginx:
        yield against_nginx(effort, what, server, path, nginx, "/", **how,
                            note=f"peer: nginx return 200, {len(literal)} B")


def counter_replicas(effort):
    """Durable increments a second of four replicas over one Redis, against one replica."""
    four, one = [], []
    with ExitStack() as parts:
        start = parts.enter_context
        shared, own = start(Redis(fresh_dir("redis"))), start(Redis(fresh_dir("peer")))
        ports = [start(replica(shared)).port for _ in range(REPLICAS)]
        alone = start(replica(own)).port
        for _ in range(effort.runs(5)):
            four.append(increments(ports, effort.seconds(5)))
            one.append(increments([alone] * REPLICAS, effort.seconds(5)))
    yield compared(f"counter, AOF always: increments, {REPLICAS} replicas", "increments/s", four,
                   one, ratio_min=1,
                   note=f"peer: one replica; {64 // REPLICAS} connections of each wrk thread")


def counter_streams(effort):
    """Clients that follow the live value: memory for each, events a second, the last value."""
    clients = effort.clients(10_000)
    reports, memory = [], []
    for _ in range(effort.runs(3)):
        with Redis(fresh_dir("redis")) as redis, replica(redis) as server:
            # What the first clients and presses make once is not per client.
            load = {"port": server.port, "rate": EVENTS_RATE}
            program("streams", clients=1, seconds=1, **load)
            before_kb = server.rss_kb()
            reports.append(program("streams", clients=clients, seconds=effort.seconds(10), **load))
            memory.append((server.rss_kb("VmHWM") - before_kb) * 1024 / clients)
    samples = {name: [report[name] for report in reports] for name in reports[0]}
    rate = median(samples["presses_per_second"])
    events = median(samples["events_per_second"])
    what = f"{grouped(clients)} live streams"
    yield Row(f"{what}: memory a client", "B", median(memory), ours_max=8 * 1024,
              samples={"ours": memory}, note="(most RSS ever − RSS before) / clients")
    yield Row(f"{what}: events delivered", "events/s", events,
              samples={"ours": samples["events_per_second"]},
              note=f"{rate:.0f} presses/s told as {events / clients:.1f} events/s to each")
    yield Row(f"{what}: without the last value", "clients", max(samples["stale_clients"]),
              ours_max=0, samples={"ours": samples["stale_clients"]},
              note="the value of the last press, 10 s after it")
