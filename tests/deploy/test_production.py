"""The production stack, by its commands: only nginx can be reached, secrets are files, and scaling,
updates, drains and kills under load fail no request and lose no placement."""

import asyncio
import json
import os
import re
import shutil
import signal
import ssl
import subprocess

import pytest

import crowd
import engine
import hot
import story
import web
from stack import Redis, Stack

HARDLY = 1800  # s, for what may have to build the images
PORT = 8000
ENVIRONMENT = f"""CANVAS_WIDTH={crowd.SIZE}
CANVAS_HEIGHT={crowd.SIZE}
COOLDOWN_MS=0
HTTP_PORT=18080
HTTPS_PORT=18443
PROMETHEUS_PORT=18090
GRAFANA_PORT=18091
GRAFANA_IMAGE=redis:7
DRAIN_UNREADY_MS=4000
"""  # Grafana is not in Debian: something else is in its place, so that the others start


@pytest.fixture(scope="module")
def stack(project, commands):
    engine.must_be_free(PORT, 18080, 18443)
    (project / ".env").write_text(ENVIRONMENT)
    (project / "secrets/tls").mkdir(parents=True)
    stack = Stack(project, "docker-compose.prod.yml")
    try:
        for command in commands["Production"]:
            engine.run(command, project, HARDLY)
        stack.until_healthy("nginx", 1)
        stack.until_healthy("backend", 2)
        story.until_asked(PORT, 2)
        yield stack
    finally:
        stack.down()


def test_only_nginx_is_published_and_databases_are_cut_off(stack):
    for service in ("backend", "redis", "postgres"):
        for container in stack.ids(service):
            assert not any(stack.inspect(container)["NetworkSettings"]["Ports"].values()), service
    for service in ("redis", "postgres"):
        networks = stack.inspect(stack.ids(service)[0])["NetworkSettings"]["Networks"]
        assert [name.endswith("_back") for name in networks] == [True], networks
    nginx = stack.ids("nginx")[0]
    assert "redis" not in engine.run(f"docker exec {nginx} getent hosts redis", check=False)


def test_secrets_are_in_files_that_only_their_service_has(stack):
    for service in ("backend", "redis", "postgres"):
        container = stack.ids(service)[0]
        settings = json.dumps(stack.inspect(container)["Config"])
        assert "redis://" not in settings and "postgresql://" not in settings, settings
    files = engine.run(f"docker exec {stack.ids('postgres')[0]} ls /run/secrets").split()
    assert files == ["password"]


def test_nginx_serves_the_page_and_says_who_asks(stack):
    page = web.get(PORT, "/", {"Accept-Encoding": "gzip"})
    assert page.status == 200 and page.headers["content-encoding"] == "gzip"
    assert page.headers["cache-control"] == "no-cache" and "content-security-policy" in page.headers
    asset = re.search(rb'/assets/[^"]+\.js', web.get(PORT, "/").body).group().decode()
    assert "immutable" in web.get(PORT, asset).headers["cache-control"]
    assert web.get(PORT, "/metrics").status == 404
    assert web.post(PORT, "/api/pixels", b"x" * 70_000).status == 413


def inside(command):
    """The command for where there is no terminal."""
    return command.replace("exec ", "exec -T ")


def test_looking_at_it(stack, commands):
    ready, ps, logs, logs_of_one, healthy, verify, freeze = commands["Looking at production"]
    assert "journal" in engine.run(ready.replace("curl ", "curl -fsS "))
    said = engine.run(ps, stack.folder)
    for service in ("nginx", "backend", "redis", "postgres"):
        assert re.search(rf"_{service}_1\s.*Up", said), said
    engine.run_until(logs, "(?=(.|\n)*backend_1.*serving)(.|\n)*backend_2.*serving", stack.folder)
    engine.run_until(logs_of_one.replace("CONTAINER", stack.ids("backend")[0]), "serving")
    assert re.search("ready|ok", engine.run(inside(healthy), stack.folder))
    engine.eventually(lambda: "the live board is the same" in engine.run(
        inside(verify), stack.folder, check=False), "the history is the board's", every=1)
    token = web.guest(PORT)["token"]

    def until_placing_gets(status):
        engine.eventually(lambda: web.place(PORT, token, 2, 2, 2).status == status,
                          f"a placement gets {status}")

    engine.run(inside(freeze), stack.folder)
    until_placing_gets(403)
    engine.run(inside(freeze).replace("yes", "no"), stack.folder)
    until_placing_gets(201)


def test_one_restart_after_the_other(stack, commands):
    [command] = commands["Restarting one server of production"]

    def restart():
        for container in stack.ids("backend"):
            engine.run(command.replace("CONTAINER", container))
            stack.until_healthy("backend", 2)
            story.until_asked(PORT, 2)

    story.play(stack, PORT, lambda players: story.move(players, restart), 100)


def scale(stack, command, count):
    engine.run(command, stack.folder, HARDLY)
    stack.until_healthy("backend", count)
    story.until_asked(PORT, count)


def test_scaling_under_load(stack, commands):
    """1 → 4 → 2: the new ones are found without a restart of nginx, those that go are missed by
    nobody."""
    up = commands["Scaling"][0]
    scale(stack, up.replace("backend=4", "backend=1"), 1)
    nginx = stack.ids("nginx")

    async def disturb(players):
        await asyncio.to_thread(scale, stack, up, 4)
        await story.come_back(players)
        came_back = players.lives
        await asyncio.to_thread(scale, stack, up.replace("backend=4", "backend=2"), 2)
        assert players.lives > came_back, "those on the servers that went had to move"

    story.play(stack, PORT, disturb, 200)
    assert stack.ids("nginx") == nginx, "nginx was not restarted"


