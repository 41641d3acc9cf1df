"""The scripts that deploy, scale, check and go back, on a production stack with people on it:
nobody notices, and nothing that was acknowledged is lost."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess

import pytest

import crowd
import engine
import hot
import story
import web
from stack import Redis, Stack

LIMIT_S = 1800  # for what may have to build the images
PORT = 18100
BACKEND, FRONTEND = "pixel-battle-scripts-backend", "pixel-battle-scripts-frontend"
ENVIRONMENT = f"""COMPOSE_PROJECT_NAME=pixel-battle-scripts
CANVAS_WIDTH={crowd.SIZE}
CANVAS_HEIGHT={crowd.SIZE}
COOLDOWN_MS=0
HTTP_PORT=18180
HTTPS_PORT=18543
CHECK_PORT={PORT}
DRAIN_UNREADY_MS=4000
BACKEND_IMAGE={BACKEND}:latest
FRONTEND_IMAGE={FRONTEND}:latest
"""
NEVER_HEALTHY, ENDS_AT_ONCE = 'ENTRYPOINT ["sleep", "infinity"]', 'ENTRYPOINT ["false"]'


def script(stack, command, **environment):
    """(exit code, what it said)."""
    done = subprocess.run(["bash", "-c", command], cwd=stack.folder, timeout=LIMIT_S, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env=os.environ | environment)
    print(f"$ {command}\n{done.stdout}")
    return done.returncode, done.stdout


def must(stack, command, **environment):
    code, said = script(stack, command, **environment)
    assert code == 0, f"{command} ended with {code}:\n{said[-4000:]}"
    return said


def fails(stack, command, why, **environment):
    code, said = script(stack, command, **environment)
    assert code != 0 and re.search(why, said), f"{command} ended with {code}:\n{said[-4000:]}"


@pytest.fixture(scope="module")
def stack(project, commands):
    engine.must_be_free(PORT, 18180, 18543)
    (project / ".env").write_text(ENVIRONMENT)
    (project / "secrets/tls").mkdir(parents=True)
    stack = Stack(project, "docker-compose.prod.yml")
    try:
        for command in commands["Deployment by script"]:
            must(stack, command)
        yield stack
    finally:
        stack.down()
        engine.run(f"docker images -q {BACKEND} {FRONTEND}; "
                   f"for name in {BACKEND} {FRONTEND}; do docker images --format "
                   "'{{.Repository}}:{{.Tag}}' $name | xargs -r docker rmi; done", check=False)


@contextlib.contextmanager
def image(name, line, base=BACKEND):
    """An image with one line more, under a name of its own."""
    engine.run(f"printf 'FROM {base}:latest\\n%s\\n' '{line}' | docker build -q -t {name} -")
    try:
        yield name
    finally:
        engine.run(f"docker rmi {name}", check=False)


def new(name):
    return image(name, f"LABEL pixel-battle.is={name}")


def new_page(name):
    """With another file, and without the styles of the one before."""
    return image(name, f"USER root\nRUN cd /usr/share/nginx/html && rm assets/*.css* && "
                       f"echo {name} >name.txt", FRONTEND)


def versions(stack):
    """What the servers' images call themselves."""
    return {stack.inspect(one)["Config"]["Labels"].get("pixel-battle.is")
            for one in stack.ids("backend")}


def ran(stack, command):
    """For people beside: it must succeed, and whoever has to move is told so."""
    return lambda players: story.move(players, lambda: must(stack, command))


def test_from_nothing_to_a_stack(stack, commands):
    stack.until_healthy("backend", 2)
    story.until_asked(PORT, 2)
    assert "title" in web.get(PORT, "/").body.decode()
    look, back = commands["Rollback by script"]
    listed = must(stack, look)
    assert re.fullmatch(r"\* 20\S+ .*\n", listed), listed
    fails(stack, back, "there is no release before")


def test_health(stack, commands):
    """A pixel's history tells of the check; the board does not."""
    board = web.snapshot(PORT).board
    check, look = commands["Health by script"]
    said = must(stack, check)
    assert "FAILED" not in said and said.count("is ready") == 2
    assert "the pixel came over the socket" in said
    redis = Redis(stack)
    offset = story.end_of(redis)
    assert web.snapshot(PORT, offset).board == board and offset > 0
    must(stack, look)
    assert story.end_of(redis) == offset


