"""The functions of the library as methods: arguments and replies of docs/redis.md as Python."""

from typing import NamedTuple

import formats

CHANNEL = "pixel-battle"
ZERO = "0" * 16
FAR_MS = 4_102_444_800_000  # the year 2100: ahead of every clock, so the state's time is the time


class State(NamedTuple):
    epoch: int
    offset: int
    digest: str
    width: int
    height: int
    cooldown_ms: int
    charges_max: int
    frozen: int
    rules_version: int
    now_ms: int
    replid: str

    @property
    def position(self):
        return self.epoch, self.offset, self.digest


class HotJournal:
    def __init__(self, client, prefix=formats.PREFIX, names="pb1_"):
        self.client, self.prefix, self.names = client, prefix, names

    def key(self, name):
        return self.prefix + name

    def call(self, name, *args):
        return self.client.execute_command("FCALL", self.names + name, 1, self.key("state"), *args)

    def open(self, width=64, height=64, blank=31, cooldown_ms=0, charges_max=5, frozen=0, epoch=1,
             offset=0, digest=ZERO):
        return self._state(self.call("open", width, height, blank, cooldown_ms, charges_max, frozen,
                                     epoch, offset, digest))

    def state(self):
        return self._state(self.call("state"))

    @staticmethod
    def _state(reply):
        texts = {2: reply[2].decode(), 10: reply[10].decode()}
        return State(*(texts.get(i, value) for i, value in enumerate(reply)))

    def snapshot(self):
        epoch, offset, digest, board = self.call("snapshot")
        return (epoch, offset, digest.decode()), board

    def append(self, *ops):
        """The answers, and the record or None."""
        data, record = self.call("append", CHANNEL, formats.operations(ops))
        return formats.answers(data), formats.record(record) if record else None

    def charges(self, person):
        return tuple(self.call("charges", person))

    def rules(self, cooldown_ms, charges_max, frozen=0):
        return self.call("rules", CHANNEL, cooldown_ms, charges_max, frozen)[0]

    def settings(self, cooldown_ms, charges_max, frozen=0):
        return self.call("settings", CHANNEL, cooldown_ms, charges_max, frozen)[0]

    def ban(self, person, banned=1):
        return self.call("ban", person, banned)[0]

    def bans(self):
        return [int(person) for person in self.call("bans")]

    def end_epoch(self, epoch, offset, digest):
        return self._outcome(self.call("end_epoch", CHANNEL, epoch, offset, digest))

    def offer(self, candidate, epoch, offset, wait_ms=1):
        return self._outcome(self.call("offer", candidate, epoch, offset, wait_ms))

    def adopt(self, candidate, position, board, records=(), width=64, height=64, cooldown_ms=0,
              charges_max=5, frozen=0, rules_version=1, time_ms=0):
        return self._outcome(self.call(
            "adopt", CHANNEL, candidate, width, height, cooldown_ms, charges_max, frozen,
            rules_version, time_ms, *position, board, *(record.encoded() for record in records)))

    def trim(self, epoch, offset):
        return self.call("trim", epoch, offset)[0]

    @staticmethod
    def _outcome(reply):
        return tuple(part.decode() if isinstance(part, bytes) else part for part in reply)

    def set_time(self, time_ms):
        """From now on it is this time, as long as it lies ahead of the clock."""
        self.client.hset(self.key("state"), "time_ms", time_ms)

    def log(self):
        return [(name, formats.record(fields[b"r"]))
                for name, fields in self.client.xrange(self.key("log"))]

    def everything(self):
        """What the keys hold, to see that nothing was changed."""
        client = self.client
        read = {b"string": client.get, b"hash": client.hgetall, b"set": client.smembers,
                b"stream": client.xrange}
        return {key: read[client.type(key)](key) for key in client.keys("*")}
