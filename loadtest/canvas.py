"""People who draw on the canvas at the pace it allows, and the account of their pixels."""

import random
import struct
import time

import gevent
import gevent.queue
from locust.exception import StopUser

from loadtest import answers, protocol
from loadtest.canvas_account import CanvasAccount
from loadtest.reader import Reader
from loadtest.verdict import Verdict
from loadtest.websocket import Closed, WebSocket

NAME = "canvas"
THINK_MS = 1000

ANSWER_LIMIT_S = 15
SEEN_LIMIT_S = 5  # for the last pixels, when the test stops
PING_EVERY_S = 20
BACKOFF_MAX_S = 30
SAME_AGAIN = ("unavailable", "busy")  # nothing was changed; the same sequence may be sent again
DELTA = struct.Struct(protocol.FIELDS[protocol.DELTA][0])


class Lost(Exception):
    """The connection or an answer did not come; the next turn connects again."""


class User:
    """One guest with a tab open: a reader of the journal who places a pixel now and then."""

    def __init__(self, client, run):
        self._client, self._run = client, run
        self._reader = Reader()
        self._producer, self._sequence = random.getrandbits(63) + 1, 0
        self._pending = None  # (sequence, x, y, color) without an answer
        self._socket = self._greenlet = self._welcome = None
        self._live = self._resuming = self._leaving = False
        self._charges, self._charge_s, self._ping_s = 0, 0.0, 0.0
        self._attempts, self._drain_ms = 0, 0

    # --- What Locust calls ----------------------------------------------------------------------

    def start(self):
        answer = None
        while answer is None or answer.status != 200:
            if answer is not None and answer.status != 429:
                if answer.status == 403:
                    raise StopUser()  # no guests here; the failure is told
                self._run.pause(self._run.think_s())
            answer = self._run.ask(self._client, "POST", "/api/auth/guest")
        self._token = answer.object()["token"]
        self._run.ask(self._client, "GET", "/api/canvas")
        self._connect_if_needed()

    def wait_s(self):
        wait_s = self._run.think_s()
        if self._charges == 0:
            wait_s = max(wait_s, self._charge_s - time.monotonic())
        return min(wait_s, PING_EVERY_S)

    def turn(self):
        if not self._connect_if_needed():
            return
        now_s = time.monotonic()
        try:
            if now_s > self._ping_s:
                self._send(protocol.ping(0))
                self._ping_s = now_s + PING_EVERY_S
            if self._charges > 0 or now_s >= self._charge_s:
                self._place()
        except Lost as problem:
            self._run.report("WS", "connection", 0, str(problem))
            self._hang_up()

    def stop(self):
        if self._pending and self._live and self._socket:  # stopped amid a turn: ask again
            try:
                self._place()
            except Lost:
                pass  # unknown it stays
        end_s = time.monotonic() + SEEN_LIMIT_S
        while self._reader.unseen and self._socket and time.monotonic() < end_s:
            gevent.sleep(0.02)
        if self._reader.unseen:
            self._run.report("WS", "deltas", 0, "an acknowledged pixel was never seen")
        self._hang_up()

    # --- Connecting -----------------------------------------------------------------------------

    def _connect_if_needed(self):
        """Whether the player is live now; one attempt a turn, with backoff."""
        if self._live and self._socket:
            return True
        if self._attempts or self._drain_ms:
            backoff_s = min(BACKOFF_MAX_S, 0.5 * 2 ** self._attempts)
            self._run.pause(random.uniform(0, self._drain_ms / 1000 or backoff_s))
        try:
            if not self._socket:
                self._connect()
            self._go_live()
        except (Lost, OSError, ValueError) as problem:
            self._attempts += 1
            self._run.report("WS", "connect", 0, str(problem))
            self._hang_up()
            return False
        self._attempts = self._drain_ms = 0
        return True

    def _connect(self):
        began_s = time.perf_counter()
        self._live = self._resuming = self._leaving = False
        self._replies = gevent.queue.Queue()
        self._socket = WebSocket(self._run.host)
        self._greenlet = gevent.spawn(self._read, self._socket)
        self._send(protocol.HELLO)
        self._welcome = self._reply(protocol.WELCOME)
        self._send(protocol.sign_in(self._producer, self._token))
        self._charged(self._reply(protocol.SIGNED_IN))
        time_ms = (time.perf_counter() - began_s) * 1000
        self._run.report("WS", "connect and sign in", time_ms)
        self._run.served_by(self._welcome.served_by, time_ms)

    def _go_live(self):
        began_s = time.perf_counter()
        if self._reader.offset is None:
            self._load_snapshot(0)
        reply = self._resume()
        while reply.kind == protocol.SNAPSHOT_NEEDED:
            self._load_snapshot(reply.offset)
            reply = self._resume()
        self._live = True
        self._run.report("WS", "snapshot and resume", (time.perf_counter() - began_s) * 1000)

    def _load_snapshot(self, min_offset):
        answer = self._run.ask(self._client, "GET", f"/api/canvas/snapshot?min_offset={min_offset}",
                               name="/api/canvas/snapshot")
        if answer.status != 200:
            raise Lost(f"no snapshot: {answer}")
        self._reader.stand(*position_of(answer))

    def _resume(self):
        self._resuming = True
        reader = self._reader
        self._send(protocol.resume(reader.epoch, reader.offset, reader.digest))
        return self._reply(protocol.DELTA, protocol.SNAPSHOT_NEEDED)

    def _hang_up(self):
        self._leaving, self._live = True, False
        if self._socket:
            self._socket.close()
            self._greenlet.join(1)
            self._greenlet.kill()
        self._socket = None

    # --- Placing --------------------------------------------------------------------------------

    def _place(self):
        if self._pending is None:
            self._sequence += 1
            self._pending = (self._sequence, random.randrange(self._welcome.width),
                             random.randrange(self._welcome.height),
                             random.randrange(self._welcome.colors))
            self._run.account.unsettled += 1
        sent_s = time.perf_counter()
        self._send(protocol.place(*self._pending))
        reply = self._reply(protocol.ACCEPTED, protocol.REFUSED)
        if reply.sequence != self._pending[0]:
            raise Lost(f"an answer to placement {reply.sequence} that nobody waits for")
        time_ms = (time.perf_counter() - sent_s) * 1000
        self._charged(reply)
        if reply.kind == protocol.ACCEPTED:
            self._acknowledged(reply.offset, sent_s, time_ms)
            return
        reason = protocol.REASONS.get(reply.reason, str(reply.reason))
        self._run.report("WS", "place: acknowledged", time_ms, f"refused: {reason}")
        if reason not in SAME_AGAIN:
            self._settled()

    def _acknowledged(self, offset, sent_s, time_ms):
        _, x, y, color = self._settled()
        index = y * self._welcome.width + x
        problem = self._run.account.acknowledged(self._reader.epoch, offset, index, color)
        self._run.report("WS", "place: acknowledged", time_ms, problem)
        self._run.served_by(self._welcome.served_by, time_ms)
        seen_s = self._reader.acknowledged(offset, sent_s)
        if seen_s is not None:
            self._seen(seen_s - sent_s)

    def _settled(self):
        settled, self._pending = self._pending, None
        self._run.account.unsettled -= 1
        return settled

    def _seen(self, after_s):
        self._run.beside("WS", "place: seen", after_s * 1000)

    def _charged(self, reply):
        self._charges = reply.charges
        wait_ms = reply.wait_ms if reply.kind == protocol.REFUSED else reply.next_charge_ms
        self._charge_s = time.monotonic() + wait_ms / 1000

    # --- The socket -----------------------------------------------------------------------------

    def _send(self, message):
        if not self._socket:
            raise Lost("there is no connection")
        try:
            self._socket.send(message)
        except OSError as error:
            raise Lost(f"could not send: {error}") from error

    def _reply(self, *kinds):
        try:
            reply = self._replies.get(timeout=ANSWER_LIMIT_S)
        except gevent.queue.Empty:
            raise Lost(f"no answer in {ANSWER_LIMIT_S} s") from None
        if reply is None:
            raise Lost("the connection ended before the answer")
        if reply.kind not in kinds:
            raise Lost(f"an answer of type {reply.kind:#x}")
        return reply

    def _read(self, socket):
        """A greenlet of its own for as long as the connection lasts."""
        try:
            while True:
                data = socket.recv()
                if data[0] == protocol.DELTA:
                    self._delta(data)
                elif data[0] not in (protocol.PRESENCE, protocol.PONG):
                    self._message(protocol.read(data))
        except (OSError, ValueError) as problem:
            drained = isinstance(problem, Closed) and problem.code == 1012 and self._drain_ms
            if not self._leaving and not drained:
                self._run.report("WS", "connection", 0, str(problem))
        if self._socket is socket:
            self._socket, self._live = None, False
        self._replies.put(None)

    def _delta(self, data):
        base, advance, digest = DELTA.unpack_from(data, 1)
        problem = self._reader.problem_with(base)
        if problem:
            self._run.report("WS", "deltas", 0, problem.split(":")[0])
            raise ValueError(f"what followed was {problem}")
        for sent_s in self._reader.move(base, advance, digest, time.perf_counter()):
            self._seen(time.perf_counter() - sent_s)
        if self._resuming:
            self._resuming = False
            self._replies.put(protocol.read(data))

    def _message(self, message):
        if message.kind == protocol.NOTICE:
            if message.notice == protocol.DRAINING:
                self._drain_ms = message.value
        elif message.kind == protocol.SNAPSHOT_NEEDED and not self._resuming:
            self._live = False
        else:
            self._resuming = False
            self._replies.put(message)


def position_of(snapshot):
    """(epoch, offset, digest) of the answer."""
    head = snapshot.headers
    return (int(head["x-canvas-epoch"]), int(head["x-canvas-offset"]),
            int(head["x-canvas-digest"], 16))


# --- The account --------------------------------------------------------------------------------


def open_account(run):
    canvas = answers.ask(run.host, "/api/canvas").object()
    return CanvasAccount(int(canvas["epoch"]), int(canvas["offset"]))


def close_account(run):
    newest = max(run.account.offsets, default=run.account.start)
    snapshot = answers.ask(run.host, f"/api/canvas/snapshot?min_offset={newest}")
    if snapshot.status != 200:
        return Verdict(False, ["THE ACCOUNT DOES NOT HOLD", f"no snapshot: {snapshot}"])
    epoch, offset, _ = position_of(snapshot)
    return run.account.verdict(epoch, offset, snapshot.body)
