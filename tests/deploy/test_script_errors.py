"""The deployment scripts where nothing is to be deployed: help, dry runs, clear errors, and what
they ask of a cluster. Neither an engine nor a cluster is needed: both are played here."""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]
SCRIPTS = ("deploy", "rollback", "scale-backend", "health-check", "blue-green", "backup", "restore",
           "capacity")
CHANGES = ("apply", "scale", "rollout undo", "exec", "delete", "set")
# A cluster's answers. ROLLOUT tells what becomes of a rollout: a file with a line for each.
KUBECTL = """#!/bin/bash
echo "$*" >>"$ASKED"
[[ $* != *"-f -"* ]] || grep image: >>"$ASKED"
case "$*" in
  "get secret"*) [[ -z ${NO_SECRET-} ]] ;;
  "get statefulset"*) false ;;
  "get replicasets"*) printf 'good 1\\nbad 2\\n' ;;
  *revision*-o* | *-o*revision*) grep -c . "$ASKED.revisions" ;;
  *replicas*) echo 2 ;;
  *--dry-run*) ;;
  "apply -f -"* | "rollout undo deployment"*) echo one >>"$ASKED.revisions" ;;
  "rollout status"*) said=$(head -n 1 "$ROLLOUT") && sed -i 1d "$ROLLOUT" && [[ $said == well ]] ;;
  "get pods"*=pixel-battle-backend*) printf '%s' "$PODS" ;;
esac
"""
DOCKER = """#!/bin/bash
[[ $1 == compose ]] || { echo "Cannot connect to the Docker daemon" >&2 && false; }
"""


@pytest.fixture
def run(tmp_path):
    """run("deploy prod …", …) → the finished process. In its PATH are the engine and the cluster
    that are played."""
    for name, text in (("kubectl", KUBECTL), ("docker", DOCKER)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    asked, rollout = tmp_path / "asked", tmp_path / "rollout"
    (tmp_path / "asked.revisions").write_text("one\n")

    def run(command, rollouts=(), **environment):
        asked.write_text("")
        rollout.write_text("".join(f"{one}\n" for one in rollouts))
        name, *words = command.split()
        done = subprocess.run(
            [ROOT / f"scripts/{name}.sh", *words], cwd=tmp_path, text=True, timeout=60,
            stdin=subprocess.DEVNULL, capture_output=True,
            env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "ASKED": str(asked),
                              "ROLLOUT": str(rollout), "PODS": "", "KUBECTL": "kubectl"}
            | environment)
        done.asked = asked.read_text().splitlines()
        done.changes = [line for line in done.asked
                        if line.startswith(CHANGES) and "--dry-run" not in line]
        return done

    return run


def refused(done, why):
    assert done.returncode != 0 and why in done.stderr, done
    assert not done.changes


@pytest.mark.parametrize("name", SCRIPTS)
def test_help(run, name):
    done = run(f"{name} --help")
    assert done.returncode == 0 and done.stdout.startswith(f"Usage: scripts/{name}.sh ")
    assert "--dry-run" in done.stdout


@pytest.mark.parametrize("command, why", [
    ("deploy", "where? dev, prod or kubernetes"),
    ("rollback", "where? dev, prod or kubernetes"),
    ("health-check", "where? dev, prod or kubernetes"),
    ("scale-backend", "how many servers?"),
    ("scale-backend 0", "how many servers?"),
    ("scale-backend many", "how many servers?"),
    ("scale-backend 2 dev", "Docker"),
    ("deploy staging", "staging: no such environment"),
    ("deploy prod dev", "dev: one environment at a time"),
    ("deploy prod --fast", "--fast: there is no such option"),
    ("deploy prod --image", "--image: a value is missing"),
    ("deploy prod --wait soon", "--wait: a number from 1 on"),
    ("deploy prod -x", "-x: there is no such option"),
    ("deploy prod --keep 0", "--keep: a number from 1 on"),
    ("rollback prod --to", "--to: a value is missing"),
    ("health-check prod --replicas none", "--replicas: a number from 1 on"),
    ("blue-green --watch 0", "--watch: a number from 1 on"),
    ("blue-green prod", "prod: this is for production alone"),
    ("deploy kubernetes --page image", "--page is for Compose"),
])
def test_wrong_words(run, command, why):
    refused(run(command), why)


@pytest.mark.parametrize("command", ["deploy prod", "rollback prod", "health-check prod",
                                     "scale-backend 3", "blue-green", "deploy dev --dry-run"])
def test_without_an_engine(run, command):
    refused(run(command), "no Docker engine answers")


# --- In a cluster -------------------------------------------------------------------------------


def test_a_cluster_that_cannot_be_reached(run):
    refused(run("deploy kubernetes", KUBECTL="no-such-kubectl"), "there is no no-such-kubectl")
    refused(run("deploy kubernetes", KUBECTL="false"), "the cluster cannot be reached")
    refused(run("deploy kubernetes", NO_SECRET="yes"), "there is no secret pixel-battle-secrets")


@pytest.mark.parametrize("command", ["deploy kubernetes", "scale-backend 3 kubernetes",
                                     "rollback kubernetes", "health-check kubernetes"])
def test_a_dry_run_changes_nothing(run, command):
    done = run(f"{command} --dry-run")
    assert done.returncode == 0 and done.asked and not done.changes, done


def test_a_release_that_does_not_come_up_goes_again(run):
    done = run("deploy kubernetes --no-backup --image new:2 --wait 5", ("badly", "well"))
    assert done.returncode != 0 and "what ran before serves" in done.stderr
    assert "image: new:2" in "\n".join(done.asked)
    assert done.changes[-2:] == ["rollout undo deployment/pixel-battle-backend --to-revision=1",
                                 "delete replicaset bad"], "nobody goes back to it later"
    done = run("deploy kubernetes --no-backup", ("badly", "badly"))
    assert done.returncode != 0 and "COULD NOT GO BACK" in done.stderr


def test_back_and_scaling(run, commands):
    done = run("rollback kubernetes", ("well",))
    assert done.returncode == 0, done.stderr
    assert done.changes == ["rollout undo deployment/pixel-battle-backend"]
    [command] = commands["Scaling a cluster by script"]
    done = run(re.sub(r"^./scripts/|\.sh", "", command), ("well",))
    assert done.returncode == 0, done.stderr
    assert done.changes == ["scale deployment/pixel-battle-backend --replicas=5"]
    assert run("scale-backend 3 kubernetes", ("badly",)).returncode != 0


def test_health_in_a_cluster(run):
    done = run("health-check kubernetes", PODS="a Running False\nb Pending\n")
    assert done.returncode == 1, done
    assert "FAILED  a: Running, ready: False" in done.stdout
    assert "FAILED  b: Pending, ready: never" in done.stdout
    assert "FAILED  0 servers are ready, 2 must be" in done.stdout
