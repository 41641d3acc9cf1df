"""How many instances a peak load needs, from what one instance was measured to carry. Pure, but
for reading the records of load tests.

    python3 -m loadtest.capacity PEAK TARGET_MS MARGIN_PERCENT AT_LEAST THROUGHPUT|- [RECORD.json …]
"""

import json
import math
import sys


class Unfit(Exception):
    """The figures do not answer the question; says why."""


def instances(peak, throughput, margin_percent, at_least):
    return max(at_least, math.ceil(peak * (1 + margin_percent / 100) / throughput))


def carried(record, target_ms):
    """Requests a second that one instance carried; None if the run was not within the target."""
    if record["failures"] or record["limited"] or record["p95_ms"] is None:
        return None
    if record["p95_ms"] > target_ms:
        return None
    return record["requests_per_s"] / len(record["replicas"])


def runs_of(text, name):
    """The runs in a file: a record of Locust, or the report of scripts/load-compare.sh."""
    try:
        data = json.loads(text)
        runs = data["runs"] if "runs" in data else [data]
        for run in runs:
            if not run["replicas"]:
                raise Unfit(f"{name}: it does not say which instances answered")
            carried(run, 1)
        return runs
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise Unfit(f"{name}: not a record of a load test ({problem})") from problem


def throughput_of(runs, target_ms):
    """The most that one instance carried within the target in any of the runs."""
    figures = [figure for run in runs if (figure := carried(run, target_ms)) is not None]
    if not figures:
        raise Unfit(f"no run answered 95 of 100 requests within {target_ms:g} ms without a failure "
                    "or a 429: repeat it with less load, and without limits per address")
    return max(figures)


def main(peak, target_ms, margin_percent, at_least, throughput, *files):
    peak, target_ms, margin_percent = float(peak), float(target_ms), float(margin_percent)
    if throughput == "-":
        runs = []
        for name in files:
            try:
                with open(name, encoding="utf-8") as file:
                    runs += runs_of(file.read(), name)
            except OSError as problem:
                raise Unfit(str(problem)) from problem
        throughput = throughput_of(runs, target_ms)
    throughput = float(throughput)
    count = instances(peak, throughput, margin_percent, int(at_least))
    exact = peak * (1 + margin_percent / 100) / throughput
    print(f"peak load      {peak:g} requests/s, and {margin_percent:g} % more to be safe\n"
          f"one instance   {throughput:g} requests/s within {target_ms:g} ms\n"
          f"exactly        {exact:.2f}; rounded up, {at_least} at least\n"
          f"instances      {count}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Unfit as problem:
        sys.exit(str(problem))
