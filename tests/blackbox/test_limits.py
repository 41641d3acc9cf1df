"""Limits on requests and connections, by address and by person, and whose address counts."""

import asyncio
import json
import time

import client
import codec
import pytest
import web
import ws
from ws import Closed

CANVAS = "/api/canvas"


def statuses(server, count, path=CANVAS, **how):
    return [web.get(server.port, path, **how).status for _ in range(count)]


def forwarded(*addresses):
    return {"X-Forwarded-For": ", ".join(addresses)}


# --- Requests -----------------------------------------------------------------------------------


def test_an_address_has_a_rate_and_bursts_of_twice_that(start_server):
    server = start_server(RATE_LIMIT_PER_ADDRESS=5)
    started = time.monotonic()
    answers = [web.get(server.port, CANVAS) for _ in range(40)]
    passed = [answer for answer in answers if answer.status == 200]
    took_s = time.monotonic() - started
    assert 10 <= len(passed) <= 10 + 5 * took_s + 1, f"expected a burst of 10, got {len(passed)}"
    limited = answers[-1]
    assert (limited.status, limited.code()) == (429, "rate_limited")
    time.sleep(int(limited.headers["retry-after"]))  # the server's own word
    assert web.get(server.port, CANVAS).status == 200


def test_other_addresses_do_not_pay_for_it(start_server):
    server = start_server(RATE_LIMIT_PER_ADDRESS=5)
    assert 429 in statuses(server, 40, source="127.0.0.2")
    assert statuses(server, 5, source="127.0.0.3") == [200] * 5


def test_health_is_never_limited(start_server):
    server = start_server(RATE_LIMIT_PER_ADDRESS=5)
    assert 429 in statuses(server, 40)
    assert statuses(server, 40, "/health") == [200] * 40
    assert statuses(server, 40, "/health/ready") == [200] * 40


def test_0_is_no_limit(start_server):
    assert statuses(start_server(RATE_LIMIT_PER_ADDRESS=0), 300) == [200] * 300


def test_sign_in_and_handshakes_count_as_requests(start_server):
    server = start_server(RATE_LIMIT_PER_ADDRESS=5)
    answers = [web.post(server.port, "/api/auth/guest", {}, source="127.0.0.2") for _ in range(40)]
    assert 429 in [answer.status for answer in answers]

    async def handshakes():
        refused = 0
        for _ in range(40):
            try:
                socket = await ws.WebSocket.connect(server.port, source="127.0.0.3")
                socket.abort()
            except ws.Refused as answer:
                assert (answer.status, json.loads(answer.body)["error"]["code"]) \
                    == (429, "rate_limited")
                refused += 1
        return refused

    assert asyncio.run(handshakes()) > 20


