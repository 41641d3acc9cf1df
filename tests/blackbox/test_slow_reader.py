"""A reader that stops reading costs bounded memory, slows nobody, and catches up afterwards."""

import asyncio
import struct
import time
from bisect import bisect_left
from statistics import median

import client
import codec
import web
import ws
from server import FAST

CROWD = 100 if FAST else 1000
STALL_S = 5 if FAST else 30
BASELINE_S = 3 if FAST else 8
SLOW = 30
SIZE = 128
BURSTS_PER_S = 8
RSS_GROWTH_KB_MAX = 200_000 if FAST else 16_000  # 30 readers × (32 + 64) KB limits, and some air
RECEIVE_BUFFER = 4096


class Onlooker:
    """One of the crowd: notes when it had reached which offset, and nothing else."""

    def __init__(self):
        self.offsets, self.times = [], []

    async def connect(self, port, position):
        self.socket = await ws.WebSocket.connect(port, on_message=self.on_message)
        self.socket.send(codec.encode("hello", version=1))
        self.socket.send(codec.encode("resume", **position))

    def on_message(self, data):
        if data[0] == 0x83:
            base, advance = struct.unpack_from("<QI", data, 1)
            assert not self.offsets or self.offsets[-1] == base, "a delta is missing"
            self.offsets.append(base + advance)
            self.times.append(time.monotonic())

    def seen_at(self, offset):
        return self.times[bisect_left(self.offsets, offset)]


class SlowReader(client.Player):
    """Asks for everything since the beginning many times over, then reads nothing."""

    async def connect_and_stall(self, first):
        await self.connect(receive_buffer=RECEIVE_BUFFER)
        self.first = first
        self.begin_again()
        self.socket.pause()
        for _ in range(40):
            self.send("resume", epoch=first.epoch, offset=first.offset, digest=first.digest)
            await asyncio.sleep(0.07)  # within a connection's limit of messages

    def begin_again(self):
        self.board, self.epoch = bytearray(self.first.board), self.first.epoch
        self.offset, self.digest = self.first.offset, self.first.digest

    def _apply(self, delta):
        if delta.base == self.first.offset:  # an answer to one of its many questions
            self.begin_again()
        super()._apply(delta)


async def paint_bursts(painters, works, seconds):
    """Everyone places one pixel, some times a second; when each offset was asked for."""
    asked = {}
    end = time.monotonic() + seconds
    while (now := time.monotonic()) < end:
        placements = [player.place_nowait(*next(work)) for player, work in zip(painters, works)]
        for player, placement in zip(painters, placements):
            await player.until(lambda: placement.answer, 20, "an answer under load")
            assert placement.accepted, f"expected no refusal, got {placement}"
            asked[placement.answer.offset] = now
        await asyncio.sleep(max(0, now + 1 / BURSTS_PER_S - time.monotonic()))
    return asked


