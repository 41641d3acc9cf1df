"""Makes one HTML page, with everything in it, of the records of runs at several sizes.

    python3 -m loadtest.report REPORT.html SIZE=RECORD.json …

The JSON that it is made of is written beside it, as REPORT.json. RECORD.json is what
`locust --record` writes. Prints a line for each size.
"""

import json
import pathlib
import sys
from html import escape

from loadtest import plot
from loadtest.plot import number

STYLE = """
:root { color-scheme: light dark; --ink: #1d2430; --paper: #fff; --faint: #d9dee6; --bad: #b3261e;
  --c0: #1f6feb; --c1: #d1680a; --c2: #1a8f5a; --c3: #9a3fc9; --c4: #c2185b; --c5: #5d6b7c; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e8ee; --paper: #14181f; --faint: #333b47; --bad: #ff8a80;
    --c0: #6ea8fe; --c1: #f0a04b; --c2: #56c596; --c3: #c792ea; --c4: #f48fb1; --c5: #9fb0c3; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 1320px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .8rem; text-align: right; border-bottom: 1px solid var(--faint); }
th:first-child, td:first-child, td.text { text-align: left; }
.scroll { overflow-x: auto; } .bad { color: var(--bad); font-weight: 600; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 1.5rem; }
figure { margin: 0; } figcaption { font-weight: 600; margin-bottom: .3rem; }
svg { width: 100%; height: auto; } svg text { font-size: 11px; fill: currentColor; opacity: .75; }
.grid { stroke: var(--faint); } polyline { fill: none; stroke: var(--c); stroke-width: 1.8; }
rect, circle { fill: var(--c); }
ul { list-style: none; padding: 0; margin: .2rem 0; display: flex; flex-wrap: wrap; gap: 0 1.2rem; }
li::before { content: ""; display: inline-block; width: .8em; height: .8em; border-radius: .2em;
  background: var(--c); margin-right: .4em; }
""" + "".join(f".c{n} {{ --c: var(--c{n}); }}\n" for n in range(plot.COLORS))

PERCENTILES = ("p50_ms", "p95_ms", "p99_ms")


def replicas(count):
    return f"{count} replica" + ("" if count == 1 else "s")


def name_of(percentile):
    return percentile.removesuffix("_ms")


# --- Tables -------------------------------------------------------------------------------------


def table(head, rows):
    """`rows` of cells that are HTML already."""
    lines = ["".join(f"<th>{escape(cell)}</th>" for cell in head)]
    lines += ["".join(f"<td>{cell}</td>" for cell in row) for row in rows]
    return f'<div class="scroll"><table><tr>{"</tr><tr>".join(lines)}</tr></table></div>'


def bad_if(wrong, text):
    return f'<span class="bad">{escape(text)}</span>' if wrong else escape(text)


def evenness(counts):
    """The smallest and the largest share of a replica, in words."""
    total = sum(counts.values())
    if not total:
        return "–"
    low, high = (f"{100 * pick(counts.values()) / total:.0f}" for pick in (min, max))
    return f"{low} %" if low == high else f"{low} – {high} %"


def summary(runs):
    first = runs[0]["requests_per_s"]
    rows = []
    for run in runs:
        gain = f"× {run['requests_per_s'] / first:.2f}" if first else "–"
        verdict = run["verdict"]
        rows.append([replicas(run["replicas_wanted"]), number(run["requests_per_s"]), gain,
                     *(number(run[percentile]) for percentile in PERCENTILES),
                     bad_if(run["failures"], number(run["failures"])), number(run["limited"]),
                     evenness(run["replicas"]),
                     bad_if(not verdict["holds"], verdict["lines"][0])])
    return table(["", "requests/s", "against the first", "p50 ms", "p95 ms", "p99 ms", "failures",
                  "told to wait (429)", "share of a replica", "account"], rows)


def details(run):
    rows = [[f"{escape(row['kind'])} {escape(row['name'])}", number(row["requests"]),
             bad_if(row["failures"], number(row["failures"])),
             *(number(row[percentile]) for percentile in PERCENTILES), number(row["max_ms"])]
            for row in run["rows"] + run["beside"]]
    verdict = "<br>".join(escape(line) for line in run["verdict"]["lines"])
    return (f"<h2>{replicas(run['replicas_wanted'])}</h2><p>{verdict}</p>"
            + table(["", "answers", "failures", "p50 ms", "p95 ms", "p99 ms", "max ms"], rows)
            + errors(run))


def errors(run):
    rows = [[f"{escape(error['kind'])} {escape(error['name'])}", escape(error["what"]),
             number(error["count"])] for error in run["errors"]]
    return table(["failures", "what", "how often"], rows) if rows else ""


# --- Plots --------------------------------------------------------------------------------------


def over_time(run, what):
    return [(second["second"], second[what]) for second in run["seconds"]]


def compared(title, runs, what):
    return plot.lines(title, [(replicas(run["replicas_wanted"]), over_time(run, what))
                              for run in runs])


def plots(runs):
    highest_ms = max((second["p99_ms"] or 0 for run in runs for second in run["seconds"]),
                     default=0)
    drawn = [compared("Requests per second", runs, "requests"),
             compared("Failures per second", runs, "failures")]
    for run in runs:
        size = replicas(run["replicas_wanted"])
        drawn.append(plot.lines(f"Latency with {size}, ms", [
            (name_of(percentile), over_time(run, percentile)) for percentile in PERCENTILES],
            highest_ms))
    for run in runs:
        size = replicas(run["replicas_wanted"])
        drawn.append(plot.shares(f"Answers of each of {size}", run["replicas"]))
    return f'<div class="plots">{"".join(drawn)}</div>'


# --- The page -----------------------------------------------------------------------------------


def page(runs):
    """`runs` are records with `replicas_wanted`, in the order they were made."""
    load = runs[0]
    title = f"Load on the {load['application']}"
    made = (f"{escape(load['host'])}, {number(load['users'])} users, "
            f"{number(load['duration_s'])} s each")
    return (f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
            f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
            f"<h1>{title}</h1><p>{made}</p>{summary(runs)}<h2>Over time</h2>{plots(runs)}"
            f'{"".join(map(details, runs))}</html>\n')


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
