"""counter-app for the tests: replicas over one store, and those who press and follow counters."""

import asyncio
import collections
import contextlib
import itertools
import json
import os
import pathlib
import socket
import sqlite3

import hot
import server as servers
import web
from ws import PATIENCE_S

BINARY = pathlib.Path(os.environ.get("COUNTER_APP_BIN",
                                     servers.ROOT / "build/release/bin/counter-app")).absolute()
STORY_LIMIT_S = 300 if servers.FAST else 60
VALUE_MAX = 2**63 - 1
VALUES = "{counter-app}:v1:values"  # in Redis
VERBS = ("increment", "decrement", "reset")
_numbers = itertools.count()


def run(story, limit_s=STORY_LIMIT_S):
    """Runs a coroutine, which must come to its end."""
    return asyncio.run(asyncio.wait_for(story, limit_s))


def path(name=None, verb=None):
    """The address of a counter, of one of its verbs, or of its events."""
    base = f"/api/counters/{name}" if name is not None else "/api/counter"
    return f"{base}/{verb}" if verb else base


def fresh_name():
    """A counter that nobody has pressed."""
    return f"fresh-{next(_numbers)}"


# --- The programs -------------------------------------------------------------------------------


class EmbeddedStore:
    """One SQLite file in DATA_DIR, for one program."""

    NAME, REPLICAS = "embedded", 1

    def __init__(self, folder):
        self.data_dir = folder / "data"
        self.settings = {"DATA_DIR": self.data_dir}

    def write(self, value, name="default"):
        """Gives a counter a value while no program runs."""
        with contextlib.closing(sqlite3.connect(self.data_dir / "counter.db")) as database:
            database.execute("INSERT OR REPLACE INTO counters VALUES (?, ?)", (name, value))
            database.commit()

    def close(self):
        pass


class RedisStore:
    """A Redis that syncs every write, for two programs."""

    NAME, REPLICAS = "redis", 2

    def __init__(self, folder):
        (folder / "redis").mkdir()
        self.redis = hot.RedisServer(folder / "redis").start()
        self.settings = {"REDIS_URL": hot.url(self.redis)}

    def write(self, value, name="default"):
        """Gives a counter a value while no program runs."""
        with self.redis.client() as redis:
            redis.hset(VALUES, name, value)

    def close(self):
        self.redis.stop()


STORES = [EmbeddedStore, RedisStore]


class Counters:
    """As many replicas as the store carries; may be started again and again.

    Requests go to the first, unless a test says which.
    """

    def __init__(self, folder, store, **settings):
        self.store = store(folder)
        self.replicas = []
        for number in range(store.REPLICAS):
            replica_folder = folder / f"replica-{number}"
            replica_folder.mkdir()
            self.replicas.append(servers.Server(
                replica_folder, binary=BINARY,
                **{"REPLICA_NAME": f"replica-{number}"} | self.store.settings | settings))
        self.start()

    @property
    def port(self):
        return self.replicas[0].port

    @property
    def ports(self):
        return [replica.port for replica in self.replicas]

    def port_of(self, number):
        """Spreads clients over the replicas."""
        return self.ports[number % len(self.replicas)]

    def start(self):
        for replica in self.replicas:
            replica.start()

    def stop(self):
        for replica in self.replicas:
            assert replica.stop() == 0, f"expected exit code 0:\n{replica.log()[-3000:]}"

    def kill(self):
        for replica in self.replicas:
            replica.kill()

    def close(self):
        problems = []
        for replica in self.replicas:
            try:
                replica.close()
            except AssertionError as problem:
                problems.append(str(problem))
        self.store.close()
        assert not problems, "\n".join(problems)

    def get(self, name=None, **how):
        return web.get(self.port, path(name), **how)

    def value(self, name=None):
        answer = self.get(name)
        assert answer.status == 200, f"a counter can always be read, but: {answer}"
        return answer.json()["value"]

    def post(self, verb="increment", name=None, key=None, body=None, headers=None):
        headers = dict(headers or {}) | ({"Idempotency-Key": key} if key is not None else {})
        return web.post(self.port, path(name, verb), body, headers)

    def press(self, verb="increment", name=None, key=None):
        """The value that a press, which must be counted, is answered with."""
        answer = self.post(verb, name, key)
        assert answer.status == 200, f"{verb}: expected 200, got {answer}"
        return answer.json()["value"]

    def listed(self):
        answer = web.get(self.port, "/api/counters")
        assert answer.status == 200, answer
        return {one["name"]: one["value"] for one in answer.json()["counters"]}


def factory(store, tmp_path_factory, start_at_once=False):
    """For the fixtures: a function that starts Counters, or such Counters; ended afterwards."""
    started = []

    def start(**settings):
        started.append(Counters(tmp_path_factory.mktemp("counters"), store, **settings))
        return started[-1]

    yield start() if start_at_once else start
    for counters in started:
        counters.close()


# --- Who presses --------------------------------------------------------------------------------


