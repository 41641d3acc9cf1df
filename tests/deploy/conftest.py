"""Fixtures: a Docker engine, the base images, ours, and a copy of the project to deploy from."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "blackbox")]

import documents
import engine

NOT_RUN = 77  # CTest's SKIP_RETURN_CODE


@pytest.fixture(scope="session")
def needed():
    """needed("program", …): without them this file counts as not run."""
    os.environ["PATH"] += ":/usr/sbin"

    def check(*programs):
        missing = [program for program in programs if not shutil.which(program)]
        if missing:
            pytest.exit(f"not run: there is no {' and no '.join(missing)}", NOT_RUN)

    return check


@pytest.fixture(scope="session")
def docker(tmp_path_factory, needed):
    """An engine that has the base images."""
    needed("docker-compose", "curl")
    try:
        with engine.running(tmp_path_factory.mktemp("engine") / "dockerd.log"):
            engine.run("scripts/base-images.sh", ROOT, timeout=1800)
            yield
    except engine.CannotRun as why:
        pytest.exit(f"not run: {why}", NOT_RUN)


@pytest.fixture(scope="module")
def project(docker, tmp_path_factory):
    """A copy of the project, as somebody gets it who clones it."""
    copy = tmp_path_factory.mktemp("project") / "pixel-battle"
    listed = subprocess.run(["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached",
                             "--others", "--exclude-standard"], cwd=ROOT, check=True,
                            capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    return copy


@pytest.fixture(scope="session")
def commands():
    return documents.sections(HERE / "commands.md")
