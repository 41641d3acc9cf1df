"""The conversation over the WebSocket as docs/protocol.md describes it, when everyone is polite."""

import asyncio
import random
import time

import client
import codec
import pytest
import web


def test_welcome_says_what_the_canvas_is(shared):
    async def story():
        player = await client.Player(shared.port).connect()
        await player.close()
        return player.welcome

    welcome = asyncio.run(story())
    canvas = web.get(shared.port, "/api/canvas").json()
    for name in ("width", "height", "palette", "color_bits", "cooldown_ms", "charges_max",
                 "served_by"):
        assert getattr(welcome, name) == canvas[name], name
    assert (welcome.epoch, welcome.offset) == (int(canvas["epoch"]), int(canvas["offset"]))
    assert f"{welcome.digest:016x}" == canvas["digest"]
    assert (welcome.version, welcome.flags) == (1, 0b010), "not frozen, guests, no Telegram"
    assert abs(welcome.time_ms - time.time() * 1000) < 5000


@pytest.mark.parametrize("settings, flags", [
    ({"CANVAS_FROZEN": "on"}, 0b011), ({"GUESTS": "off"}, 0b000),
    ({"TELEGRAM_BOT_TOKEN": "1:abc"}, 0b110)])
def test_the_flags_of_welcome(start_server, settings, flags):
    server = start_server(**settings)

    async def story():
        player = await client.Player(server.port).connect()
        await player.close()
        return player.welcome.flags

    assert asyncio.run(story()) == flags


def test_signed_in_names_the_person_and_the_charges(shared):
    guest = web.guest(shared.port)

    async def story():
        player = await client.Player(shared.port).connect()
        player.token = guest["token"]
        answer = await player.sign_in()
        await player.close()
        return answer

    answer = asyncio.run(story())
    assert (str(answer.person), answer.name) == (guest["user"]["id"], guest["user"]["name"])
    assert (answer.charges, answer.next_charge_ms) == (5, 0)


def test_a_pixel_is_seen_by_everyone_who_is_live_and_by_nobody_else(server):
    async def story():
        painter, *onlookers = await client.guests(server.port, 6)
        for player in (painter, *onlookers[:4]):
            await player.go_live()
        answer = await painter.place(12, 34, 5)
        for player in (painter, *onlookers[:4]):
            await player.until_offset(answer.offset)
            assert player.board[34 * 64 + 12] == 5
        onlookers[4].send("ping", nonce=1)
        await onlookers[4].expect("pong")
        deltas = [m for m in onlookers[4].inbox if m.message == "delta"]
        assert not deltas, "who has not resumed gets no deltas"
        await client.close_all([painter, *onlookers])
        client.check_promises([painter, *onlookers])

    asyncio.run(story())


def test_ping_is_answered_with_its_nonce_and_the_servers_time(shared):
    async def story():
        player = await client.Player(shared.port).connect()
        for nonce in (0, 1, 2**32 - 1):
            player.send("ping", nonce=nonce)
            pong = await player.expect("pong")
            assert pong.nonce == nonce
            assert abs(pong.time_ms - time.time() * 1000) < 5000
        await player.close()

    asyncio.run(story())


def test_presence_counts_the_players(server):
    async def story():
        players = [await client.Player(server.port).connect() for _ in range(5)]
        while (await players[0].expect("presence", timeout=5)).online != 5:
            pass
        assert web.get(server.port, "/api/canvas").json()["online"] == 5
        await client.close_all(players[3:])
        while (await players[0].expect("presence", timeout=5)).online != 3:
            pass
        await client.close_all(players[:3])

    asyncio.run(story())


def test_every_reason_of_a_refusal_has_its_http_status():
    """The table of refusals in the specification is the one the tests go by."""
    assert list(codec.REASON.values()) == list(range(1, 10))


def test_answers_come_in_the_order_of_the_placements(server):
    async def story():
        [player] = await client.guests(server.port, 1)
        placements = [player.place_nowait(n, 0, n) for n in range(8)]
        await player.until_answered()
        await player.close()
        return player, placements

    player, placements = asyncio.run(story())
    assert player.accepted == placements
    offsets = [placement.answer.offset for placement in placements]
    assert offsets == sorted(offsets)


def test_one_connection_may_sign_in_as_another_person(server):
    async def story():
        anna, boris = (web.guest(server.port) for _ in range(2))
        player = await client.Player(server.port, anna["token"]).connect()
        await player.place(1, 1, 1)
        player.token, player.producer, player.sequence = boris["token"], 77, 0
        await player.sign_in()
        await player.place(2, 2, 2)
        await player.close()
        return anna, boris

    anna, boris = asyncio.run(story())
    for at, who in ((1, anna), (2, boris)):
        placements = web.get(server.port, f"/api/pixels/{at}/{at}").json()["placements"]
        assert [one["user"] for one in placements] == [who["user"]]


def test_a_delta_costs_at_most_four_bytes_a_pixel(start_server):
    """At 100 random pixels of a 1000 × 1000 board; the head of the message is not counted."""
    server = start_server(CANVAS_WIDTH=1000, CANVAS_HEIGHT=1000, THREADS=1)

    async def story():
        live, onlooker = client.Player(server.port), client.Player(server.port)
        await (await live.connect()).go_live()
        await onlooker.load_snapshot()
        painters = await client.guests(server.port, 10)
        random.seed(20)
        await asyncio.gather(*(painter.paint(
            [(random.randrange(1000), random.randrange(1000), random.randrange(32))
             for _ in range(10)], window=8) for painter in painters))
        sizes = []
        await live.until_offset(100)
        await onlooker.connect()
        whole = onlooker.socket.on_message
        onlooker.socket.on_message = lambda data: (sizes.append((data[0], len(data))), whole(data))
        delta = await onlooker.resume()
        assert delta.advance == 100
        await client.close_all([live, onlooker, *painters])
        return len(delta.pixels), next(size for kind, size in sizes if kind == 0x83)

    pixels, size = asyncio.run(story())
    assert (size - 21) / pixels <= 4, f"{size - 21} bytes for {pixels} pixels"


def test_last_write_wins_within_a_delta(start_server):
    server = start_server(THREADS=1)

    async def story():
        onlooker = client.Player(server.port)
        await onlooker.load_snapshot()
        [painter] = await client.guests(server.port, 1)
        await painter.go_live()
        for color in range(10):
            assert (await painter.place(3, 3, color)).message == "accepted"
        await painter.until_offset(10)
        await onlooker.connect()
        delta = await onlooker.resume()
        await client.close_all([onlooker, painter])
        return delta

    delta = asyncio.run(story())
    assert (delta.base, delta.advance, delta.pixels) == (0, 10, [(3 * 64 + 3, 9)])


def test_a_frozen_canvas_refuses_with_that_reason(start_server):
    server = start_server(CANVAS_FROZEN="on")

    async def story():
        [player] = await client.guests(server.port, 1)
        answer = await player.place(1, 1, 1)
        await player.close()
        return answer

    assert asyncio.run(story()).reason == codec.REASON["frozen"]
