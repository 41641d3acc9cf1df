"""Several servers over one Redis are one canvas, and nothing that was acknowledged is ever lost."""

import asyncio
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import client
import hot
import journal
import web
from crowd import SIZE, Crowd, check_story
from outage import PLAYERS, WATCHERS
from server import FAST
from test_cooldown import in_parallel
from test_crash import check_against_journal
from waiting import eventually

RESTARTS = 3 if FAST else 10


@pytest.fixture
def backends(redis, start_server):
    """backends(n, …) → that many ready servers over the one Redis."""

    def start(count, **settings):
        return [start_server(REDIS_URL=hot.url(redis), REPLICA_NAME=f"replica-{n}",
                             CANVAS_WIDTH=SIZE, CANVAS_HEIGHT=SIZE, **settings)
                for n in range(count)]

    return start


async def players_on(servers, count):
    """Players with a live board, spread over the servers."""
    found = [client.Player(servers[n % len(servers)].port,
                           web.guest(servers[n % len(servers)].port)["token"])
             for n in range(count)]
    await asyncio.gather(*(player.connect() for player in found))
    await asyncio.gather(*(player.go_live() for player in found))
    return found


async def all_see(players, redis):
    """Waits until every player's board stands where the journal does, and compares them."""
    end = hot.entries(redis)[-1]
    await asyncio.gather(*(player.until_offset(end.offset) for player in players))
    replay = journal.Replay(hot.entries(redis), SIZE, SIZE)
    board = bytes(replay.to(end.offset))
    for player in players:
        assert bytes(player.board) == board, f"the board of {player.person} is another"
        assert f"{player.digest:016x}" == end.digest


def test_what_is_placed_on_one_server_is_seen_on_the_others(backends, redis):
    servers = backends(3)

    async def run():
        players = await players_on(servers, 6)
        for number, player in enumerate(players):
            answer = await player.place(number, 2 * number, number)
            assert answer.message == "accepted"
        await all_see(players, redis)
        await client.close_all(players)

    asyncio.run(run())
    places = [web.get(server.port, "/api/pixels/3/6").json()["placements"] for server in servers]
    assert [len(found) for found in places] == [1, 1, 1]
    assert places[0] == places[1] == places[2]


