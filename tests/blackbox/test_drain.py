"""SIGTERM and SIGINT: unready, told to come back later, everything answered, exit 0 in time."""

import asyncio
import signal
import time

import client
import codec
import journal
import pytest
import web
from ws import Closed

SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT],
                                  ids=["SIGTERM", "SIGINT"])


async def get(server, path):
    return await asyncio.to_thread(web.get, server.port, path)


@SIGNALS
def test_a_drain_under_load_loses_nothing_and_exits_0(start_server, number):
    server = start_server(DRAIN_LIMIT_MS=5000)

    async def story():
        players = await client.guests(server.port, 30)
        idle = [await client.Player(server.port).connect() for _ in range(30)]
        painting = [asyncio.create_task(p.paint(client.operations(100 * n), window=8))
                    for n, p in enumerate(players)]
        for player in players:
            await player.until(lambda: len(player.accepted) >= 3, what="some placements")
        started = time.monotonic()
        server.send_signal(number)
        await asyncio.gather(*painting)
        codes = [await player.socket.ended() for player in [*players, *idle]]
        exit_code = await asyncio.to_thread(server.wait)
        return players, idle, codes, exit_code, time.monotonic() - started

    players, idle, codes, exit_code, took_s = asyncio.run(story())
    assert exit_code == 0, f"expected exit code 0, got {exit_code}:\n{server.log()[-2000:]}"
    assert took_s < 5.5, f"expected an end within DRAIN_LIMIT_MS = 5000, took {took_s:.1f} s"
    assert set(codes) == {1012}, f"expected close 1012 for everyone, got {set(codes)}"
    for player in [*players, *idle]:
        notices = [m for m in player.inbox if m.message == "notice" and m.kind == 1]
        assert notices, "expected a draining notice before the close"
        assert notices[-1].value > 0, "the notice says over how long to spread the return"

    entries = journal.entries_of(server.data_dir)
    journal.check_chain(entries)
    placed = {entry.offset: (entry.person, entry.x, entry.y, entry.color) for entry in entries}
    for player in players:
        for placement in player.accepted:
            what = (player.person, placement.x, placement.y, placement.color)
            assert placed.get(placement.answer.offset) == what, f"acknowledged, but lost: {what}"
        for placement in player.unanswered.values():
            what = (player.person, placement.x, placement.y, placement.color)
            assert what not in placed.values(), f"placed, and never answered: {what}"
    client.check_promises(players)
    server.start()
    assert web.snapshot(server.port).offset == len(entries)


@SIGNALS
def test_first_it_is_unready_but_serves(start_server, number):
    server = start_server(DRAIN_UNREADY_MS=1500)
    token = web.guest(server.port)["token"]

    async def story():
        player = await client.Player(server.port, token).connect()
        started = time.monotonic()
        server.send_signal(number)
        while (ready := await get(server, "/health/ready")).status == 200:
            assert time.monotonic() < started + 1, "still ready a second after the signal"
        assert ready.status == 503 and ready.json()["status"] == "draining"
        assert (await get(server, "/health")).status == 200, "still alive"
        assert (await player.place(1, 1, 1)).message == "accepted", "who is here may go on"
        placed = await asyncio.to_thread(web.place, server.port, token, 2, 2, 2)
        assert placed.status == 201
        late = await client.Player(server.port, token).connect()
        assert time.monotonic() < started + 1.5, "the machine is too slow for this test"
        codes = [await player.socket.ended(), await late.socket.ended()]
        return codes, time.monotonic() - started, await asyncio.to_thread(server.wait)

    codes, took_s, exit_code = asyncio.run(story())
    assert (codes, exit_code) == ([1012, 1012], 0)
    assert took_s >= 1.4, "expected the sockets to stay for DRAIN_UNREADY_MS"
    assert len(journal.entries_of(server.data_dir)) == 2


def test_a_second_signal_does_not_lose_anything_either(start_server):
    server = start_server(DRAIN_UNREADY_MS=3000)
    token = web.guest(server.port)["token"]
    assert web.place(server.port, token, 1, 1, 1).status == 201
    started = time.monotonic()
    server.send_signal(signal.SIGTERM)
    server.send_signal(signal.SIGINT)
    server.wait()
    assert time.monotonic() - started < 10
    assert len(journal.entries_of(server.data_dir)) == 1


def test_a_stalled_client_does_not_hold_up_the_drain(start_server):
    server = start_server(DRAIN_LIMIT_MS=2000)

    async def story():
        stalled = [await client.Player(server.port).connect() for _ in range(5)]
        for player in stalled:
            player.socket.pause()
        half = web.Raw(server.port, b"POST /api/pixels HTTP/1.1\r\nHost: a\r\nContent-Le")
        started = time.monotonic()
        code = await asyncio.to_thread(server.stop)
        took_s = time.monotonic() - started
        half.close()
        for player in stalled:
            player.abort()
        return code, took_s

    code, took_s = asyncio.run(story())
    assert code == 0
    assert took_s < 2.5, f"expected an end within DRAIN_LIMIT_MS = 2000, took {took_s:.1f} s"


def test_with_nobody_connected_the_end_is_quick(start_server):
    server = start_server()
    started = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - started < 2


def test_after_the_drain_players_go_on_where_they_were(start_server):
    server = start_server()

    async def story():
        token = web.guest(server.port)["token"]
        player = await client.Player(server.port, token).connect()
        await player.go_live()
        work = client.operations()
        painting = asyncio.create_task(player.paint(work, window=4))
        await player.until(lambda: player.offset >= 10)
        assert await asyncio.to_thread(server.stop) == 0
        await painting
        with pytest.raises(Closed):
            await player.until(lambda: False)
        server.start()
        await player.connect()
        assert (await player.resume()).message == "delta", "expected to resume, not to reload"
        await player.until_answered()
        await player.until_offset(len(player.accepted))
        taken = await asyncio.to_thread(web.snapshot, server.port, player.offset)
        assert bytes(player.board) == taken.board
        assert codec.REASON["stale"] not in [getattr(m, "reason", 0) for m in player.inbox]
        await player.close()
        client.check_promises([player])

    asyncio.run(story())
