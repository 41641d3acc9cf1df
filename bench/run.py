#!/usr/bin/env python3
"""Runs the benchmarks and reports. scripts/bench.sh is the way in: it installs and builds first."""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from measures import MEASURES, PACKAGES
from processes import WORK, Failed
from table import as_markdown, as_text


class Effort:
    """How long and how often to measure."""

    def __init__(self, quick: bool):
        self.quick = quick

    def runs(self, full: int) -> int:
        return 1 if self.quick else full

    def seconds(self, full: int) -> int:
        return min(full, 2) if self.quick else full

    def clients(self, full: int) -> int:
        return min(full, 1000) if self.quick else full


def machine() -> dict:
    cpus = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return {"cpu": cpus[1] if cpus else platform.machine(), "cores": len(os.sched_getaffinity(0)),
            "kernel": platform.release(), "load_before": os.getloadavg()[0]}


def arguments() -> argparse.Namespace:
    width = max(map(len, MEASURES))
    summary = "\n".join(f"  {name:{width}} {measure.__doc__.split(chr(10))[0]}"
                        for name, (measure, _) in MEASURES.items())
    parser = argparse.ArgumentParser(
        prog="scripts/bench.sh", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measures the server side by side with its peers, prints the table and\n"
                    "writes build/bench/results.json and results.md.",
        epilog=f"benchmarks:\n{summary}")
    parser.add_argument("names", nargs="*", metavar="name",
                        help="run only these benchmarks; counter: all that begin with counter-")
    parser.add_argument("--list", action="store_true", help="print the names and end")
    parser.add_argument("--quick", action="store_true",
                        help="one short run of each: shows that it works, not how fast it is")
    parser.add_argument("--targets", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--packages", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = [given for given in options.names
               if not any(is_meant(given, name) for name in MEASURES)]
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)} (see --list)")
    return options


def is_meant(given: str, name: str) -> bool:
    """Whether somebody who gives this name means the benchmark: it, or all that begin so."""
    return name == given or name.startswith(f"{given}-")


def main() -> int:
    options = arguments()
    chosen = {name: measure for name, measure in MEASURES.items()
              if not options.names or any(is_meant(given, name) for given in options.names)}
    if options.list:
        print("\n".join(MEASURES))
        return 0
    if options.packages:  # what scripts/bench.sh has to install for these
        print(" ".join(sorted({package for name in chosen for package in PACKAGES.get(name, ())})))
        return 0
    if options.targets:  # and to build
        print(" ".join(sorted({target for _, targets in chosen.values() for target in targets})))
        return 0

    shutil.rmtree(WORK / "data", ignore_errors=True)  # a journal of another build proves nothing
    WORK.mkdir(parents=True, exist_ok=True)
    system, rows, failures = machine(), [], {}
    for name, (measure, _) in chosen.items():
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        try:
            rows.extend(measure(Effort(options.quick)))
        except (Failed, OSError, subprocess.SubprocessError) as failure:
            failures[name] = str(failure)
    shutil.rmtree(WORK / "data", ignore_errors=True)
    results = {"machine": system, "quick": options.quick, "rows": [row.as_json() for row in rows],
               "failures": failures}
    (WORK / "results.json").write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")
    head = (f"{system['cores']} cores, {system['cpu']}, Linux {system['kernel']}, load before: "
            f"{system['load_before']:.1f}")
    (WORK / "results.md").write_text(f"{head}\n\n{as_markdown(rows)}")
    print(f"{head}\n\n{as_text(rows)}")
    for name, why in failures.items():
        print(f"{name} could not be measured: {why}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
