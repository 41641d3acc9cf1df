"""Operators turn the knobs while people draw: one command, and every server of the canvas obeys."""

import asyncio

import pytest

import client
import codec
import hot
import server as servers
import web
from formats import Operation
from hot_journal import HotJournal
from waiting import eventually
from ws import PATIENCE_S

SIZE = 64


@pytest.fixture
def operator(redis, tmp_path):
    """operator("rules", "frozen=yes") → what it printed, when it has ended well."""

    def run(*words):
        ended = servers.run(tmp_path, *words, REDIS_URL=hot.url(redis))
        assert (ended.returncode, ended.stderr) == (0, ""), ended
        return ended.stdout

    return run


@pytest.fixture
def backends(redis, start_server):
    """backends(…) → two ready servers over the one Redis."""

    def start(**settings):
        return [start_server(REDIS_URL=hot.url(redis), REPLICA_NAME=f"replica-{n}",
                             CANVAS_WIDTH=SIZE, CANVAS_HEIGHT=SIZE, **settings)
                for n in range(2)]

    return start


async def players_on(backends):
    """One player on each server, with a live board."""
    found = [client.Player(backend.port, web.guest(backend.port)["token"]) for backend in backends]
    for player in found:
        await player.connect()
        await player.go_live()
        player.inbox.clear()
    return found


async def do(operator, *words):
    return await asyncio.to_thread(operator, *words)


async def notice(player, kind):
    """The value of the next notice, which must be of this kind."""
    found = await player.expect("notice", timeout=PATIENCE_S)
    assert found.kind == codec.NOTICE[kind] and found.text == "", found
    return found.value


async def place(player, x, y=0):
    """`accepted`, or the reason why not."""
    answer = await player.place(x, y, x % 31)
    reasons = {number: name for name, number in codec.REASON.items()}
    return "accepted" if answer.message == "accepted" else reasons[answer.reason]


# --- Rules --------------------------------------------------------------------------------------


def test_a_frozen_canvas_is_frozen_for_everybody_at_once_until_it_is_not(backends, operator):
    async def run():
        players = await players_on(backends())
        said = await do(operator, "rules", "frozen=yes")
        assert said == "cooldown_ms=0\ncharges_max=5\nfrozen=yes\nversion=2\n"
        assert [await notice(player, "frozen") for player in players] == [1, 1]
        assert [await place(player, n) for n, player in enumerate(players)] == ["frozen"] * 2
        newcomer = await client.Player(players[0].port).connect()
        assert newcomer.welcome.flags & 1, "whoever comes is welcomed to a frozen canvas"

        await do(operator, "rules", "frozen=no")
        everybody = [*players, newcomer]
        assert [await notice(player, "frozen") for player in everybody] == [0, 0, 0]
        assert [await place(player, n) for n, player in enumerate(players)] == ["accepted"] * 2
        client.check_promises(players)
        await client.close_all(everybody)

    asyncio.run(run())


def test_another_cooldown_reaches_everybody_and_counts_from_the_next_pixel(backends, operator):
    async def run():
        players = await players_on(backends(COOLDOWN_MS=3_600_000, CHARGES_MAX=1))
        assert [await place(player, n) for n, player in enumerate(players)] == ["accepted"] * 2
        assert await place(players[0], 3) == "cooldown"
        await do(operator, "rules", "cooldown_ms=0")
        assert [await notice(player, "cooldown") for player in players] == [0, 0]
        assert await place(players[0], 3) == "accepted"
        await do(operator, "rules", "charges_max=2", "cooldown_ms=7200000")
        assert [await notice(player, "cooldown") for player in players] == [7_200_000] * 2
        newcomer = await client.Player(players[1].port).connect()
        assert (newcomer.welcome.cooldown_ms, newcomer.welcome.charges_max) == (7_200_000, 2)
        await client.close_all([*players, newcomer])

    asyncio.run(run())


def test_only_what_has_changed_is_told(backends, operator):
    async def run():
        players = await players_on(backends())
        await do(operator, "rules", "cooldown_ms=0", "charges_max=9", "frozen=no")
        await do(operator, "rules", "frozen=yes")
        assert [await notice(player, "frozen") for player in players] == [1, 1]
        await client.close_all(players)

    asyncio.run(run())


