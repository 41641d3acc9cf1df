"""The golden vectors of tests/vectors/redis.json, run through the library on a real server."""

import json

import pytest

import formats
from hot_journal import CHANNEL

VECTORS = json.loads((formats.ROOT / "tests/vectors/redis.json").read_text(encoding="utf-8"))
BATCHES = [vector for vector in VECTORS if vector["format"] == "batches"]


def names(vectors):
    return [vector["name"] for vector in vectors]


@pytest.mark.parametrize("vector", BATCHES, ids=names(BATCHES))
def test_batches(journal, listen, vector):
    canvas = vector["canvas"]
    journal.open(canvas["width"], canvas["height"], cooldown_ms=canvas["cooldown_ms"],
                 charges_max=canvas["charges_max"], frozen=canvas["frozen"],
                 epoch=canvas["epoch"], offset=canvas["offset"], digest=canvas["digest"])
    for person in canvas.get("bans", []):
        journal.ban(person)
    next_message = listen()
    for batch in vector["batches"]:
        journal.set_time(batch["time_ms"])
        answers, record = journal.call("append", CHANNEL, bytes.fromhex(batch["operations"]))
        assert (answers.hex(), record.hex()) == (batch["answers"], batch["record"])
        if record:
            assert next_message() == record
            assert journal.client.xrevrange(journal.key("log"), count=1) == [
                (batch["id"].encode(), {b"r": record})]


def test_rules(journal, listen):
    vectors = [v for v in VECTORS if v["format"] == "message" and v["hex"].startswith("6b")]
    assert len(vectors) >= 2
    for vector in vectors:
        fields = vector["fields"]
        if fields["charges_max"] > 65535:
            continue
        journal.client.flushall()
        journal.open()
        journal.client.hset(journal.key("state"), "rules_version", int(fields["version"]) - 1)
        next_message = listen()
        journal.rules(fields["cooldown_ms"], fields["charges_max"], fields["frozen"])
        assert next_message().hex() == vector["hex"]


def test_records_and_malformed_ones(journal):
    """An adoption takes every record that is well-formed, and no other."""
    for vector in VECTORS:
        if vector["format"] not in ("record", "malformed record"):
            continue
        journal.client.flushall()
        fields = vector.get("fields") or vector["position"]
        last = int(fields["base"]) + len(fields.get("operations", []))
        position = int(fields["epoch"]), last, fields["digest"]
        journal.offer("a", *position[:2], wait_ms=60_000)
        journal.client.hincrby(journal.key("rebuild"), "since_ms", -60_000)
        assert journal.offer("a", *position[:2], wait_ms=60_000) == ("adopt",)
        call = [CHANNEL, "a", 8, 8, 0, 5, 0, 1, 99_999_999_999_999, *position, b"\0" * 64,
                bytes.fromhex(vector["hex"])]
        if vector["format"] == "record":
            assert journal.call("adopt", *call)[0] == b"adopted", vector["name"]
        else:
            with pytest.raises(Exception, match="^BADARG "):
                journal.call("adopt", *call)
