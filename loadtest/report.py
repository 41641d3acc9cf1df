"""Makes one HTML page, with everything in it, of the records of runs at several sizes.

    python3 -m loadtest.report REPORT.html SIZE=RECORD.json …

The JSON that it is made of is written beside it, as REPORT.json. RECORD.json is what
`locust --record` and `pixel-battle loadtest --json` write. The page, report.html, draws it by
itself. Prints a line for each size.
"""

import json
import pathlib
import sys

PAGE = pathlib.Path(__file__).with_name("report.html")
PLACE = '"RUNS"'  # in the page


def page(runs):
    """`runs` are records with `replicas_wanted`, in the order they were made."""
    # Nothing in the JSON may end the element that holds it.
    data = json.dumps(runs).replace("<", "\\u003c")
    return PAGE.read_text(encoding="utf-8").replace(PLACE, data, 1)


def number(value):
    """Short, for people: 1 234, 12.5, 0.25."""
    if value is None:
        return "–"
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}".replace(",", "\u202f")
    return f"{value:.3g}"


def replicas(count):
    return f"{count} replica" + ("" if count == 1 else "s")


def line(run):
    return (f"{replicas(run['replicas_wanted'])}: {number(run['requests_per_s'])} requests/s, "
            f"p50 {number(run['p50_ms'])} ms, p95 {number(run['p95_ms'])} ms, "
            f"p99 {number(run['p99_ms'])} ms, {number(run['failures'])} failures. "
            f"{run['verdict']['lines'][0]}.")


def load_run(word):
    size, _, path = word.partition("=")
    record = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    return {"replicas_wanted": int(size), **record}


def main(report, *words):
    runs = [load_run(word) for word in words]
    report = pathlib.Path(report)
    report.write_text(page(runs), encoding="utf-8")
    report.with_suffix(".json").write_text(json.dumps({"runs": runs}, indent=1), encoding="utf-8")
    for run in runs:
        print(line(run))


if __name__ == "__main__":
    main(*sys.argv[1:])
