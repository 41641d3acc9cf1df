"""The bytes of docs/redis.md in Python, sharing no code with the library or with the C++ codec."""

import hashlib
import pathlib
import struct
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parents[2]
PREFIX = "{pixel-battle}:v1:"
STATE = PREFIX + "state"


def library():
    """The text that the binary embeds."""
    folder = ROOT / "src/journal/redis"
    parts = ("pixel_battle.lua", "pixel_battle_knobs.lua", "pixel_battle_epochs.lua")
    return "".join((folder / name).read_text(encoding="utf-8") for name in parts)


class Operation(NamedTuple):
    person: int
    producer: int
    sequence: int
    x: int
    y: int
    color: int = 7
    name: bytes = b"Anna"

    def encoded(self):
        return struct.pack("<QqHHBQB", self.producer, self.person, self.x, self.y, self.color,
                           self.sequence, len(self.name)) + self.name


class Record(NamedTuple):
    epoch: int
    base: int
    base_digest: str
    digest: str
    time_ms: int
    operations: tuple = ()

    @property
    def last(self):
        return self.base + len(self.operations)

    def stream_id(self):
        return f"{self.epoch}-{self.last}".encode()

    def encoded(self):
        head = struct.pack("<cQQQQqI", b"r", self.epoch, self.base, int(self.base_digest, 16),
                           int(self.digest, 16), self.time_ms, len(self.operations))
        return head + operations(self.operations)


class Answer(NamedTuple):
    status: int
    epoch: int
    offset: int
    left: int
    next_charge_ms: int
    wait_ms: int = 0


def operations(ops):
    return b"".join(op.encoded() for op in ops)


def answers(data):
    assert len(data) % 29 == 0, len(data)
    return [Answer(*fields) for fields in struct.iter_unpack("<BQQIII", data)]


def record(data):
    kind, epoch, base, base_digest, digest, time_ms, count = struct.unpack_from("<cQQQQqI", data)
    assert kind == b"r", kind
    at, ops = 45, []
    for _ in range(count):
        producer, person, x, y, color, sequence, size = struct.unpack_from("<QqHHBQB", data, at)
        name = data[at + 30:at + 30 + size]
        assert len(name) == size
        ops.append(Operation(person, producer, sequence, x, y, color, name))
        at += 30 + size
    assert at == len(data), "bytes are left over"
    return Record(epoch, base, f"{base_digest:016x}", f"{digest:016x}", time_ms, tuple(ops))


def next_digest(digest, offset, time_ms, op):
    entry = struct.pack("<QqqHHB", offset, time_ms, op.person, op.x, op.y, op.color)
    return hashlib.sha1(digest.encode() + entry).hexdigest()[:16]


def digest_after(base, base_digest, time_ms, ops):
    digest = base_digest
    for offset, op in enumerate(ops, base + 1):
        digest = next_digest(digest, offset, time_ms, op)
    return digest


def chained(epoch, base, base_digest, time_ms, ops=()):
    """The record of these operations, its digest computed."""
    digest = digest_after(base, base_digest, time_ms, ops)
    return Record(epoch, base, base_digest, digest, time_ms, tuple(ops))