def test_a_person_has_a_rate_too(server):
    """20 placements a second, accepted or not; another person is not held up by it."""
    one, other = web.guest(server.port)["token"], web.guest(server.port)["token"]

    async def story():
        player = await client.Player(server.port, one).connect()
        answers, started = [], time.monotonic()
        while time.monotonic() < started + 3:
            answers.append(await player.place(len(answers) % 64, len(answers) // 64 % 64, 1))
            await asyncio.sleep(0.005)  # far beyond a person's rate, below a connection's limit
        took_s = time.monotonic() - started
        calm = await client.Player(server.port, other).connect()
        assert (await calm.place(1, 1, 1)).message == "accepted"
        await client.close_all([player, calm])
        return answers, took_s

    answers, took_s = asyncio.run(story())
    accepted = sum(answer.message == "accepted" for answer in answers)
    refused = [answer for answer in answers if answer.message == "refused"]
    assert accepted <= 20 * took_s + 41, f"{accepted} accepted in {took_s:.1f} s"
    assert accepted >= 20 * took_s - 2, f"only {accepted} accepted in {took_s:.1f} s"
    assert refused and {answer.reason for answer in refused} == {codec.REASON["busy"]}
    assert all(answer.wait_ms > 0 for answer in refused), "a refusal says when to try again"


def test_a_person_has_the_same_rate_over_http(server):
    token = web.guest(server.port)["token"]
    answers = [web.place(server.port, token, n % 64, n // 64, 1) for n in range(150)]
    limited = [answer for answer in answers if answer.status == 429]
    assert limited, "expected 150 posts in a row to exceed 20 a second"
    assert {answer.code() for answer in limited} == {"rate_limited"}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in limited)


# --- Whose address counts -----------------------------------------------------------------------


def test_behind_a_trusted_proxy_each_client_has_its_own_rate(start_server):
    server = start_server(RATE_LIMIT_PER_ADDRESS=5, TRUSTED_PROXIES="127.0.0.1")
    assert 429 in statuses(server, 40, headers=forwarded("203.0.113.1"))
    assert statuses(server, 5, headers=forwarded("203.0.113.2")) == [200] * 5
    assert statuses(server, 5, headers=forwarded("2001:db8::1")) == [200] * 5


def test_a_stranger_cannot_name_an_address(start_server):
    server = start_server(RATE_LIMIT_PER_ADDRESS=5, TRUSTED_PROXIES="127.0.0.1")
    answers = [web.get(server.port, CANVAS, forwarded(f"203.0.113.{n}"), source="127.0.0.2").status
               for n in range(40)]
    assert 429 in answers, "X-Forwarded-For of a stranger must count for nothing"


def test_what_a_client_wrote_before_the_proxy_counts_for_nothing(start_server):
    server = start_server(RATE_LIMIT_PER_ADDRESS=5, TRUSTED_PROXIES="127.0.0.0/8,10.0.0.0/8")
    answers = [web.get(server.port, CANVAS, forwarded(f"198.51.100.{n}", "203.0.113.7", "10.1.2.3"))
               .status for n in range(40)]
    assert 429 in answers, "the right-most address that is no proxy of ours counts"
    assert statuses(server, 5, headers=forwarded("203.0.113.7", "203.0.113.8")) == [200] * 5


@pytest.mark.parametrize("value", ["", "nonsense", "unknown, , ,", "1.2.3.4:5", "a" * 5000])
def test_a_broken_list_of_addresses_harms_nothing(start_server, value):
    server = start_server(RATE_LIMIT_PER_ADDRESS=5, TRUSTED_PROXIES="127.0.0.1")
    answers = [web.get(server.port, CANVAS, {"X-Forwarded-For": value}).status for _ in range(40)]
    assert set(answers) == {200, 429}


# --- Connections --------------------------------------------------------------------------------


def is_served(server, **how):
    """Whether a new connection gets its request answered with 200."""
    try:
        return web.get(server.port, "/health", **how).status == 200
    except OSError:
        return False
    except Exception as error:  # closed without an answer
        assert "RemoteDisconnected" in type(error).__name__ or "BadStatus" in type(error).__name__
        return False


def until_served(server, **how):
    end = time.monotonic() + 5
    while not is_served(server, **how):
        assert time.monotonic() < end, "a place is free for 5 s, but nobody is let in"
        time.sleep(0.02)


def test_an_address_has_a_limit_of_connections(start_server):
    server = start_server(CONNECTIONS_PER_ADDRESS_MAX=4)
    kept = [web.Raw(server.port) for _ in range(4)]
    for raw in kept:
        raw.socket.close()
        raw.file.close()
    until_served(server, source="127.0.0.2")

    async def story():
        players = []
        for _ in range(4):
            players.append(await client.Player(server.port).connect(source="127.0.0.2"))
        assert not await asyncio.to_thread(is_served, server, source="127.0.0.2"), \
            "expected the fifth connection to be refused"
        assert await asyncio.to_thread(is_served, server, source="127.0.0.3"), "others are welcome"
        players[0].send("ping", nonce=1)
        await players[0].expect("pong")
        await players.pop().close()
        await asyncio.to_thread(until_served, server, source="127.0.0.2")
        await client.close_all(players)

    asyncio.run(story())


def test_there_is_a_limit_of_connections_in_all(start_server):
    server = start_server(CONNECTIONS_MAX=10)

    async def story():
        players = []
        end = time.monotonic() + 5
        while len(players) < 10:  # those that waited for readiness may still be closing
            try:
                players.append(await client.Player(server.port).connect())
            except (ws.Refused, Closed, OSError):
                assert time.monotonic() < end, f"only {len(players)} of 10 are let in"
        assert not await asyncio.to_thread(is_served, server), "expected the 11th to be refused"
        for number, player in enumerate(players):
            player.send("ping", nonce=number)
            await player.expect("pong")
        await players.pop().close()
        await asyncio.to_thread(until_served, server)
        await client.close_all(players)

    asyncio.run(story())


def test_the_proxy_is_not_the_address_that_connects(start_server):
    server = start_server(CONNECTIONS_PER_ADDRESS_MAX=3, TRUSTED_PROXIES="127.0.0.1")

    async def connect(address):
        return await client.Player(server.port).connect(
            headers=[("X-Forwarded-For", address)])

    async def story():
        players = [await connect(f"203.0.113.{n}") for n in range(20)]
        players += [await connect("198.51.100.1") for _ in range(3)]
        try:
            players.append(await connect("198.51.100.1"))
            raise AssertionError("expected the fourth connection of one client to be refused")
        except (ws.Refused, Closed, OSError) as refused:
            assert not isinstance(refused, ws.Refused) or refused.status in (429, 503)
        await client.close_all(players)

    asyncio.run(story())