def test_a_person_has_the_same_charges_everywhere(backends):
    servers = backends(3, COOLDOWN_MS=3_600_000, CHARGES_MAX=7)
    token = web.guest(servers[0].port)["token"]
    answers = in_parallel([
        lambda n=n: web.place(servers[n % 3].port, token, n % 64, n // 64, 1, timeout=60)
        for n in range(30)])
    assert sorted(answer.status for answer in answers) == [201] * 7 + [429] * 23


def test_redis_killed_and_started_again_loses_nothing_and_sends_nobody_away(backends, redis):
    servers = backends(2)
    epoch = hot.epoch(redis)

    async def run():
        players = await players_on(servers, PLAYERS)
        works = [client.operations(start=100 * number, size=SIZE) for number in range(PLAYERS)]
        painting = [asyncio.create_task(player.paint(work, window=4))
                    for player, work in zip(players, works)]
        for _ in range(RESTARTS):
            await asyncio.sleep(random.uniform(0.2, 0.8))
            await asyncio.to_thread(redis.kill)
            await asyncio.sleep(random.uniform(0.0, 0.3))
            answer = await asyncio.to_thread(web.snapshot, servers[0].port)
            assert answer.epoch == epoch, "the board must stay readable"
            await asyncio.to_thread(redis.start)
        await asyncio.sleep(1.5)
        for task in painting:
            task.cancel()
        await asyncio.gather(*painting, return_exceptions=True)
        await asyncio.gather(*(player.until_answered() for player in players))
        await all_see(players, redis)
        await client.close_all(players)
        return players

    players = asyncio.run(run())
    entries = hot.entries(redis)
    check_against_journal(players, entries)
    accepted = sum(len(player.accepted) for player in players)
    assert accepted > RESTARTS * PLAYERS / 4, "nothing was placed between the restarts"
    assert accepted == len(entries), \
        f"{len(entries)} entries, but {accepted} answers: something landed that nobody was told of"
    assert hot.epoch(redis) == epoch, "nothing was lost, so the epoch must stay"
    client.check_promises(players)


def test_without_redis_placing_is_refused_clearly_and_the_board_stays(backends, redis):
    server = backends(1)[0]
    token = web.guest(server.port)["token"]
    assert web.place(server.port, token, 1, 1, 1).status == 201
    redis.kill()
    answer = web.place(server.port, token, 2, 2, 2, timeout=30)
    assert answer.status == 503 and answer.json()["error"]["code"] == "unavailable"
    assert int(answer.headers["retry-after"]) >= 1
    assert web.snapshot(server.port).offset == 1
    assert web.get(server.port, "/health").status == 200
    redis.start()
    end = time.monotonic() + 10
    while web.place(server.port, token, 3, 3, 3).status != 201:
        assert time.monotonic() < end, "placing must work again"
        time.sleep(0.05)


def test_a_wiped_redis_is_made_again_from_what_the_servers_remember(backends, redis):
    servers = backends(2)

    async def run():
        players = await players_on(servers, 6)
        for number, player in enumerate(players):
            await player.place(number, 1, number)
        await all_see(players, redis)
        before = hot.entries(redis)
        epoch = hot.epoch(redis)
        hot.wipe(redis)
        await asyncio.gather(*(
            player.until(lambda player=player: not player.live, what="word of the new epoch")
            for player in players))
        await asyncio.gather(*(player.go_live() for player in players))
        assert hot.epoch(redis) > epoch
        assert hot.entries(redis)[:len(before)] == before, "what was held came back"
        for number, player in enumerate(players):
            answer = await player.place(number, 2, number)
            assert answer.message == "accepted"
        await all_see(players, redis)
        await client.close_all(players)

    asyncio.run(run())


@pytest.mark.parametrize("lose", [hot.wipe, hot.replace_by_an_empty_one])
def test_a_redis_lost_under_load_comes_back_whole(backends, redis, lose):
    """What was acknowledged is in the memory of the server that said so."""
    servers = backends(2)
    epoch = hot.epoch(redis)

    async def run():
        async with Crowd([server.port for server in servers], PLAYERS, WATCHERS) as crowd:
            await crowd.some_are_accepted(10 * PLAYERS)
            await asyncio.to_thread(lose, redis)
            await crowd.some_are_accepted(10 * PLAYERS)
            await crowd.settle(redis)
        return crowd

    check_story(asyncio.run(run()), redis)
    assert hot.epoch(redis) > epoch


def test_a_lost_canvas_waits_for_the_server_that_remembers_most(backends, redis):
    """It comes back a second and a half after the other, with what nobody else has heard of."""
    late, early = backends(2)
    token = web.guest(late.port)["token"]
    assert web.place(late.port, token, 1, 1, 1).status == 201
    early.send_signal(signal.SIGSTOP)
    with redis.client() as operator:
        operator.execute_command("CLIENT", "KILL", "TYPE", "pubsub")  # nothing waits there for it
    assert web.place(late.port, token, 2, 2, 2).status == 201
    late.send_signal(signal.SIGSTOP)
    hot.replace_by_an_empty_one(redis)
    early.send_signal(signal.SIGCONT)
    with redis.client() as operator:
        eventually(lambda: operator.exists(hot.formats.PREFIX + "rebuild"), "the canvas is offered")
        time.sleep(1.5)  # the subject of the test
        late.send_signal(signal.SIGCONT)
        eventually(lambda: operator.exists(hot.formats.STATE), "the canvas is made again")
    assert [(entry.x, entry.y) for entry in hot.entries(redis)] == [(1, 1), (2, 2)]


def test_what_redis_took_is_acknowledged_once_the_server_remembers_it(backends, redis):
    """Redis is lost when the server has its answer, but has not heard of what came before it."""
    first, second = backends(2)
    tokens = [web.guest(server.port)["token"] for server in (first, second)]
    with redis.client() as operator, ThreadPoolExecutor(1) as pool:
        operator.execute_command("ACL", "SETUSER", "default", "-subscribe", "-xrange")
        operator.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        assert web.place(first.port, tokens[0], 1, 1, 1).status == 201
        answer = pool.submit(web.place, second.port, tokens[1], 2, 2, 2)
        eventually(lambda: operator.hget(hot.formats.STATE, "offset") == b"2", "both are appended")
        hot.replace_by_an_empty_one(redis)
        assert answer.result(timeout=30).status == 201
    assert [(entry.x, entry.y) for entry in hot.entries(redis)] == [(1, 1), (2, 2)]
