"""kill -9 at any instant loses nothing that was acknowledged and doubles nothing that was asked."""

import asyncio
import os
import random

import client
import journal
import web
from server import FAST

ROUNDS = int(os.environ.get("PB_CRASH_ROUNDS", 5 if FAST else 50))
PLAYERS = 50
PIPELINING = 10  # players who keep 8 placements in flight; the others one
SIZE = 64


def check_against_journal(players, entries):
    """Every accepted placement is the entry that its answer named, and nothing is there twice."""
    journal.check_chain(entries)
    seen = {}
    for entry in entries:
        what = (entry.person, entry.x, entry.y, entry.color)
        assert what not in seen, f"entries {seen[what]} and {entry.offset} are one placement"
        seen[what] = entry.offset
    for player in players:
        for placement in player.accepted:
            what = (player.person, placement.x, placement.y, placement.color)
            assert what in seen, f"acknowledged at {placement.answer.offset}, but lost: {what}"
            assert seen[what] == placement.answer.offset, \
                f"{what} was acknowledged at {placement.answer.offset}, but is at {seen[what]}"
    return seen


async def play_until_killed(server, players, works):
    """Everyone reconnects, repeats what was unanswered, and places until the process is gone."""
    await asyncio.gather(*(player.connect() for player in players))
    tasks = [asyncio.create_task(player.paint(work, window=8 if number < PIPELINING else 1))
             for number, (player, work) in enumerate(zip(players, works))]
    await asyncio.sleep(random.uniform(0.02, 0.6))
    server.kill()
    await asyncio.gather(*tasks)


async def settle(players):
    await asyncio.gather(*(player.connect() for player in players))
    await asyncio.gather(*(player.until_answered() for player in players))
    await client.close_all(players)


def killed_while_starting(server):
    """Sometimes the process does not even live to be ready."""
    if random.random() < 0.3:
        server.start(ready=False)
        try:
            server.process.wait(random.uniform(0, 0.15))
        except Exception:
            pass
        server.kill()


def test_kill_9_at_random_instants_under_load(start_server):
    server = start_server(CANVAS_WIDTH=SIZE, CANVAS_HEIGHT=SIZE)
    players = [client.Player(server.port, web.guest(server.port)["token"]) for _ in range(PLAYERS)]
    works = [client.operations(start=100 * number, size=SIZE) for number in range(PLAYERS)]
    unsettled = 0
    for _ in range(ROUNDS):
        asyncio.run(play_until_killed(server, players, works))
        unsettled += sum(len(player.unanswered) for player in players)
        entries = journal.entries_of(server.data_dir)
        check_against_journal(players, entries)

        killed_while_starting(server)
        server.start()
        found = web.snapshot(server.port)
        assert found.offset == len(entries), \
            f"started at offset {found.offset}, but the journal ends at {len(entries)}"
        journal.check_snapshot(entries, found)

    asyncio.run(settle(players))
    assert server.stop() == 0
    entries = journal.entries_of(server.data_dir)
    seen = check_against_journal(players, entries)
    accepted = sum(len(player.accepted) for player in players)
    assert accepted == len(seen), \
        f"{len(seen)} entries, but {accepted} answers: something landed that nobody was told of"
    assert unsettled > ROUNDS, "the kills came when nothing was in flight: the test proves nothing"
    client.check_promises(players)
    server.start()


def test_a_placement_over_http_repeated_after_the_crash_lands_once(start_server):
    server = start_server(CANVAS_WIDTH=SIZE, CANVAS_HEIGHT=SIZE)
    token = web.guest(server.port)["token"]
    answers = [web.place(server.port, token, n, n, n, key=f"key-{n}") for n in range(1, 10)]
    assert [answer.status for answer in answers] == [201] * 9
    server.kill()
    server.start()
    again = [web.place(server.port, token, n, n, n, key=f"key-{n}") for n in range(1, 10)]
    assert [answer.status for answer in again] == [201] * 9
    offsets = [answer.json()["offset"] for answer in answers]
    assert [answer.json()["offset"] for answer in again] == offsets, "expected the first answers"
    assert web.snapshot(server.port).offset == 9, "expected no second entry"


def test_the_epoch_and_the_position_survive_the_crash(start_server):
    server = start_server(CANVAS_WIDTH=SIZE, CANVAS_HEIGHT=SIZE)
    token = web.guest(server.port)["token"]
    for n in range(5):
        assert web.place(server.port, token, n, 0, 1).status == 201
    before = web.snapshot(server.port, min_offset=5)
    server.kill()
    server.start()
    assert web.snapshot(server.port) == before, "expected the same epoch, offset, digest and board"
