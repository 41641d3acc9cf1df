"""Lets these tests use the black-box tests' servers and players; none run at all is not passed."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), *(str(HERE.parent / name) for name in ("blackbox", "functions"))]

import cluster as clusters

NOT_RUN = 77  # what CTest counts as not run


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if exitstatus == 0 and reporter.stats.get("skipped") and not reporter.stats.get("passed"):
        session.exitstatus = NOT_RUN


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A namespace of this file's own, gone after it."""
    cluster = clusters.Cluster(tmp_path_factory.mktemp("manifests"))
    try:
        yield cluster.start()
    finally:
        cluster.close()
