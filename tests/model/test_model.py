"""The models of the journal over Redis hold what it promises, and need each of their rules.

spin searches every run of journal.pml, from whose beginning on everything is explained, and of
confirm.pml, which is about three nodes and nothing but confirmations.
"""

import pathlib
import re
import shutil
import subprocess

import pytest

FOLDER = pathlib.Path(__file__).parent
MODEL, CONFIRM = FOLDER / "journal.pml", FOLDER / "confirm.pml"
LIMIT_S = 300

# What goes wrong how often, in runs of two operations; one failover where nothing else is said.
UNKNOWN_OUTCOME = {"LOST_REPLIES": 1}
TWO_FAILOVERS = {"CLIENTS": 1, "SEQUENCES": 2, "FAILOVERS": 2, "LOST_REPLIES": 1}
KILLED_BACKEND = {"CLIENTS": 1, "SEQUENCES": 2, "LOST_REPLIES": 1, "CRASHES": 1}
IMPATIENT_CLIENT = {"CLIENTS": 1, "SEQUENCES": 2, "LOST_REPLIES": 1, "IMPATIENCE": 1}
FORGOTTEN_OPERATION = {"CRASHES": 1, "LEAVING": 1}

RULES = [  # the rule that is taken out, where, and the promise that then breaks
    ("NO_WAIT", UNKNOWN_OUTCOME, "answered"),
    ("NO_BEAT", UNKNOWN_OUTCOME, "answered"),
    ("NO_DEDUPE", UNKNOWN_OUTCOME, "!=i"),
    ("NO_EPOCH_CHECK", UNKNOWN_OUTCOME, "board"),
    ("NO_DIGESTS", UNKNOWN_OUTCOME, "board"),
    ("NO_DIGEST_IN_PROBES", FORGOTTEN_OPERATION, "board"),
]


def search(folder, bounds, *without, cycles=False, model=MODEL):
    """What the full search reports. `cycles`: of runs that never end, instead of bad steps."""
    shutil.copy(model, folder)
    defines = [f"-D{name}={value}" for name, value in bounds.items()]
    defines += [f"-D{name}" for name in without]
    for command in (["spin", *defines, "-a", model.name],
                    ["gcc", "-O1", "-w", "-DNOREDUCE", "-DNP" if cycles else "-DSAFETY", "pan.c",
                     "-o", "pan"]):
        made = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S)
        assert made.returncode == 0 and "rror" not in made.stdout, made.stdout + made.stderr
    return subprocess.run(["./pan", "-m10000", "-w22", *(["-l"] if cycles else [])], cwd=folder,
                          capture_output=True, text=True, timeout=LIMIT_S).stdout


def errors(report):
    return int(re.search(r"errors: (\d+)", report).group(1))


def check_that_nothing_was_found(report):
    assert errors(report) == 0, report
    assert "not completed" not in report and "too small" not in report, report


@pytest.mark.parametrize("bounds", [UNKNOWN_OUTCOME, TWO_FAILOVERS, KILLED_BACKEND,
                                    IMPATIENT_CLIENT, FORGOTTEN_OPERATION],
                         ids=["unknown-outcome", "two-failovers", "killed-backend",
                              "impatient-client", "forgotten-operation"])
def test_every_run_keeps_the_promises(bounds, tmp_path):
    report = search(tmp_path, bounds)
    check_that_nothing_was_found(report)
    never = re.findall(r"journal\.pml:\d+, state \d+, \"(.*)\"", report)
    assert set(never) == {"-end-"}, f"steps that are never taken prove nothing:\n{report}"


def test_every_run_ends(tmp_path):
    """Only where it ends the boards are compared."""
    check_that_nothing_was_found(search(tmp_path, TWO_FAILOVERS, cycles=True))


@pytest.mark.parametrize("rule, bounds, promise", RULES, ids=[rule for rule, *_ in RULES])
def test_without_a_rule_a_promise_breaks(rule, bounds, promise, tmp_path):
    report = search(tmp_path, bounds, rule)
    broken = re.search(r"assertion violated (.*) \(at depth", report)
    assert errors(report) == 1 and broken, f"{rule} can be left out:\n{report}"
    assert promise in broken.group(1), report


def test_what_every_replica_has_confirmed_survives_a_failover_from_a_living_master(tmp_path):
    check_that_nothing_was_found(search(tmp_path, {}, model=CONFIRM))


@pytest.mark.parametrize("rule", ["COUNT_ONLY", "NEWCOMERS_IGNORED", "NOBODY_ASKED",
                                  "SENTINELS_FIRST"])
def test_with_another_rule_a_confirmed_entry_is_lost(rule, tmp_path):
    report = search(tmp_path, {}, rule, model=CONFIRM)
    broken = re.search(r"assertion violated (.*) \(at depth", report)
    assert errors(report) == 1 and broken, f"{rule} would do as well:\n{report}"
    assert "acknowledged" in broken.group(1), report