def test_health_tells_what_is_dead(stack):
    first, second = stack.ids("backend")
    for harm, repair, why in (
            (f"docker kill {first}", f"docker start {first}", "FAILED .*backend_.*exited"),
            (f"docker pause {second}", f"docker unpause {second}", "FAILED .*backend_.*paused"),
            (f"{stack.compose} stop redis", f"{stack.compose} start redis", "FAILED .*redis")):
        engine.run(harm, stack.folder)
        fails(stack, "./scripts/health-check.sh prod", why)
        engine.run(repair, stack.folder)
        stack.until_healthy("backend", 2)
        story.until_asked(PORT, 2)
        engine.eventually(lambda: web.get(PORT, "/health/ready").status == 200, "all is well")
    fails(stack, "./scripts/health-check.sh prod --replicas 3", "2 servers are ready, 3 must be")
    must(stack, "./scripts/health-check.sh prod")


def test_a_rolling_deploy_and_back_under_load(stack, commands):
    nginx, before = stack.ids("nginx"), set(stack.ids("backend"))
    styles = re.search(rb'/assets/[^"]+\.css', web.get(PORT, "/").body).group().decode()
    with new("scripts-a") as name, new_page("scripts-page") as page:
        [command] = commands["Deployment of an image by script"]
        command = command.replace("NAME:TAG", f"{name}:latest")
        story.play(stack, PORT, ran(stack, f"{command} --page {page}"), 200)
    assert versions(stack) == {"scripts-a"} and len(stack.ids("backend")) == 2
    assert web.get(PORT, "/name.txt").body == b"scripts-page\n"
    assert web.get(PORT, styles).status == 200, "whoever has the page before open still needs them"
    assert not before & set(stack.ids("backend")) and stack.ids("nginx") == nginx
    look, back = commands["Rollback by script"]
    assert len(must(stack, look).splitlines()) == 2
    story.play(stack, PORT, ran(stack, back), 200)
    assert versions(stack) == {None} and len(stack.ids("backend")) == 2
    # By hand, nothing changes either.
    servers = stack.ids("backend")
    engine.run(f"{stack.compose} up -d", stack.folder)
    assert stack.ids("backend") == servers and stack.ids("nginx") == nginx


@pytest.mark.parametrize("line", (NEVER_HEALTHY, ENDS_AT_ONCE))
@pytest.mark.parametrize("command", ("deploy.sh prod", "blue-green.sh"))
def test_what_never_gets_healthy_goes_again_by_itself(stack, command, line):
    servers, chosen = stack.ids("backend"), image_id()
    with image("scripts-bad", line) as name:

        async def disturb(_):
            await asyncio.to_thread(
                fails, stack, f"./scripts/{command} --no-backup --wait 15 --image {name}",
                "the new release failed; release .* serves, as before")

        story.play(stack, PORT, disturb, 50)
    assert stack.ids("backend", every=True) == servers, "nobody had to move"
    assert image_id() == chosen, "nor will be by an `up -d`"


def test_interrupted_it_goes_back(stack):
    servers = stack.ids("backend")
    with image("scripts-bad", NEVER_HEALTHY) as name:
        deploy = subprocess.Popen(
            ["./scripts/deploy.sh", "prod", "--no-backup", "--image", name], cwd=stack.folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True)
        said = ""
        for line in deploy.stdout:
            said += line
            if re.match(r"Starting .*_backend_\d+$", line):
                os.killpg(deploy.pid, signal.SIGINT)
        assert deploy.wait() != 0 and "Interrupted" in said and "serves, as before" in said, said
    assert stack.ids("backend", every=True) == servers
    must(stack, "./scripts/health-check.sh prod --replicas 2")


def image_id():
    return engine.run(f"docker image inspect --format '{{{{.Id}}}}' {BACKEND}:latest")


def test_scaling_under_load(stack, commands):
    """1 → 4 → 2, and to as many as the document says."""
    must(stack, "./scripts/scale-backend.sh 1")
    assert len(stack.ids("backend")) == 1

    async def disturb(players):
        await asyncio.to_thread(must, stack, "./scripts/scale-backend.sh 4")
        await story.move(players, lambda: must(stack, "./scripts/scale-backend.sh 2"))

    story.play(stack, PORT, disturb, 200)
    assert len(stack.ids("backend")) == 2
    five, check = commands["Scaling by script"]
    must(stack, five)
    assert len(stack.ids("backend", every=True)) == 5
    must(stack, check)
    must(stack, "./scripts/scale-backend.sh 2")


def test_blue_green_under_load(stack, commands):
    before = set(stack.ids("backend"))
    nginx = stack.ids("nginx")
    with new("scripts-b") as name:
        for command in commands["Blue-green by script"]:
            story.play(stack, PORT, ran(stack, f"{command} --image {name}"), 200)
    assert versions(stack) == {"scripts-b"} and not before & set(stack.ids("backend"))
    assert stack.ids("nginx") == nginx
    must(stack, "./scripts/health-check.sh prod --replicas 2")


