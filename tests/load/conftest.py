"""Fixtures: Locust with the project's locustfile.py, and what it puts its load on."""

import pathlib
import shutil
import sys

import pytest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(HERE), str(HERE.parent / "blackbox")]
sys.path.append(str(HERE.parent / "deploy"))

import documents
import lying
import server as servers
from lying import wire  # noqa: F401  # a fixture


@pytest.fixture
def locust(tmp_path):
    """locust("-u", 5, …) → a started lying.Program, which is over after the test."""
    if not shutil.which("locust"):
        pytest.skip("this system's packages have no Locust (scripts/lib.sh, ensure_locust)")
    started = []

    def start(*options):
        command = ["locust", "-f", ROOT / "locustfile.py", *options]
        started.append(lying.Program(command, tmp_path / f"locust-{len(started)}.log"))
        return started[-1]

    yield start
    for program in started:
        program.stop()


@pytest.fixture
def counter(tmp_path):
    """counter("--lie", "lose") → the address of a counter of the tests' own."""
    started = []

    def start(*options):
        port = servers.free_port()
        command = [sys.executable, "-B", HERE / "lying_counter.py", port, *options]
        started.append(lying.Program(command, tmp_path / "counter.log"))
        started[-1].until_answers(port, "/api/counter")
        return f"http://localhost:{port}"

    yield start
    for program in started:
        program.stop()


@pytest.fixture
def canvas(tmp_path):
    """canvas(COOLDOWN_MS=100, …) → a ready server.Server with a canvas."""
    started = []

    def start(**settings):
        server = servers.Server(tmp_path, **settings)
        started.append(server)
        return server.start()

    yield start
    for server in started:
        server.close()


@pytest.fixture(scope="session")
def commands():
    return documents.sections(HERE / "commands.md")