class Presser:
    """Presses over one connection, again and again, and keeps the tally."""

    def __init__(self, port, name=None):
        self.port, self.name = port, name
        self.counted = []  # (verb, value) of every 200, in order
        self.refused = collections.Counter()  # by code
        self.unknown = 0  # asked, but whether it was counted is not known
        self._reader = self._writer = None

    @property
    def values(self):
        return [value for _, value in self.counted]

    async def connect(self):
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def press(self, verb="increment", key=None):
        """The answer; None if there was none; OSError when nobody could be asked."""
        await self.connect()
        idempotency = f"Idempotency-Key: {key}\r\n" if key else ""
        try:
            self._writer.write(f"POST {path(self.name, verb)} HTTP/1.1\r\nHost: a\r\n{idempotency}"
                               "Content-Length: 0\r\n\r\n".encode())
            answer = await self._response()
        except (OSError, asyncio.IncompleteReadError):
            answer = None
        if answer is None or answer.headers.get("connection") == "close":
            self.close()
        self._note(verb, answer)
        return answer

    async def press_surely(self, verb, key):
        """Repeats under one key until it is known what came of it: the value, or a refusal."""
        while True:
            with contextlib.suppress(OSError):
                answer = await self.press(verb, key)
                if answer is not None and answer.status != 503:
                    return answer.json()["value"] if answer.status == 200 else answer.code()
            await asyncio.sleep(0.02)

    async def press_until_gone(self, verb="increment"):
        """Until nobody answers any more."""
        with contextlib.suppress(OSError):
            while await self.press(verb) is not None:
                pass

    async def press_often(self, verbs):
        for verb in verbs:
            assert await self.press(verb) is not None, "the connection was closed"
        self.close()

    def close(self):
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    async def _response(self):
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, headers = parse_head(head)
        body = await self._reader.readexactly(int(headers["content-length"]))
        return web.Response(status, headers, body)

    def _note(self, verb, answer):
        if answer is None:
            self.unknown += 1
        elif answer.status == 200:
            self.counted.append((verb, answer.json()["value"]))
        else:
            self.refused[answer.code()] += 1
            self.unknown += answer.code() == "unknown"


def pressers(counters, count, name=None):
    """Spread over the replicas."""
    return [Presser(counters.port_of(number), name) for number in range(count)]


def parse_head(head):
    line, *fields = head.rstrip("\r\n").split("\r\n")
    pairs = (field.partition(":") for field in fields)
    return int(line.split(" ")[1]), web.lower((name, value.strip()) for name, _, value in pairs)


# --- Who follows --------------------------------------------------------------------------------


class Stream(asyncio.Protocol):
    """Follows a counter: keeps the values it is told, in order."""

    def __init__(self):
        self.status = self.headers = None
        self.values, self.fields = [], []  # what was told; the other fields and comments
        self.body = b""  # of an answer that is no stream
        self.is_open = True
        self._received = bytearray()
        self._waiters = []

    @classmethod
    async def open(cls, port, name=None, *, before=b"", receive_buffer=None):
        """`before`: requests on the same connection that are answered before."""
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(PATIENCE_S):
            await loop.sock_connect(sock, ("127.0.0.1", port))
        _, self = await loop.create_connection(cls, sock=sock)
        self._transport.write(before + f"GET {path(name, 'events')} HTTP/1.1\r\nHost: a\r\n"
                              "Accept: text/event-stream\r\n\r\n".encode())
        return self

    @property
    def newest(self):
        return self.values[-1] if self.values else None

    async def until(self, holds, what):
        """Waits until it holds, looking again after whatever comes."""
        try:
            async with asyncio.timeout(STORY_LIMIT_S):
                while not holds():
                    assert self.is_open, f"the stream has ended before {what}"
                    self._waiters.append(asyncio.get_running_loop().create_future())
                    await self._waiters[-1]
        except TimeoutError:
            last = self.values[-3:]
            raise AssertionError(f"waited for {what}; the last values: {last}") from None

    async def until_value(self, value):
        await self.until(lambda: self.newest == value, f"the value {value}")

    async def ended(self):
        with contextlib.suppress(AssertionError):
            await self.until(lambda: not self.is_open, "the end")
        assert not self.is_open, "the stream should have ended"

    def pause(self):
        """Stops reading from the socket."""
        self._transport.pause_reading()

    def resume(self):
        self._transport.resume_reading()

    def close(self):
        self._transport.abort()

    # --- asyncio.Protocol -----------------------------------------------------------------------

    def connection_made(self, transport):
        self._transport = transport

    def connection_lost(self, error):
        self.is_open = False
        self._wake()

    def data_received(self, data):
        self._received += data
        while self._read_head() if not self._is_stream() else self._read_event():
            pass
        self._wake()

    def _is_stream(self):
        return self.headers and self.headers["content-type"].startswith("text/event-stream")

    def _read_head(self):
        """The head of an answer; of one that is no stream the body, too."""
        head, end, rest = bytes(self._received).partition(b"\r\n\r\n")
        if not end:
            return False
        status, headers = parse_head(head.decode("latin-1"))
        if not headers["content-type"].startswith("text/event-stream"):
            length = int(headers["content-length"])
            if len(rest) < length:
                return False
            self.body, rest = rest[:length], rest[length:]
        self.status, self.headers, self._received = status, headers, bytearray(rest)
        return True

    def _read_event(self):
        event, end, rest = bytes(self._received).partition(b"\n\n")
        if not end:
            return False
        self._received = bytearray(rest)
        for line in event.decode().split("\n"):
            if line.startswith("data: "):
                self.values.append(json.loads(line[6:])["value"])
            else:
                self.fields.append(line)
        return True

    def _wake(self):
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
