"""Monitoring, without an engine: alerts fire when they should and ask for figures that exist."""

import json
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MONITORING = ROOT / "monitoring"
OURS = re.compile(r"pixel_battle_\w+|process_\w+")
SUFFIX = re.compile(r"_(bucket|sum|count)$")


@pytest.mark.parametrize("command", ["check config prometheus.yml", "test rules alerts.test.yml"])
def test_promtool(command, needed):
    needed("promtool")
    done = subprocess.run(["promtool", *command.split()], cwd=MONITORING, capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def asked_for():
    """The metrics of ours that the alerts and the dashboard ask for."""
    dashboard = json.loads((MONITORING / "grafana/dashboards/pixel-battle.json").read_text())
    texts = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    texts.append((MONITORING / "alerts.yml").read_text("utf-8"))
    return {name for text in texts for name in OURS.findall(text)}


def test_what_is_asked_for_exists():
    lines = (ROOT / "tests/unit/ops/metrics.txt").read_text("utf-8").splitlines()
    there = {line.split()[0] for line in lines}
    wanted = {name if name in there else SUFFIX.sub("", name) for name in asked_for()}
    assert len(wanted) > 10 and not wanted - there, wanted - there


def test_every_alert_is_tested():
    alerts = set(re.findall(r"alert: (\w+)", (MONITORING / "alerts.yml").read_text("utf-8")))
    tested = (MONITORING / "alerts.test.yml").read_text("utf-8")
    for alert in alerts:
        assert tested.count(f"alertname: {alert}") == 2, f"{alert}: once silent, once firing"
