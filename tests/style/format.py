"""Every C++ file is formatted as .clang-format says. To format: clang-format -i <file>."""

import subprocess

import project

tool = project.clang_tool("clang-format")
sources = project.files(".cpp", ".hpp")
done = subprocess.run([tool, "--dry-run", "-Werror", "--ferror-limit=1", *map(str, sources)],
                      capture_output=True, text=True)
project.report([line for line in done.stderr.splitlines() if ": error:" in line])
