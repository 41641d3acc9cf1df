"""The page that compares sizes, made of small records."""

import json
import re
import xml.etree.ElementTree as xml

import pytest
from loadtest import plot, report


def record(**changes):
    second = {"second": 0, "users": 5, "requests": 4, "failures": 0, "limited": 0, "p50_ms": 2.5,
              "p95_ms": 9, "p99_ms": 12.25}
    empty = second | {"second": 1, "requests": 0, "p50_ms": None, "p95_ms": None, "p99_ms": None}
    row = {"kind": "GET", "name": "/api/<counter>", "requests": 8, "failures": 0, "p50_ms": 2.5,
           "p95_ms": 9, "p99_ms": 12.25, "max_ms": 13}
    return {"application": "counter", "host": "http://localhost", "users": 5, "duration_s": 3.0,
            "requests": 8, "requests_per_s": 400.0, "failures": 0, "limited": 0, "p50_ms": 2.5,
            "p95_ms": 9, "p99_ms": 12.25, "seconds": [second, empty, second | {"second": 2}],
            "rows": [row], "beside": [], "errors": [], "replicas": {"one": 8},
            "verdict": {"holds": True, "lines": ["The account holds", "8 increments"]}} | changes


BROKEN = {"failures": 2, "requests_per_s": 1000.0, "replicas": {"one": 3, "two": 5},
          "errors": [{"kind": "GET", "name": "/x", "what": "503 busy", "count": 2}],
          "verdict": {"holds": False, "lines": ["THE ACCOUNT DOES NOT HOLD", "1 lost"]}}


@pytest.fixture
def made(tmp_path, capsys):
    """(the page, the JSON, what was printed) for one and two replicas."""
    for size, found in ((1, record()), (2, record(**BROKEN))):
        (tmp_path / f"{size}.json").write_text(json.dumps(found))
    page = tmp_path / "report.html"
    report.main(page, f"1={tmp_path}/1.json", f"2={tmp_path}/2.json")
    return page.read_text(), json.loads((tmp_path / "report.json").read_text()), capsys.readouterr()


def test_a_line_for_each_size(made):
    first, second = made[2].out.splitlines()
    assert first == ("1 replica: 400 requests/s, p50 2.5 ms, p95 9 ms, p99 12.2 ms, 0 failures. "
                     "The account holds.")
    assert second.startswith("2 replicas: 1\u202f000 requests/s")
    assert second.endswith("2 failures. THE ACCOUNT DOES NOT HOLD.")


def test_the_page_stands_alone(made):
    page = made[0]
    assert not re.search(r"<script|<link|<img|src=|url\(|@import", page)
    assert re.findall(r"https?://[^<\s\"]+", page) == ["http://localhost,"], "only the address"


def test_the_page_compares(made):
    page = made[0]
    for text in ("× 2.50", "38 – 62 %", "503 busy", "THE ACCOUNT DOES NOT HOLD", "two 62.5 %",
                 "Latency with 2 replicas, ms", "/api/&lt;counter&gt;"):
        assert text in page, text
    drawings = re.findall(r"<svg.*?</svg>", page, re.S)
    assert len(drawings) == 6, "requests, failures, latency and shares of two"
    for drawing in drawings:
        xml.fromstring(drawing)


def test_the_json_is_what_was_recorded(made):
    assert [run["replicas_wanted"] for run in made[1]["runs"]] == [1, 2]
    assert made[1]["runs"][1]["errors"][0]["what"] == "503 busy"


def test_a_line_is_broken_where_nobody_answered():
    drawn = plot.lines("x", [("a", [(0, 1), (1, 2), (2, None), (3, 4)])])
    assert drawn.count("<polyline") == 1
    assert drawn.count("<circle") == 1


def test_nothing_can_be_drawn_too():
    for points in ([], [(0, 0), (1, 0)], [(0, None)]):
        assert "e-" not in plot.lines("x", [("a", points)]), "an axis of billionths"


@pytest.mark.parametrize("highest, step", [(0.9, 0.5), (4, 1), (5, 2), (100, 50), (1234, 500)])
def test_the_steps_of_an_axis_are_round(highest, step):
    assert plot.step_of(highest) == pytest.approx(step)
