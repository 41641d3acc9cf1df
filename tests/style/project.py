"""What the style tests share: the project's files and what they include."""

import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = 77  # CTest's SKIP_RETURN_CODE
CLANG_TOOLS_VERSION = 14  # formatting and checks differ from version to version

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)


def files(*suffixes):
    """The project's own files with one of the suffixes: tracked, or new and not ignored."""
    git = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT)]
    listed = subprocess.run([*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            check=True, capture_output=True, text=True).stdout
    paths = (ROOT / name for name in sorted(set(listed.split("\0"))) if name.endswith(suffixes))
    return [path for path in paths if path.is_file()]


def includes(path):
    """(is it "quoted", what) for every #include line."""
    return [(quote == '"', name) for quote, name in INCLUDE.findall(path.read_text("utf-8"))]


def clang_tool(name):
    """The path of clang-format or clang-tidy in the one version that the checks are made for."""
    for candidate in (f"{name}-{CLANG_TOOLS_VERSION}", name):
        found = shutil.which(candidate)
        if found:
            says = subprocess.run([found, "--version"], capture_output=True, text=True).stdout
            if re.search(rf"version {CLANG_TOOLS_VERSION}\.", says):
                return found
    print(f"skipped: {name} {CLANG_TOOLS_VERSION} is not installed")
    sys.exit(SKIPPED)


def report(problems):
    """Prints the problems and ends the test."""
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problem(s)" if problems else "fine")
    sys.exit(1 if problems else 0)
