"""Every documented command of Docker and of the deployment scripts, without an engine: the program
that it is for understands its words and the files that it names. With an engine the other tests
here do what it says."""

import os
import pathlib
import shutil
import subprocess

import pytest

import documents

ROOT = pathlib.Path(__file__).resolve().parents[2]
# No engine answers there; docker-compose 1.29 must not ask it for its version first of all.
NOBODY = {"DOCKER_HOST": "tcp://127.0.0.1:1", "COMPOSE_API_VERSION": "1.41"}
NO_ENGINE = ("Couldn't connect to Docker daemon", "Cannot connect to the Docker daemon")
KNOWN = [command for command, is_run in documents.account().items() if is_run]
# An engine on which production runs, with two servers. It is asked, and never told to change
# anything.
DOCKER = """#!/bin/bash
case "$*" in
  info | "compose version" | "compose "*" config -q") ;;
  "info --format"*) echo / ;;
  "ps -aq "*.service=backend\\ *) printf '%s\\n' first second ;;
  "ps -aq "*.service=nginx\\ *) echo front ;;
  "image inspect "* | "inspect --format {{.Image}} "*) echo sha256:1 ;;
  "inspect --format {{.State.Status}} "*) echo "running healthy 0" ;;
  "port front "*) echo 0.0.0.0:8000 ;;
  "compose "*" exec -T redis "*" ping") echo PONG ;;
  "compose "*" exec -T redis "*" client list type pubsub") ;;
  "compose "*" exec -T postgres "*"SELECT 1") echo 1 ;;
  "compose "*" exec -T postgres "*"SELECT count"*) echo 0 ;;
  *) echo "$*" >>"$UNASKED" && false ;;
esac
"""
RELEASE = "backend=sha256:1\nfrontend=sha256:1\nbackup=kept\n"


def starting_with(*programs):
    found = [command for command in KNOWN if command.split()[0] in programs]
    assert found
    return found


@pytest.mark.parametrize("command", starting_with("docker-compose", "docker"))
def test_only_the_engine_is_missing(command):
    program = command.split()[0]
    if not shutil.which(program):
        pytest.skip(f"there is no {program}")
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, env=os.environ | NOBODY)
    if command == "docker-compose config":
        assert done.returncode == 0 and "backend_1" in done.stdout, done.stderr
    else:
        assert done.returncode != 0 and any(said in done.stderr for said in NO_ENGINE), done


@pytest.fixture(scope="module")
def production(tmp_path_factory):
    """A copy of what the scripts are and read, with two releases and a backup, and the engine that
    is played."""
    copy = tmp_path_factory.mktemp("production")
    for name in ("scripts", "loadtest"):
        shutil.copytree(ROOT / name, copy / name)
    for path in ROOT.glob("docker-compose*.yml"):
        shutil.copy(path, copy)
    kept = copy / "kept"
    kept.mkdir()
    for name in ("postgres.dump", "redis.rdb"):
        (kept / name).touch()
    subprocess.run("sha256sum -- * >SHA256SUMS", cwd=kept, shell=True, check=True)
    releases = copy / "releases/prod"
    releases.mkdir(parents=True)
    (releases / "2000-first").write_text(RELEASE)
    (releases / "2001-second").write_text(RELEASE + "before=2000-first\n")
    (releases / "current").write_text("2001-second\n")
    (copy / "bin").mkdir()
    (copy / "bin/docker").write_text(DOCKER)
    (copy / "bin/docker").chmod(0o755)
    return copy


@pytest.mark.parametrize("command", [
    command for command in KNOWN if command.startswith("./scripts/")
    and "--dry-run" in (ROOT / command.split()[0]).read_text("utf-8")
    and "kubernetes" not in command])
def test_a_dry_run_of_a_script(production, command):
    unasked = production / "unasked"
    unasked.write_text("")
    before = sorted(production.rglob("*"))
    words = command.replace("FOLDER", "kept").replace("NAME:TAG", "new:2")
    done = subprocess.run(["bash", "-c", f"{words} --dry-run"], cwd=production, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, env=os.environ | {
                              "PATH": f"{production}/bin:{os.environ['PATH']}",
                              "UNASKED": str(unasked)})
    assert done.returncode == 0 and not unasked.read_text(), (done, unasked.read_text())
    assert done.stdout or "Would " in done.stderr, done
    assert sorted(production.rglob("*")) == before, "nothing is changed"


def test_how_many_servers(commands):
    [command] = commands["How many servers"]
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 0 and done.stdout.split()[-1] == "3", done