def paint_all_over(redis, side, count):
    """Entries of somebody else: so many that nobody catches up with them in one packet."""
    with redis.client() as connection:
        behind_their_backs = HotJournal(connection)
        step = side * side // count
        for first in range(0, count, 4096):
            ops = [Operation(7, 7, n + 1, n * step % side, n * step // side)
                   for n in range(first, min(first + 4096, count))]
            answers, _ = behind_their_backs.append(*ops)
            assert all(answer.status == 0 for answer in answers)


def test_a_player_who_does_not_read_now_hears_of_it_later(redis, start_server, operator):
    side, count = 512, 16_384
    server = start_server(REDIS_URL=hot.url(redis), CANVAS_WIDTH=side, CANVAS_HEIGHT=side)

    async def run():
        quick = await client.Player(server.port).connect()
        slow = await client.Player(server.port).connect(receive_buffer=4096)
        await slow.load_snapshot()
        await asyncio.to_thread(paint_all_over, redis, side, count)
        await asyncio.to_thread(
            eventually, lambda: web.snapshot(server.port).offset == count, "all of it is there")
        slow.socket.pause()
        for _ in range(40):  # answers of 32 KB, which nobody reads
            slow.send("resume", epoch=slow.epoch, offset=slow.offset, digest=slow.digest)
            await asyncio.sleep(0.07)  # within a connection's limit of messages
        metrics = (await asyncio.to_thread(web.get, server.port, "/metrics")).body.decode()
        assert "pixel_battle_slow_clients 1\n" in metrics, "the server should have to wait for it"
        await do(operator, "rules", "frozen=yes")
        assert await notice(quick, "frozen") == 1
        slow.socket.resume()
        await slow.until(lambda: any(message.message == "notice" for message in slow.inbox),
                         PATIENCE_S, "the notice")
        assert await notice(slow, "frozen") == 1
        await client.close_all([quick, slow])

    asyncio.run(run())


def test_what_an_operator_turned_outlives_restarts_and_a_changed_setting_wins(backends, operator):
    one, other = backends(COOLDOWN_MS=0, CHARGES_MAX=5)
    operator("rules", "frozen=yes", "charges_max=9")
    one.restart()
    other.restart()
    assert operator("rules") == "cooldown_ms=0\ncharges_max=9\nfrozen=yes\nversion=2\n"
    assert web.get(one.port, "/api/canvas").json()["frozen"] is True
    one.restart(CHARGES_MAX=7)
    assert operator("rules") == "cooldown_ms=0\ncharges_max=7\nfrozen=yes\nversion=3\n"
    for backend in (one, other):
        eventually(lambda: web.get(backend.port, "/api/canvas").json()["charges_max"] == 7,
                   "the news is there")


def test_what_an_operator_turned_outlives_a_wiped_redis(backends, operator, redis):
    servers_ = backends()
    token = web.guest(servers_[0].port)["token"]
    assert web.place(servers_[0].port, token, 1, 1, 1).status == 201
    operator("rules", "frozen=yes", "cooldown_ms=1000")
    hot.wipe(redis)
    eventually(lambda: redis.client().exists(hot.formats.STATE), "there is a canvas")
    before = "cooldown_ms=1000\ncharges_max=5\nfrozen=yes\n"
    eventually(lambda: operator("rules").startswith(before), "the rules are those of before")
    eventually(lambda: web.place(servers_[1].port, token, 2, 2, 2).code() == "frozen",
               "placing is refused")


def test_players_who_came_while_redis_was_away_hear_of_the_rules_there(redis, start_server,
                                                                      operator):
    """They were welcomed with the settings; the canvas has other rules."""
    settings = {"REDIS_URL": hot.url(redis), "CANVAS_WIDTH": SIZE, "CANVAS_HEIGHT": SIZE}
    start_server(**settings)
    operator("rules", "frozen=yes")
    redis.stop()
    late = start_server(ready=False, **settings)
    eventually(lambda: "serving" in late.log(), "it serves without Redis")

    async def run():
        player = await client.Player(late.port).connect()
        assert not player.welcome.flags & 1
        await asyncio.to_thread(redis.start)
        assert await notice(player, "frozen") == 1
        await player.close()

    asyncio.run(run())


# --- Bans ---------------------------------------------------------------------------------------


def test_a_banned_person_places_nowhere_and_others_go_on(backends, operator):
    one, other = backends()
    token = web.guest(one.port)["token"]

    async def run():
        players = [client.Player(backend.port, token) for backend in (one, other)]
        players.append(client.Player(other.port, web.guest(other.port)["token"]))
        for player in players:
            await player.connect()
        person = players[0].person
        assert person < 0, "a guest"
        assert [await place(player, n) for n, player in enumerate(players)] == ["accepted"] * 3

        assert await do(operator, "ban", str(person)) == f"{person} is banned now\n"
        assert [await place(player, n) for n, player in enumerate(players)] == [
            "banned", "banned", "accepted"]
        for backend in (one, other):
            answer = await asyncio.to_thread(web.place, backend.port, token, 5, 5, 5)
            assert (answer.status, answer.code()) == (403, "banned"), answer
        assert await do(operator, "bans") == f"{person}\n"
        assert await do(operator, "ban", str(person)) == f"{person} was banned already\n"

        assert await do(operator, "unban", str(person)) == f"{person} is not banned now\n"
        assert await do(operator, "unban", str(person)) == f"{person} was not banned already\n"
        assert [await place(player, n) for n, player in enumerate(players)] == ["accepted"] * 3
        assert await do(operator, "bans") == ""
        await client.close_all(players)

    asyncio.run(run())
    metrics = web.get(one.port, "/metrics").body.decode()
    assert 'pixel_battle_placements_refused_total{reason="banned"} 2' in metrics


def test_a_ban_outlives_the_servers_and_a_lost_board(backends, operator, redis):
    one, other = backends()
    guest = web.guest(one.port)
    operator("ban", str(guest["user"]["id"]))
    one.restart()
    with redis.client() as wiping:
        wiping.delete(hot.formats.PREFIX + "board")
    eventually(lambda: web.place(other.port, guest["token"], 1, 1, 1).code() == "banned",
               "the ban holds")
    assert operator("bans").split() == [str(guest["user"]["id"])]


# --- Words that mean nothing --------------------------------------------------------------------

BAD_WORDS = [
    ("rules", "frozen"), ("rules", "frozen=maybe"), ("rules", "frozen="), ("rules", "cooldown_ms="),
    ("rules", "cooldown_ms=-1"), ("rules", "cooldown_ms=86400001"), ("rules", "cooldown_ms=5s"),
    ("rules", "charges_max=0"), ("rules", "charges_max=1001"), ("rules", "version=9"),
    ("rules", "frozen=yes", "cooldown=3000"), ("rules", "-5"), ("ban",), ("ban", "Anna"),
    ("ban", "0"), ("ban", "1", "2"), ("ban", "9007199254740992"), ("unban", "1.5"), ("bans", "1"),
]


def test_bad_words_get_one_line_and_change_nothing(backends, operator, redis, tmp_path):
    backends()
    before = operator("rules")
    for words in BAD_WORDS:
        ended = servers.run(tmp_path, *words, REDIS_URL=hot.url(redis))
        assert ended.returncode == 2, (words, ended)
        assert ended.stdout == "" and ended.stderr.count("\n") == 1, (words, ended)
        assert ended.stderr.startswith("pixel-battle: ")
    assert operator("rules") == before and operator("bans") == ""


def test_without_redis_there_is_nothing_to_turn(tmp_path):
    for words in (("rules",), ("rules", "frozen=yes"), ("ban", "1"), ("bans",)):
        ended = servers.run(tmp_path, *words)
        assert (ended.returncode, ended.stdout) == (1, ""), ended
        assert "REDIS_URL must be set" in ended.stderr and ended.stderr.count("\n") == 1


def test_where_there_is_no_redis_or_no_canvas_one_line_says_so(tmp_path, redis):
    for url, what in ((hot.url(redis), "no canvas"),
                      (f"redis://127.0.0.1:{servers.free_port()}", "127.0.0.1")):
        for words in (("rules", "frozen=yes"), ("ban", "-7")):
            ended = servers.run(tmp_path, *words, REDIS_URL=url)
            assert (ended.returncode, ended.stdout) == (1, ""), ended
            assert what in ended.stderr and ended.stderr.count("\n") == 1, ended


def test_a_guests_number_is_a_word_also_before_flags(backends, redis, tmp_path):
    backends()
    ended = servers.run(tmp_path, "ban", "-4211", "--redis-url", hot.url(redis))
    assert (ended.returncode, ended.stdout) == (0, "-4211 is banned now\n"), ended


def test_help_names_the_commands(tmp_path):
    said = servers.run(tmp_path, "--help").stdout
    for words in ("pixel-battle rules", "ban PERSON", "unban PERSON", "bans"):
        assert words in said
