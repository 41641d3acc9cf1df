"""Every shell script passes shellcheck, can be executed and explains itself with --help."""

import os
import shutil
import subprocess
import sys

import project

if not shutil.which("shellcheck"):
    print("skipped: shellcheck is not installed")
    sys.exit(project.SKIPPED)

scripts = [path for path in project.files(".sh", ".ci/run")]
checked = subprocess.run(["shellcheck", "--external-sources", "--source-path=.",
                          *map(str, scripts)], capture_output=True, text=True, cwd=project.ROOT)
problems = checked.stdout.splitlines()
for script in scripts:
    if script.name in ("lib.sh", "stores.sh", "stack.sh", "releases.sh", "kubernetes.sh"):
        continue  # sourced by the others
    relative = script.relative_to(project.ROOT)
    if not os.access(script, os.X_OK):
        problems.append(f"{relative}: cannot be executed")
    elif script.suffix == ".sh":
        helped = subprocess.run([script, "--help"], capture_output=True, text=True, timeout=10)
        if helped.returncode != 0 or "usage:" not in helped.stdout.lower():
            problems.append(f"{relative}: --help does not print its usage")
project.report(problems)