def test_everything_once_more_changes_nothing(stack):
    servers, listed = stack.ids("backend"), must(stack, "./scripts/rollback.sh prod --list")
    same = f"--no-backup --image {BACKEND}:latest"
    assert "Nothing has changed" in must(stack, f"./scripts/deploy.sh prod {same}")
    assert "Nothing has changed" in must(stack, f"./scripts/blue-green.sh {same}")
    must(stack, "./scripts/scale-backend.sh 2")
    assert stack.ids("backend", every=True) == servers
    assert must(stack, "./scripts/rollback.sh prod --list") == listed


def test_going_back_with_the_data(stack, commands):
    """Only when asked for. What came later is gone, and in the backup that was made on the way."""
    token = web.guest(PORT)["token"]
    assert web.place(PORT, token, 9, 9, 9).status == 201
    before = versions(stack)
    with new("scripts-c") as name:
        must(stack, f"./scripts/deploy.sh prod --image {name}")
    assert web.place(PORT, token, 9, 9, 8).status == 201
    epoch = hot.epoch(Redis(stack))
    [back] = commands["Rollback by script with the data"]
    assert "It is in" in must(stack, back)
    assert versions(stack) == before and len(stack.ids("backend")) == 2
    assert hot.epoch(Redis(stack)) > epoch
    assert web.get(PORT, "/api/pixels/9/9").json()["color"] == 9


def test_a_backup_is_put_back(stack, commands):
    """Not while servers run; then the canvas is as it was when the backup was made."""
    token = web.guest(PORT)["token"]
    assert web.place(PORT, token, 9, 10, 4).status == 201
    for command in commands["Backup"]:
        folder = must(stack, command).splitlines()[-1]
    assert web.place(PORT, token, 9, 10, 5).status == 201
    stop, restore, start = commands["Restoring"]
    restore = restore.replace("FOLDER", folder)
    fails(stack, restore, "servers are connected")
    for command in (stop, restore, start):
        must(stack, command)
    stack.until_healthy("backend", 2)
    story.until_asked(PORT, 2)
    assert web.get(PORT, "/api/pixels/9/10").json()["color"] == 4
    must(stack, "./scripts/health-check.sh prod --replicas 2")


def test_in_development(stack):
    """Where each server has a port of its own, they are replaced in place."""
    other = {"COMPOSE_PROJECT_NAME": "pixel-battle-scripts-dev", "BACKEND_PORT": "18101",
             "FRONTEND_PORT": "18130"}
    development = Stack(stack.folder, "docker-compose.yml")
    try:
        same = f"--image {BACKEND}:latest --page {FRONTEND}:latest"
        must(stack, f"./scripts/deploy.sh dev {same}", **other)
        chosen = image_id()
        with image("scripts-bad", ENDS_AT_ONCE) as name:
            fails(stack, f"./scripts/deploy.sh dev --image {name}", "the new release failed",
                  **other)
        assert image_id() == chosen
        must(stack, "./scripts/health-check.sh dev --replicas 2", **other)
        assert "title" in web.get(18130, "/").body.decode()
    finally:
        engine.run(f"{development.compose} down -v -t 20", stack.folder, **other)


def test_one_deployment_at_a_time(stack):
    with subprocess.Popen(["flock", "releases/prod/lock", "cat"], stdin=subprocess.PIPE,
                          cwd=stack.folder) as holder:
        engine.eventually(lambda: script(stack, "flock -n releases/prod/lock true")[0],
                          "the lock is held")
        for command in ("deploy.sh prod", "rollback.sh prod", "scale-backend.sh 3",
                        "blue-green.sh"):
            fails(stack, f"./scripts/{command}", "another deployment of prod is under way")
        holder.stdin.close()


def test_a_taken_port_is_told_and_nothing_is_touched(stack):
    """As with another stack's leftovers: here this very one, by another name."""
    other = {"COMPOSE_PROJECT_NAME": "pixel-battle-other"}
    found = "docker ps -aq --filter label=com.docker.compose.project=pixel-battle-other"
    fails(stack, "./scripts/deploy.sh prod", "port 18180 is taken by the container .*nginx",
          **other)
    with socket.create_server(("127.0.0.1", 18181)):
        fails(stack, "./scripts/deploy.sh prod", "port 18181 is taken by another program",
              HTTP_PORT="18181", **other)
    assert not engine.run(found)
    must(stack, "./scripts/health-check.sh prod")
