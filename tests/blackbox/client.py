"""A player: speaks the protocol, keeps a board, and notes every broken promise in `problems`."""

import asyncio
import random
import time
from collections import deque
from hashlib import sha256

import codec
import web
from ws import PATIENCE_S, Closed, WebSocket

UNDECIDED = (7, 8)  # unavailable and busy: docs/protocol.md


class Placement:
    """One operation as it was asked for; `answer` is the server's message once it is there."""

    def __init__(self, sequence, x, y, color):
        self.sequence, self.x, self.y, self.color = sequence, x, y, color
        self.answer = None
        self.repeated = False  # over another connection: what came of the first time is open

    @property
    def accepted(self):
        return self.answer is not None and self.answer.message == "accepted"

    def __repr__(self):
        return f"Placement({vars(self)})"


class Player:
    def __init__(self, port, token=None):
        self.port, self.token = port, token
        self.producer = random.getrandbits(63) + 1
        self.person = None
        self.sequence = 0  # of the last placement
        self.unanswered = {}  # sequence → Placement, in order
        self.accepted = []  # Placements, in the order of their answers
        self.calm_at = 0.0  # the server has asked not to place before this time
        self.board = None
        self.epoch = self.offset = self.digest = None
        self.live = False
        self.problems = []
        self.inbox = deque(maxlen=1000)
        self.socket = self.welcome = None
        self._waiters = []

    # --- Connecting -----------------------------------------------------------------------------

    async def connect(self, **how):
        """hello and welcome, and sign_in if there is a token: then unanswered ones are repeated."""
        self.live, self.calm_at = False, 0.0
        self.inbox.clear()
        self.socket = await WebSocket.connect(self.port, self._on_message, self._wake, **how)
        self.send("hello", version=1)
        self.welcome = await self.expect("welcome")
        if self.token:
            await self.sign_in()
        return self

    async def sign_in(self):
        self.send("sign_in", producer=self.producer, token=self.token)
        answer = await self.expect("signed_in", "sign_in_refused")
        if answer.message == "signed_in":
            self.person = answer.person
            for placement in self.unanswered.values():
                placement.repeated = True
                self._send_place(placement)
        return answer

    async def load_snapshot(self, min_offset=None):
        taken = await asyncio.to_thread(web.snapshot, self.port, min_offset)
        self.board = bytearray(taken.board)
        self.epoch, self.offset, self.digest = taken.epoch, taken.offset, taken.digest

    async def resume(self):
        """Asks to go on from this board: the server's answer, a delta or snapshot_needed.

        Not while live deltas may be under way: they would cross the answer.
        """
        self.live = False
        self.inbox.clear()
        self.send("resume", epoch=self.epoch, offset=self.offset, digest=self.digest)
        return await self.expect("delta", "snapshot_needed")

    async def go_live(self):
        """Whatever it takes to have a live board: resume, else a snapshot and resume."""
        if self.board is None:
            await self.load_snapshot()
        while (answer := await self.resume()).message == "snapshot_needed":
            await self.load_snapshot(answer.offset)
        return self

    # --- Talking --------------------------------------------------------------------------------

    def send(self, message, **fields):
        self.socket.send(codec.encode(message, **fields))

    def place_nowait(self, x, y, color):
        self.sequence += 1
        placement = Placement(self.sequence, x, y, color)
        self.unanswered[self.sequence] = placement
        self._send_place(placement)
        return placement

    async def place(self, x, y, color, timeout=PATIENCE_S):
        """The answer: accepted or refused."""
        placement = self.place_nowait(x, y, color)
        await self.until(lambda: placement.answer, timeout, "an answer to place")
        return placement.answer

    async def paint(self, operations, window=1):
        """Places one (x, y, color) after the other, `window` at a time, until the end."""
        try:
            for x, y, color in operations:
                await self.until(lambda: len(self.unanswered) < window, what="room to place")
                while (wait := self.calm_at - time.monotonic()) > 0:
                    await asyncio.sleep(wait)
                self.place_nowait(x, y, color)
            await self.until_answered()
        except Closed:
            pass

    async def until(self, predicate, timeout=PATIENCE_S, what="it"):
        """Waits until the predicate holds, looking again after every message."""
        end = time.monotonic() + timeout
        while not predicate():
            if not self.socket.is_open:
                raise Closed(self.socket.close_code, self.socket.close_reason)
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                async with asyncio.timeout(end - time.monotonic()):
                    await waiter
            except TimeoutError:
                raise AssertionError(f"waited {timeout} s for {what}") from None

    async def expect(self, *messages, timeout=PATIENCE_S):
        """The next message of one of these names; others before it are passed over."""
        found = []

        def look():
            while self.inbox and not found:
                message = self.inbox.popleft()
                if message.message in messages:
                    found.append(message)
            return found

        await self.until(look, timeout, " or ".join(messages))
        return found[0]

    async def until_offset(self, offset, timeout=PATIENCE_S):
        await self.until(lambda: self.offset >= offset, timeout, f"offset {offset}")

    async def until_answered(self):
        await self.until(lambda: not self.unanswered, what="the last answers")

    async def close(self):
        await self.socket.close()

    def abort(self):
        self.socket.abort()

    def board_sha256(self):
        return sha256(self.board).hexdigest()

    # --- Inside ---------------------------------------------------------------------------------

    def _send_place(self, placement):
        self.send("place", sequence=placement.sequence, x=placement.x, y=placement.y,
                  color=placement.color)

    def _on_message(self, data):
        bits, area = 5, 4096 * 4096
        if self.welcome:
            bits, area = self.welcome.color_bits, self.welcome.width * self.welcome.height
        message = codec.decode(data, "server", bits, area)
        if message.message == "delta":
            self._apply(message)
        elif message.message == "snapshot_needed":
            self.live = False
        elif message.message in ("accepted", "refused"):
            self._settle(message)
        self.inbox.append(message)
        self._wake()

    def _apply(self, delta):
        if delta.base != self.offset:
            self.problems.append(f"at offset {self.offset} a delta of base {delta.base} came")
            return
        if len(delta.pixels) > delta.advance:
            self.problems.append(f"{len(delta.pixels)} pixels, but advance {delta.advance}")
        for index, color in delta.pixels:
            self.board[index] = color
        self.offset, self.digest, self.live = delta.base + delta.advance, delta.digest, True

    def _settle(self, answer):
        placement = self.unanswered.get(answer.sequence)
        if placement is None:
            self.problems.append(f"an answer that nobody waits for: {answer}")
            return
        if placement.repeated and answer.message == "refused" and answer.reason in UNDECIDED:
            self._ask_again(placement, max(answer.wait_ms / 1000, 0.1))
            return
        del self.unanswered[answer.sequence]
        placement.answer = answer
        if placement.accepted:
            self.accepted.append(placement)
        else:
            self.calm_at = time.monotonic() + answer.wait_ms / 1000

    def _ask_again(self, placement, wait_s):
        """It may be under way where it was sent first."""
        socket = self.socket

        def ask():
            if socket is self.socket and socket.is_open and placement.answer is None:
                self._send_place(placement)

        asyncio.get_running_loop().call_later(wait_s, ask)

    def _wake(self):
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


def operations(start=0, size=64):
    """Placements all over a square canvas, no two of them alike for a very long time."""
    number = start
    while True:
        index = number * 2477 % (size * size)  # a prime: visits every pixel before any again
        yield index % size, index // size, number // (size * size) % 32
        number += 1


async def guests(port, count):
    """`count` connected players, each a guest of its own."""
    tokens = [(await asyncio.to_thread(web.guest, port))["token"] for _ in range(count)]
    return await asyncio.gather(*(Player(port, token).connect() for token in tokens))


async def close_all(players):
    await asyncio.gather(*(player.close() for player in players if player.socket.is_open))


def check_promises(players):
    problems = [problem for player in players for problem in player.problems]
    assert not problems, f"{len(problems)} broken promises, first: {problems[:3]}"