def test_a_server_that_is_killed(stack):
    def disturb():
        # As a crash, not as an operator, whose `docker kill` is meant to last.
        os.kill(stack.inspect(stack.ids("backend")[0])["State"]["Pid"], signal.SIGKILL)
        stack.until_healthy("backend", 2)  # the restart policy brings it back
        story.until_asked(PORT, 2)

    redis = Redis(stack)
    epoch, before = hot.epoch(redis), story.end_of(redis)

    async def play():
        async with crowd.Crowd([PORT], story.PLAYERS, story.WATCHERS) as players:
            await players.some_are_accepted(story.PLAYERS)
            await asyncio.to_thread(disturb)
            await players.some_are_accepted(story.PLAYERS)
            await players.settle(redis)
        return players

    story.check(asyncio.run(play()), redis, epoch, before)


def test_redis_restarted_loses_nothing(stack):
    def disturb():
        engine.run(f"{stack.compose} restart redis", stack.folder)
        stack.until_healthy("redis", 1)

    before = web.get(PORT, "/api/canvas").json()
    disturb()
    token = web.guest(PORT)["token"]
    engine.eventually(lambda: web.place(PORT, token, 1, 1, 1).status == 201, "placing goes on")
    after = web.get(PORT, "/api/canvas").json()
    assert (after["epoch"], after["offset"]) == (before["epoch"], before["offset"] + 1)


def test_blue_green_by_hand(stack, commands):
    more, health, fewer = commands["Blue-green by hand"]

    async def disturb(_):
        await asyncio.to_thread(scale, stack, more, 4)
        await asyncio.to_thread(engine.run, health.replace("curl ", "curl -fsS "))
        await asyncio.to_thread(scale, stack, fewer, 2)

    story.play(stack, PORT, disturb, 100)


def test_rollback_by_hand(stack, commands):
    token = web.guest(PORT)["token"]
    assert web.place(PORT, token, 7, 7, 7).status == 201
    for command in commands["Rollback by hand"]:
        engine.run(command, stack.folder, HARDLY)
    stack.until_healthy("nginx", 1)
    engine.eventually(lambda: web.get(PORT, "/api/pixels/7/7").json()["color"] == 7,
                      "the canvas is as it was")


def certify(stack):
    """A new certificate where nginx looks for it; its text."""
    tls = stack.folder / "secrets/tls"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
                    "-subj", "/CN=localhost", "-keyout", tls / "privkey.pem",
                    "-out", tls / "fullchain.pem"], check=True, capture_output=True)
    (tls / "privkey.pem").chmod(0o644)
    return (tls / "fullchain.pem").read_text().split()


def test_tls_when_there_is_a_certificate(stack, commands):
    reload, restart = commands["nginx of production"]
    certify(stack)
    engine.run(restart, stack.folder)
    stack.until_healthy("nginx", 1)
    renewed = certify(stack)
    engine.run(inside(reload), stack.folder)
    engine.eventually(lambda: ssl.get_server_certificate(("127.0.0.1", 18443)).split() == renewed,
                      "the renewed certificate is shown")
    secure = "curl -fsS --insecure https://localhost:18443/health"
    assert '"ok"' in engine.run(secure)
    moved = web.get(18080, "/x?y=1")
    assert (moved.status, moved.headers["location"]) == (308, "https://127.0.0.1/x?y=1")
    assert web.get(PORT, "/health").status == 200


def test_comparing_sizes(stack, commands):
    if not shutil.which("locust"):
        pytest.skip("this system's packages have no Locust")
    for command in commands["Comparing sizes in production"]:
        said = engine.run(f"{command} --host http://localhost:{PORT} -u 20 -r 20 -t 5s",
                          stack.folder)
        assert "compose: backend" in said and "4 replicas: " in said, said
    stack.until_healthy("backend", 2)
    story.until_asked(PORT, 2)


def test_monitoring(stack, commands):
    """Prometheus finds both servers and the machine, and knows the alerts."""
    ask = "curl -fsS http://127.0.0.1:18090/api/v1"

    def well():
        found = json.loads(engine.run(f"{ask}/targets", check=False) or "{}").get("data", {})
        jobs = [one["labels"]["job"] for one in found.get("activeTargets", [])
                if one["health"] == "up"]
        return sorted(jobs) == ["backend", "backend", "machine"]

    try:
        for command in commands["Monitoring"]:
            engine.run(command, stack.folder)
        engine.eventually(well, "Prometheus gets the figures of all", every=1)
        assert "ArchiveLags" in engine.run(f"{ask}/rules")
    finally:
        engine.run(f"{stack.compose} --profile monitoring rm -sfv grafana prometheus node-exporter",
                   stack.folder)


def test_a_taken_port_says_so_and_harms_nothing(stack):
    """Another stack's leftovers: the start fails with the port's number, the servers stay."""
    engine.run("docker run -d --name port-holder -p 127.0.0.1:18081:80 redis:7")
    try:
        said = engine.run(f"HTTP_PORT=18081 {stack.compose} up -d", stack.folder, check=False)
        assert re.search("18081.*(already allocated|already in use)", said), said
        assert len(stack.ids("backend")) == 2
    finally:
        engine.run("docker rm -f -v port-holder")
    engine.run(f"{stack.compose} up -d", stack.folder)
    stack.until_healthy("nginx", 1)