def latency_ms(asked, crowd):
    """From placed to seen, of a typical burst: by half of the crowd, and by the last of them.

    What harms the crowd harms every burst; what else the machine does harms only some.
    """
    first_of_burst = {when: offset for offset, when in sorted(asked.items(), reverse=True)}
    halves, lasts = [], []
    for when, offset in first_of_burst.items():
        seen = sorted((onlooker.seen_at(offset) - when) * 1000 for onlooker in crowd)
        halves.append(seen[len(seen) // 2])
        lasts.append(seen[-1])
    return {"half": median(halves), "last": median(lasts)}


async def paint_history(port):
    """Enough for catch-up deltas of many KB."""
    painters = await client.guests(port, 100)
    works = [client.operations(start=163 * number, size=SIZE) for number in range(100)]
    await asyncio.gather(*(painter.paint((next(work) for _ in range(100)), window=8)
                           for painter, work in zip(painters, works)))
    await client.close_all(painters)


def test_readers_that_stop_reading_harm_nobody_and_converge(start_server):
    server = start_server(CANVAS_WIDTH=SIZE, CANVAS_HEIGHT=SIZE)

    async def story():
        first = web.snapshot(server.port)
        await paint_history(server.port)
        now = web.get(server.port, "/api/canvas").json()
        position = {"epoch": int(now["epoch"]), "offset": int(now["offset"]),
                    "digest": int(now["digest"], 16)}
        crowd = [Onlooker() for _ in range(CROWD)]
        for at in range(0, CROWD, 50):
            await asyncio.gather(*(o.connect(server.port, position) for o in crowd[at : at + 50]))
        painters = await client.guests(server.port, 10)
        works = [client.operations(7919 * number, SIZE) for number in range(10)]

        asked = await paint_bursts(painters, works, BASELINE_S)
        await all_seen(crowd, max(asked))
        alone = latency_ms(asked, crowd)
        rss_before_kb = server.rss_kb()

        slow = [SlowReader(server.port) for _ in range(SLOW)]
        await asyncio.gather(*(reader.connect_and_stall(first) for reader in slow))
        asked = await paint_bursts(painters, works, STALL_S)
        rss_after_kb = server.rss_kb()
        metrics = (await asyncio.to_thread(web.get, server.port, "/metrics")).body.decode()
        assert f"\npixel_battle_slow_clients {SLOW}\n" in metrics, "expected them to be behind"
        await all_seen(crowd, max(asked))
        together = latency_ms(asked, crowd)

        for reader in slow:
            assert reader.socket.is_open, "30 s are less than the limit for a stalled reader"
            reader.socket.resume()
        for reader in slow:
            await reader.until_offset(max(asked), timeout=20)
        last = web.snapshot(server.port, min_offset=max(asked))
        for reader in slow:
            assert reader.offset == last.offset and bytes(reader.board) == last.board, \
                "after the stall a reader's board is not the server's"
        client.check_promises([*painters, *slow])
        for onlooker in crowd:
            onlooker.socket.abort()
        await client.close_all([*painters, *slow])
        return alone, together, rss_after_kb - rss_before_kb

    alone, together, grown_kb = asyncio.run(story())
    print(f"placed to seen, ms: {alone} without, {together} with slow readers; +{grown_kb} KB")
    for who in ("half", "last"):
        assert together[who] < 2 * alone[who] + 25, f"seen by {who} of the crowd after " \
            f"{alone[who]:.0f} ms, but with slow readers after {together[who]:.0f} ms"
    assert grown_kb < RSS_GROWTH_KB_MAX, f"{SLOW} readers that do not read cost {grown_kb} KB"


async def all_seen(crowd, offset):
    end = time.monotonic() + 10
    while any(not o.offsets or o.offsets[-1] < offset for o in crowd):
        assert time.monotonic() < end, f"not everyone has seen offset {offset} within 10 s"
        await asyncio.sleep(0.01)


def test_one_who_asks_and_never_reads_costs_bounded_memory(start_server):
    """Pings, placements, resumes and refused sign-ins without end, and no answer is ever taken."""
    server = start_server(CANVAS_WIDTH=SIZE, CANVAS_HEIGHT=SIZE)
    questions = b"".join(ws.frame(codec.encode(message, **fields)) for message, fields in (
        ("ping", {"nonce": 1}), ("sign_in", {"producer": 1, "token": "x"}),
        ("place", {"sequence": 1, "x": 1, "y": 1, "color": 1}),
        ("resume", {"epoch": 1, "offset": 1, "digest": 1}))) * 50

    async def ask():
        socket = await ws.WebSocket.connect(server.port, on_message=lambda _: None,
                                            receive_buffer=RECEIVE_BUFFER)
        socket.send(codec.encode("hello", version=1))
        socket.pause()
        for _ in range(100 if FAST else 1500):
            socket.send_raw(questions)
            await asyncio.sleep(0)
        return socket

    async def story():
        onlooker = await client.Player(server.port).connect()
        before_kb = server.rss_kb()
        sockets = await asyncio.gather(*(ask() for _ in range(10)))
        onlooker.send("ping", nonce=5)
        await onlooker.expect("pong", timeout=5)
        end, grown_kb = time.monotonic() + 3, 0
        while time.monotonic() < end:
            grown_kb = max(grown_kb, server.rss_kb() - before_kb)
            await asyncio.sleep(0.1)
        for socket in sockets:
            socket.abort()
        return grown_kb

    grown_kb = asyncio.run(story())
    assert grown_kb < RSS_GROWTH_KB_MAX, f"ten who never read cost {grown_kb} KB"
