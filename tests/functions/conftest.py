"""Fixtures: a real redis-server for each file of tests, and an empty journal for each test."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import formats
import hot_journal
import redis_server


@pytest.fixture(scope="module")
def start_redis(tmp_path_factory):
    """start_redis(appendfsync="no", …) → a RedisServer, ended after the file."""
    started = []

    def start(**settings):
        server = redis_server.RedisServer(tmp_path_factory.mktemp("redis"), **settings)
        started.append(server)
        return server.start()

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="module")
def shared_redis(start_redis):
    server = start_redis(appendfsync="no")
    server.client().execute_command("FUNCTION", "LOAD", formats.library())
    return server


@pytest.fixture
def journal(shared_redis):
    """No canvas yet."""
    client = shared_redis.client()
    client.flushall()
    yield hot_journal.HotJournal(client)
    client.close()


@pytest.fixture
def listen(shared_redis):
    """listen() → a function that returns the next message published since."""
    subscribers = []

    def start():
        subscriber = shared_redis.client().pubsub(ignore_subscribe_messages=False)
        subscribers.append(subscriber)
        subscriber.subscribe(hot_journal.CHANNEL)
        assert subscriber.get_message(timeout=10)["type"] == "subscribe"

        def next_message():
            message = subscriber.get_message(timeout=10)
            assert message, "nothing was published"
            return message["data"]

        return next_message

    yield start
    for subscriber in subscribers:
        subscriber.close()
