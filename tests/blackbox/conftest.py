"""Fixtures: real servers on free loopback ports, each with its own data folder."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
sys.path.append(str(HERE.parent / "deploy"))

import counter
import counter_crowd
import documents
import hot
import server as servers
from crowd import SIZE


def factory(tmp_path_factory):
    started = []

    def start(*, ready=True, **settings):
        server = servers.Server(tmp_path_factory.mktemp("server"), **settings)
        started.append(server)
        return server.start(ready)

    yield start
    problems = []
    for server in started:
        try:
            server.close()
        except AssertionError as problem:
            problems.append(str(problem))
    assert not problems, "\n".join(problems)


@pytest.fixture
def start_server(tmp_path_factory):
    """start_server(COOLDOWN_MS=0, …) → a ready Server, ended after the test."""
    yield from factory(tmp_path_factory)


@pytest.fixture(scope="module")
def start_shared_server(tmp_path_factory):
    """The same, ended after the file."""
    yield from factory(tmp_path_factory)


@pytest.fixture
def server(start_server):
    return start_server()


@pytest.fixture(scope="module")
def shared(start_shared_server):
    """One server for all tests of a file that leave no trace of themselves."""
    return start_shared_server()


@pytest.fixture
def redis(tmp_path):
    """A real Redis that syncs every write, for the servers of one test."""
    server = hot.RedisServer(tmp_path / "redis").start()
    yield server
    server.stop()


@pytest.fixture
def serve_group(start_server):
    """serve_group(group, n) → that many ready servers over a group's master."""
    return lambda group, count: [
        start_server(REDIS_URL=group.url, REPLICA_NAME=f"replica-{n}", CANVAS_WIDTH=SIZE,
                     CANVAS_HEIGHT=SIZE) for n in range(count)]


@pytest.fixture(params=counter.STORES, ids=lambda store: store.NAME)
def counters(request, tmp_path_factory):
    """counters(TICK_MS_MAX=20, …) → ready replicas of counter-app over a store of their own."""
    yield from counter.factory(request.param, tmp_path_factory)


@pytest.fixture(scope="module", params=counter.STORES, ids=lambda store: store.NAME)
def shared_counters(request, tmp_path_factory):
    """Replicas of counter-app for all tests of a file; each test presses a counter of its own."""
    yield from counter.factory(request.param, tmp_path_factory, start_at_once=True)


@pytest.fixture
def serve_counters(tmp_path):
    """serve_counters(url) → ready replicas of counter-app over a Redis."""
    started = []

    def serve(url):
        for number in range(counter_crowd.REPLICAS):
            folder = tmp_path / f"replica-{number}"
            folder.mkdir()
            started.append(servers.Server(folder, binary=counter.BINARY, REDIS_URL=url,
                                          REPLICA_NAME=f"replica-{number}"))
        return [replica.start() for replica in started]

    yield serve
    for replica in started:
        replica.close()


@pytest.fixture(scope="session")
def commands():
    return documents.sections(HERE / "commands.md")
