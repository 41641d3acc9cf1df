"""Lets these tests use the black-box tests' servers and players; without a cluster says so."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), *(str(HERE.parent / name)
                             for name in ("blackbox", "functions", "deploy"))]

import cluster as clusters
import documents

NOT_RUN = 77  # CTest's SKIP_RETURN_CODE


def pytest_exception_interact(node):
    """The tests in a cluster are one story: after a failure the rest would only wait in vain."""
    if node.path.stem.endswith("_in_cluster"):
        node.session.shouldfail = "what follows builds on this"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A namespace of this file's own, gone after it."""
    if why := clusters.why_not():
        pytest.exit(f"not run: {why}", NOT_RUN)
    cluster = clusters.Cluster(tmp_path_factory.mktemp("manifests"))
    try:
        yield cluster.start()
    finally:
        cluster.close()


@pytest.fixture(scope="session")
def commands():
    return documents.sections(HERE / "commands.md")
