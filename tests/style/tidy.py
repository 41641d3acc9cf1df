"""clang-tidy over src/ and apps/: tidy.py <build folder with compile_commands.json> [--each].

Files of one target are looked at several at a time: most of the time goes into what they all
include. With --each every file by itself, which finds unused using-declarations too. What passed is
not looked at again until a file of it, a header they include, its compile command or .clang-tidy
changes.
"""

import concurrent.futures
import functools
import hashlib
import itertools
import json
import pathlib
import re
import subprocess
import sys

import project

PARALLEL_JOBS = 2
BATCH_FILES = 8
# The compile commands may be GCC's, whose warnings clang does not all know.
EXTRA = ["--extra-arg=-Wno-unknown-warning-option", "--quiet",
         "--checks=-bugprone-suspicious-include"]  # the batches include sources


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


def passed_marker(command, sources, cache, configuration):
    how = re.sub(r"\S*ccache\s+", "", command["command"])
    key = "\n".join((configuration, how, *(digest_of(source) for source in sources)))
    return cache / hashlib.sha256(key.encode()).hexdigest()


def problems_of(batch, tool, cache, configuration):
    command, sources = batch
    marker = passed_marker(command, sources, cache, configuration)
    if marker.exists():
        return []
    done = subprocess.run([tool, *EXTRA, "-p", str(cache), command["file"]],
                          capture_output=True, text=True)
    if done.returncode == 0:
        marker.touch()
        return []
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    return lines or [f"{command['file']}: {done.stderr}"]


def object_folder(command):
    return re.search(r" -o (\S+)/", command["command"]).group(1)


def batches_of(commands, size, cache):
    """(compile command, the sources it looks at) each: of files of one target, which are compiled
    alike, one that includes them."""
    for folder, group in itertools.groupby(commands, object_folder):
        group = list(group)
        for first in range(0, len(group), size):
            command, *_ = some = group[first:first + size]
            sources = [pathlib.Path(one["file"]) for one in some]
            batch = cache / folder / f"{first}.cpp"
            batch.parent.mkdir(parents=True, exist_ok=True)
            batch.write_text("".join(f'#include "{source}"\n' for source in sources))
            yield {"directory": command["directory"], "file": str(batch),
                   "command": command["command"].replace(command["file"], str(batch))}, sources


def main():
    tool = project.clang_tool("clang-tidy")
    build = pathlib.Path(sys.argv[1]).resolve()
    each = sys.argv[2:] == ["--each"]
    cache = build / "tidy"
    cache.mkdir(exist_ok=True)
    configuration = (project.ROOT / ".clang-tidy").read_text("utf-8")
    ours = tuple(str(project.ROOT / room) + "/" for room in ("src", "apps"))
    commands = [command for command in json.loads((build / "compile_commands.json").read_text())
                if command["file"].startswith(ours)]
    batches = ([(command, [pathlib.Path(command["file"])]) for command in commands] if each
               else list(batches_of(commands, BATCH_FILES, cache)))
    (cache / "compile_commands.json").write_text(json.dumps([command for command, _ in batches]))
    with concurrent.futures.ThreadPoolExecutor(PARALLEL_JOBS) as pool:
        results = pool.map(lambda batch: problems_of(batch, tool, cache, configuration), batches)
        project.report([problem for problems in results for problem in problems])


if __name__ == "__main__":
    main()
