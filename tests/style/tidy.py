"""clang-tidy over src/ and apps/: tidy.py <build folder with compile_commands.json>.

A file that passed is not looked at again until it, a header it includes, its compile command or
.clang-tidy changes.
"""

import concurrent.futures
import functools
import hashlib
import json
import pathlib
import re
import subprocess
import sys

import project

PARALLEL_JOBS = 2
# The compile commands may be GCC's, whose warnings clang does not all know.
EXTRA = ["--extra-arg=-Wno-unknown-warning-option", "--quiet"]


@functools.lru_cache(maxsize=None)
def digest_of(path):
    """Of a file and, through it, of every header of ours that it includes."""
    digest = hashlib.sha256(path.read_bytes())
    for name in headers_of(path):
        digest.update((project.ROOT / "src" / name).read_bytes())
    return digest.hexdigest()


@functools.lru_cache(maxsize=None)
def headers_of(path):
    found, waiting = set(), [path]
    while waiting:
        for quoted, name in project.includes(waiting.pop()):
            header = project.ROOT / "src" / name
            if quoted and name not in found and header.is_file():
                found.add(name)
                waiting.append(header)
    return tuple(sorted(found))


def passed_marker(command, cache, configuration):
    path = pathlib.Path(command["file"])
    how = re.sub(r"\S*ccache\s+", "", command["command"])
    key = "\n".join((configuration, how, digest_of(path)))
    return cache / hashlib.sha256(key.encode()).hexdigest()


def problems_of(command, tool, build, cache, configuration):
    marker = passed_marker(command, cache, configuration)
    if marker.exists():
        return []
    done = subprocess.run([tool, *EXTRA, "-p", str(build), command["file"]],
                          capture_output=True, text=True)
    if done.returncode == 0:
        marker.touch()
        return []
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    return lines or [f"{command['file']}: {done.stderr}"]


def main():
    tool = project.clang_tool("clang-tidy")
    build = pathlib.Path(sys.argv[1]).resolve()
    cache = build / "tidy"
    cache.mkdir(exist_ok=True)
    configuration = (project.ROOT / ".clang-tidy").read_text("utf-8")
    ours = tuple(str(project.ROOT / room) + "/" for room in ("src", "apps"))
    commands = [command for command in json.loads((build / "compile_commands.json").read_text())
                if command["file"].startswith(ours)]
    with concurrent.futures.ThreadPoolExecutor(PARALLEL_JOBS) as pool:
        results = pool.map(
            lambda command: problems_of(command, tool, build, cache, configuration), commands)
        project.report([problem for problems in results for problem in problems])


if __name__ == "__main__":
    main()
