"""The page that compares sizes, made of small records and drawn by a browser."""

import json
import re

import drawn
import pytest
from loadtest import report


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
def make(tmp_path):
    """make(record, …) → (the page's path, the JSON beside it) of runs on 1, 2, … replicas."""
    def made(*records):
        words = []
        for size, found in enumerate(records, 1):
            (tmp_path / f"{size}.json").write_text(json.dumps(found))
            words.append(f"{size}={tmp_path}/{size}.json")
        page = tmp_path / "report.html"
        report.main(page, *words)
        return page, json.loads((tmp_path / "report.json").read_text())

    return made


def test_a_line_for_each_size(make, capsys):
    make(record(), record(**BROKEN))
    first, second = capsys.readouterr().out.splitlines()
    assert first == ("1 replica: 400 requests/s, p50 2.5 ms, p95 9 ms, p99 12.2 ms, 0 failures. "
                     "The account holds.")
    assert second.startswith("2 replicas: 1\u202f000 requests/s")
    assert second.endswith("2 failures. THE ACCOUNT DOES NOT HOLD.")


def test_the_page_stands_alone(make):
    page = make(record(), record(**BROKEN))[0].read_text()
    assert not re.search(r"<link|<img|src=|url\(|@import|import\(|fetch\(", page)
    assert set(re.findall(r"https?://[^<\s\"]+", page)) == {
        "http://localhost", "http://www.w3.org/2000/svg"}, "the address under load, and a name"


def test_the_page_compares(make, tmp_path):
    page = drawn.draw(make(record(), record(**BROKEN))[0], tmp_path)
    assert "Load on the counter" in page.text
    assert ["1 replica", "400", "× 1.00", "2.5", "9", "12.3", "0", "0", "100 %",
            "The account holds"] in page.rows()
    assert ["2 replicas", "1\u202f000", "× 2.50", "2.5", "9", "12.3", "2", "0", "38 – 63 %",
            "THE ACCOUNT DOES NOT HOLD"] in page.rows()
    assert ["GET /x", "503 busy", "2"] in page.rows()
    assert page.rows().count(["GET /api/<counter>", "8", "0", "2.5", "9", "12.3", "13"]) == 2
    for text in ("two 62.5 %", "Latency with 2 replicas, ms", "1 lost"):
        assert text in page.text, text
    assert re.findall(r'<span class="bad">([^<]*)</span>', page.markup) == [
        "2", "THE ACCOUNT DOES NOT HOLD"]
    assert len(page.drawings) == 7, "requests, failures, users; latency and shares of two"


def test_thresholds_and_facts_are_shown_where_there_are_some(make, tmp_path):
    found = record(thresholds=[{"name": "errors", "found": 3, "limit": 0, "holds": False}],
                   facts=[{"name": "frames checked", "value": 12345}])
    page = drawn.draw(make(found)[0], tmp_path)
    assert ["errors", "3", "0", "DOES NOT HOLD"] in page.rows()
    assert ["frames checked", "12\u202f345"] in page.rows()


def test_nothing_in_a_record_becomes_a_part_of_the_page(make, tmp_path):
    evil = "</script><script>document.body.textContent = 'taken over'</script><!-- <b>"
    error = {"kind": "GET", "name": "/x", "what": evil, "count": 1}
    page = drawn.draw(make(record(errors=[error], replicas={evil: 8}))[0], tmp_path)
    assert ["GET /x", evil, "1"] in page.rows()
    assert "<b>" not in page.markup


def test_a_line_is_broken_where_nobody_answered(make, tmp_path):
    seconds = record()["seconds"]
    seconds = [second | {"second": at} for at, second in
               enumerate([seconds[0], seconds[0], seconds[1], seconds[0]])]
    page = drawn.draw(make(record(seconds=seconds))[0], tmp_path)
    latency = next(drawing for drawing in page.drawings if "Latency" in drawing)
    assert latency.count("<polyline") == 3, "p50, p95 and p99"
    assert latency.count("<circle") == 3, "a second alone"


def test_nothing_can_be_drawn_too(make, tmp_path):
    empty = record(seconds=[], requests=0, requests_per_s=0, p50_ms=None, p95_ms=None,
                   p99_ms=None, replicas={}, rows=[])
    page = drawn.draw(make(empty)[0], tmp_path)
    assert ["1 replica", "0", "–", "–", "–", "–", "0", "0", "–", "The account holds"] in page.rows()
    assert len(page.drawings) == 5
    assert "e-" not in "".join(re.findall(r"<text[^>]*>([^<]*)", page.markup)), "billionths"


def test_the_steps_of_an_axis_are_round(make, tmp_path):
    def steps(highest):
        second = record()["seconds"][0] | {"requests": highest}
        drawing = drawn.draw(make(record(seconds=[second]))[0], tmp_path).drawings[0]
        return re.findall(r'text-anchor="end">([^<]*)', drawing)

    assert steps(4) == ["0", "1", "2", "3", "4"]
    assert steps(1234) == ["0", "500", "1\u202f000", "1\u202f500"]


def test_the_json_is_what_was_recorded(make):
    runs = make(record(), record(**BROKEN))[1]["runs"]
    assert [run["replicas_wanted"] for run in runs] == [1, 2]
    assert runs[1]["errors"][0]["what"] == "503 busy"
