"""A real Redis for several servers, and what its log says, read behind their backs."""

import pathlib
import shutil
import sys

sys.path.append(str(pathlib.Path(__file__).parents[1] / "functions"))

import formats
import journal
from redis_server import RedisServer

LOG = formats.PREFIX + "log"


def url(redis):
    return f"redis://127.0.0.1:{redis.port}"


def records(redis):
    """All records of the log, oldest first."""
    with redis.client() as client:
        return [formats.record(fields[b"r"]) for _, fields in client.xrange(LOG)]


def entries(redis):
    """The entries of the log in order; what an epoch begins with is checked on the way."""
    found, at = [], None
    for record in records(redis):
        if at is not None:
            assert (record.base, record.base_digest) == at, f"{record} does not follow {at}"
        digest = record.base_digest
        for offset, operation in enumerate(record.operations, record.base + 1):
            digest = formats.next_digest(digest, offset, record.time_ms, operation)
            found.append(journal.Entry(offset, record.time_ms, operation.person, operation.x,
                                       operation.y, operation.color, digest))
        assert digest == record.digest
        at = (record.last, record.digest)
    return found


def epoch(redis):
    with redis.client() as client:
        return int(client.hget(formats.STATE, "epoch"))


def wipe(redis):
    with redis.client() as operator:
        operator.flushall()


def replace_by_an_empty_one(redis):
    redis.kill()
    shutil.rmtree(redis.folder)
    redis.folder.mkdir()
    redis.start()
