"""Whoever is cut off comes back to the right board or is told to fetch one: never a wrong board."""

import asyncio
import random
from hashlib import sha256

import client
import codec
import journal
import pytest
import web
from server import FAST

SIZE = 128
CUTS = 40 if FAST else 200
WATCHERS = 20
PAINTERS = 10


@pytest.fixture(scope="module")
def painted(start_shared_server):
    """A server with 100 placements."""
    server = start_shared_server(CANVAS_WIDTH=SIZE, CANVAS_HEIGHT=SIZE)

    async def paint():
        players = await client.guests(server.port, 10)
        await asyncio.gather(*(player.paint(take(10, client.operations(97 * number, SIZE)), 8)
                               for number, player in enumerate(players)))
        assert sum(len(player.accepted) for player in players) == 100
        await client.close_all(players)

    asyncio.run(paint())
    return server


def take(count, iterator):
    return [next(iterator) for _ in range(count)]


async def answer_to_resume(server, **fields):
    """The first answer of a fresh connection to a resume with these fields."""
    player = await client.Player(server.port).connect()
    player.offset, player.board = fields["offset"], bytearray(SIZE * SIZE)
    player.send("resume", **fields)
    answer = await player.expect("delta", "snapshot_needed")
    await player.close()
    return answer


# --- Positions that cannot be resumed -----------------------------------------------------------


@pytest.mark.parametrize("why, change", [
    ("another_epoch", lambda p: p | {"epoch": p["epoch"] + 1}),
    ("another_epoch", lambda p: p | {"epoch": 0}),
    ("another_epoch", lambda p: p | {"epoch": 2**64 - 1, "offset": 2**64 - 1}),
    ("digest_differs", lambda p: p | {"digest": p["digest"] ^ 1}),
    ("digest_differs", lambda p: p | {"offset": p["offset"] - 1}),
    ("digest_differs", lambda p: p | {"offset": 0}),
    ("ahead", lambda p: p | {"offset": p["offset"] + 1}),
    ("ahead", lambda p: p | {"offset": 2**63}),
    ("ahead", lambda p: p | {"offset": 2**64 - 1}),
])
def test_a_position_that_the_journal_does_not_hold_needs_a_snapshot(painted, why, change):
    now = web.snapshot(painted.port, min_offset=100)
    position = {"epoch": now.epoch, "offset": now.offset, "digest": now.digest}
    answer = asyncio.run(answer_to_resume(painted, **change(position)))
    assert answer.message == "snapshot_needed", f"expected snapshot_needed, got {answer}"
    assert answer.why == codec.WHY[why], f"expected why = {why}, got {answer.why}"
    assert answer.epoch == now.epoch, "the answer names the present epoch"
    assert answer.offset <= now.offset, "the snapshot it asks for must exist"


def test_the_present_position_resumes_with_an_empty_delta(painted):
    now = web.snapshot(painted.port, min_offset=100)
    answer = asyncio.run(
        answer_to_resume(painted, epoch=now.epoch, offset=now.offset, digest=now.digest))
    expected = {"message": "delta", "base": 100, "advance": 0, "digest": now.digest, "pixels": []}
    assert vars(answer) == expected


@pytest.mark.parametrize("offset", [0, 1, 50, 99])
def test_any_kept_position_resumes_with_one_delta_to_the_present(painted, offset):
    now = web.snapshot(painted.port, min_offset=100)
    replay = journal.Replay(journal.entries_of(painted.data_dir), SIZE, SIZE)
    board = bytearray(replay.to(offset))
    digest = int(replay.digest(), 16)
    answer = asyncio.run(answer_to_resume(painted, epoch=now.epoch, offset=offset, digest=digest))
    assert answer.message == "delta", f"expected a delta from {offset}, got {answer}"
    assert (answer.base, answer.base + answer.advance, answer.digest) == (offset, 100, now.digest)
    for index, color in answer.pixels:
        board[index] = color
    assert bytes(board) == now.board, "the delta does not lead to the server's board"


def test_positions_survive_a_restart(start_server):
    async def story():
        server = start_server(CANVAS_WIDTH=SIZE, CANVAS_HEIGHT=SIZE)
        token = web.guest(server.port)["token"]
        player = await client.Player(server.port, token).connect()
        await player.go_live()
        for n in range(5):
            await player.place(n, 0, n)
        await player.until_offset(5)
        await asyncio.to_thread(server.restart)
        await player.connect()
        answer = await player.resume()
        assert (answer.message, answer.base, answer.advance) == ("delta", 5, 0), \
            f"expected to go on at offset 5, got {answer}"
        await player.close()

    asyncio.run(story())


def test_a_new_data_folder_is_a_new_epoch(start_server):
    epochs = {web.get(start_server().port, "/api/canvas").json()["epoch"] for _ in range(3)}
    assert len(epochs) == 3, "expected every new journal to be an epoch of its own"


# --- Cut off under load -------------------------------------------------------------------------


class Watcher(client.Player):
    """Keeps (offset, digest, SHA-256 of its board) now and then, to compare with the journal."""

    def __init__(self, port):
        super().__init__(port)
        self.seen = []

    def remember(self):
        self.seen.append((self.offset, self.digest, self.board_sha256()))


