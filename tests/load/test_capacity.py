"""scripts/capacity.sh: instances from measured figures."""

import json
import subprocess

import pytest

import server as servers

SCRIPT = servers.ROOT / "scripts/capacity.sh"


def run(*words, cwd=None):
    return subprocess.run([SCRIPT, *map(str, words)], text=True, capture_output=True, cwd=cwd,
                          timeout=30)


def instances(*words, cwd=None):
    done = run(*words, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])


def record(requests_per_s, p95_ms, replicas=1, failures=0, limited=0):
    names = {f"replica-{number}": 100 for number in range(replicas)}
    return {"requests_per_s": requests_per_s, "p95_ms": p95_ms, "failures": failures,
            "limited": limited, "replicas": names}


@pytest.mark.parametrize("peak, throughput, margin, needed", [
    (1000, 400, 0, 3), (1000, 500, 0, 2), (1000, 500, 10, 3), (1000, 420, 30, 4),
    (10, 400, 30, 2),  # one may fail
])
def test_peak_divided_by_what_one_carries(peak, throughput, margin, needed):
    assert instances("--peak", peak, "--throughput", throughput, "--margin", margin) == needed


def test_more_load_never_needs_fewer():
    counts = [instances("--peak", peak, "--throughput", 100) for peak in range(100, 1000, 200)]
    assert counts == sorted(counts) and counts[0] < counts[-1]


def test_the_best_run_within_the_target_counts(tmp_path):
    for name, one in (("low", record(200, 80)), ("good", record(400, 450)),
                      ("slow", record(600, 900)), ("bad", record(700, 90, failures=1)),
                      ("waiting", record(800, 90, limited=1))):
        (tmp_path / f"{name}.json").write_text(json.dumps(one))
    files = [path.name for path in tmp_path.iterdir()]
    assert instances("--peak", 1000, "--margin", 0, *files, cwd=tmp_path) == 3
    assert instances("--peak", 1000, "--margin", 0, "--target-ms", 100, *files, cwd=tmp_path) == 5
    refused = run("--peak", 1000, "--target-ms", 10, *files, cwd=tmp_path)
    assert refused.returncode != 0 and "within 10 ms" in refused.stderr


def test_a_report_of_several_sizes(tmp_path):
    runs = [record(300, 100), record(1000, 100, replicas=4)]
    (tmp_path / "report.json").write_text(json.dumps({"runs": runs}))
    assert instances("--peak", 900, "--margin", 0, "report.json", cwd=tmp_path) == 3


@pytest.mark.parametrize("words, why", [
    ([], "--peak"), (["--peak"], "a value is missing"), (["--peak", "many"], "a number"),
    (["--peak", 1], "what does one instance carry"), (["--peak", 1, "none.json"], "none.json"),
    (["--peak", 1, "--throughput", 0], "carries nothing"), (["--speed", 1], "no such option"),
])
def test_clear_errors(words, why, tmp_path):
    done = run(*words, cwd=tmp_path)
    assert done.returncode != 0 and why in done.stderr and "Traceback" not in done.stderr


def test_help_says_what_is_wrong_with_the_other_formula():
    assert "200, not 2" in run("--help").stdout
