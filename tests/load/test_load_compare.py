"""scripts/load-compare.sh: with stand-ins for docker and kubectl that scale a counter of the
tests' own, and with a real cluster on this machine."""

import json
import os

import counter as counters
import drawn
import lying
import pytest
import server as servers

SCRIPT = servers.ROOT / "scripts/load-compare.sh"
QUICK = ("-u", 5, "-r", 5, "-t", "2s", "--think-ms=50")

# Notes what it is asked and does it to the file that says how many replicas there are. Compose
# runs its service from a file of its own.
STAND_IN = r"""#!/bin/bash
echo "${0##*/} $*" >>"$STAND_INS/calls"
[[ $RUNS == "${0##*/}-${1/#ps/compose}" || $RUNS == "${0##*/}" ]] || exit 1
all=$*
case $all in
  "service ls"*) echo other_thing; echo counter_app ;;
  "service inspect"*counter_app) cat "$STAND_INS/replicas" ;;
  "service scale counter_app="*) echo "${all##*=}" >"$STAND_INS/replicas" ;;
  "get deployments"*) echo deployment.apps/counter-app ;;
  "get deployment counter-app"*) cat "$STAND_INS/replicas" ;;
  "scale deployment counter-app --replicas="*) echo "${all##*=}" >"$STAND_INS/replicas" ;;
  "rollout status deployment/counter-app"*) ;;
  "ps "*service\"}}) echo redis; echo backend ;;
  "ps "*=backend*config_files\"}}) echo docker-compose.prod.yml ;;
  "compose version") ;;
  "compose -f docker-compose.prod.yml ps -q backend") seq "$(cat "$STAND_INS/replicas")" ;;
  "compose -f docker-compose.prod.yml up -d --no-recreate --scale backend="*)
    scaled=${all##*=}
    echo "${scaled% *}" >"$STAND_INS/replicas"
    ;;
  *) exit 1 ;;
esac
"""


@pytest.fixture
def compare(locust, counter, tmp_path):
    """compare("docker-service", 1, 2) → the script, started where that runs two replicas."""
    replicas = tmp_path / "replicas"
    replicas.write_text("2\n")
    for name in ("docker", "kubectl"):
        (tmp_path / name).write_text(STAND_IN)
        (tmp_path / name).chmod(0o755)
    host, started = counter("--replicas", replicas), []

    def start(runs, *words):
        environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "RUNS": runs,
                                    "STAND_INS": str(tmp_path)}
        command = [SCRIPT, "--host", host, "--to", "report.html", *words]
        started.append(lying.Program(command, tmp_path / "compare.log", cwd=tmp_path,
                                     env=environment))
        return started[-1]

    yield start
    for program in started:
        program.stop()


def calls(tmp_path, word):
    lines = (tmp_path / "calls").read_text().splitlines()
    return [line for line in lines if word in line]


@pytest.mark.parametrize("runs, named, scaling", [
    ("docker-service", "swarm", "docker service scale counter_app={}"),
    ("kubectl", "kubernetes", "kubectl scale deployment counter-app --replicas={}"),
    ("docker-compose", "compose", "docker compose -f docker-compose.prod.yml up -d --no-recreate "
                                  "--scale backend={} backend"),
])
def test_it_finds_what_runs_and_puts_the_size_back(compare, tmp_path, runs, named, scaling):
    program = compare(runs, *QUICK, 1, 3)
    assert program.wait() == 0, program.said()
    said = program.said()
    assert f"{named}: " in said
    assert "1 replica: " in said and "3 replicas: " in said
    assert f"Report: {tmp_path}/report.html" in said
    assert calls(tmp_path, "scale") == [scaling.format(size) for size in (1, 3, 2)]
    assert (tmp_path / "replicas").read_text() == "2\n"
    found = json.loads((tmp_path / "report.json").read_text())["runs"]
    assert [len(run["replicas"]) for run in found] == [1, 3]
    assert all(run["verdict"]["holds"] and run["requests"] for run in found)
    assert "3 replicas" in drawn.draw(tmp_path / "report.html", tmp_path).text


def test_ctrl_c_puts_the_size_back_and_keeps_what_was_done(compare, tmp_path):
    program = compare("kubectl", *QUICK[:4], "-t", "3s", 1, 3)
    program.until_said("Scaling to 3")
    program.until_said("1 replica: ")
    program.until(lambda: program.said().count("users for") == 2)
    assert program.press_ctrl_c() == 130, program.said()
    assert (tmp_path / "replicas").read_text() == "2\n"
    found = json.loads((tmp_path / "report.json").read_text())["runs"]
    assert [run["replicas_wanted"] for run in found] == [1]


def test_ended_from_outside_it_puts_the_size_back_too(compare, tmp_path):
    program = compare("kubectl", *QUICK, 3)
    program.until_said("users for")
    program.stop()
    assert program.process.returncode == 130
    assert (tmp_path / "replicas").read_text() == "2\n"


@pytest.mark.parametrize("words, problem", [
    ([], "which sizes?"), (["0"], "a size is"), (["--on", "mars", "1"], "--on:"),
    (["-u"], "a value is missing"), (["--on", "swarm", "1"], "no such service"),
    (["1"], "nothing runs that could be scaled")])
def test_what_makes_no_sense_is_refused(compare, words, problem):
    program = compare("nothing", *words)
    assert program.wait() == 1
    assert problem in program.said()


def test_clusters_on_this_machine(locust, commands, tmp_path):
    settings = {"PIXEL_BATTLE_BIN": servers.BINARY, "COUNTER_APP_BIN": counters.BINARY,
                "WEB_DIR": "", "PORT": servers.free_port(), "HOST": "127.0.0.1", "COOLDOWN_MS": 0,
                "THREADS": 1, "CANVAS_WIDTH": 64, "CANVAS_HEIGHT": 64}
    environment = os.environ | {name: str(value) for name, value in settings.items()}
    report = tmp_path / "report.html"
    for command in commands["Comparing sizes on this machine"]:
        words = [*command.split(), "--to", report, "-u", 10, "-r", 10, "-t", "3s", "--think-ms=100"]
        program = lying.Program(words, tmp_path / "compare.log", cwd=servers.ROOT, env=environment)
        try:
            assert program.wait() == 0, program.said()
        finally:
            program.stop()
        found = json.loads(report.with_suffix(".json").read_text())["runs"]
        sizes = [int(word) for word in command.split() if word in ("1", "2", "4")]
        assert [sorted(run["replicas"]) for run in found] == [
            [f"backend-{number + 1}" for number in range(size)] for size in sizes]
        assert all(run["verdict"]["holds"] for run in found), program.said()