async def cut(watcher, how):
    if how == "close":
        await watcher.close()
    elif how == "abort":
        watcher.abort()
    elif how == "half a frame":
        watcher.socket.send_raw(b"\x82\x99\x12\x34")
        watcher.abort()
    elif how == "while resuming":
        watcher.send("resume", epoch=watcher.epoch, offset=0, digest=0)
        watcher.abort()
    await watcher.socket.ended()


async def watch(watcher, cuts):
    """Is cut off again and again and comes back each time."""
    await watcher.connect()
    await watcher.go_live()
    for number in range(cuts):
        target = watcher.offset + random.randrange(60)
        await watcher.until_offset(target)
        watcher.remember()
        await cut(watcher, ("close", "abort", "half a frame", "while resuming")[number % 4])
        await asyncio.sleep(random.choice((0, 0, 0.02, 0.2)))  # the world goes on meanwhile
        await watcher.connect()
        await watcher.go_live()
        watcher.remember()


def test_clients_cut_at_random_under_load_always_hold_the_servers_board(start_server):
    server = start_server(CANVAS_WIDTH=SIZE, CANVAS_HEIGHT=SIZE)

    async def story():
        painters = await client.guests(server.port, PAINTERS)
        painting = [asyncio.create_task(p.paint(client.operations(401 * n, SIZE), window=4))
                    for n, p in enumerate(painters)]
        watchers = [Watcher(server.port) for _ in range(WATCHERS)]
        await asyncio.gather(*(watch(watcher, CUTS // WATCHERS) for watcher in watchers))
        for task in painting:
            task.cancel()
        await asyncio.gather(*painting, return_exceptions=True)
        for painter in painters:
            await painter.until_answered()
        final = sum(len(painter.accepted) for painter in painters)
        for watcher in watchers:
            await watcher.until_offset(final)
        snapshot = await asyncio.to_thread(web.snapshot, server.port, final)
        await client.close_all([*painters, *watchers])
        return snapshot, painters, watchers

    snapshot, painters, watchers = asyncio.run(story())
    client.check_promises([*painters, *watchers])
    for watcher in watchers:
        assert watcher.offset == snapshot.offset
        assert watcher.board_sha256() == sha256(snapshot.board).hexdigest(), \
            f"at offset {snapshot.offset} a client's board is not the server's"
        assert watcher.digest == snapshot.digest

    entries = journal.entries_of(server.data_dir)
    journal.check_chain(entries)
    journal.check_snapshot(entries, snapshot)
    replay = journal.Replay(entries, SIZE, SIZE)
    seen = sorted(point for watcher in watchers for point in watcher.seen)
    assert len(seen) >= 2 * CUTS, f"expected {CUTS} cuts, saw {len(seen) // 2}"
    for offset, digest, board_sha256 in seen:
        assert sha256(replay.to(offset)).hexdigest() == board_sha256, \
            f"at offset {offset} a client held a board that never was"
        assert f"{digest:016x}" == replay.digest(), f"the digest given at offset {offset} is wrong"


# --- Positions too old --------------------------------------------------------------------------


@pytest.mark.skipif(FAST, reason="needs 70 000 placements")
def test_a_position_too_old_needs_a_snapshot_and_never_gives_a_wrong_board(start_server):
    """The server keeps at most 65 536 entries for catching up."""
    server = start_server(CANVAS_WIDTH=SIZE, CANVAS_HEIGHT=SIZE)

    async def probe(first, reached):
        """Resumes from the first position: the board it leads to, or None if it is too old.

        What was acknowledged a moment ago may come behind the answer, as it does to everybody.
        """
        player = client.Player(server.port)
        player.board, player.epoch = bytearray(first.board), first.epoch
        player.offset, player.digest = first.offset, first.digest
        await player.connect()
        answer = await player.resume()
        if answer.message == "delta":
            await player.until_offset(reached)
        else:
            assert answer.why == codec.WHY["too_old"], f"expected why = too_old, got {answer}"
        await player.close()
        return player if answer.message == "delta" else None

    async def story():
        first = web.snapshot(server.port)
        players = await client.guests(server.port, 400)
        works = [client.operations(31 * number, SIZE) for number in range(len(players))]
        for reached in range(14_000, 70_001, 14_000):
            await asyncio.gather(*(player.paint(take(35, work), window=8)
                                   for player, work in zip(players, works)))
            while (missing := reached - sum(len(player.accepted) for player in players)) > 0:
                await asyncio.gather(*(player.paint(take(1, work), window=8)
                                       for player, work in list(zip(players, works))[:missing]))
            resumed = await probe(first, reached)
            if resumed is None:
                break
            now = web.snapshot(server.port, min_offset=reached)
            assert resumed.offset == now.offset == reached
            assert bytes(resumed.board) == now.board, f"a wrong board after {reached} placements"
        assert resumed is None, f"{reached} placements behind, expected snapshot_needed"
        await client.close_all(players)

    asyncio.run(story())
