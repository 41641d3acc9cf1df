"""The history in PostgreSQL: complete, each entry once, whatever dies while it is written."""

import asyncio
import random
import time

import pytest

import client
import hot
import server as servers
import web
from postgres import Postgres
from server import FAST, LONG
from waiting import eventually

SIZE = 64
PLAYERS = 10
KILLS = 4 if FAST else 20
AWAY_S = 60 if LONG else 0.5


@pytest.fixture
def postgres():
    database = Postgres().start()
    yield database
    database.close()


@pytest.fixture
def settings(postgres, redis, tmp_path):
    """What a server, and every command, is told."""
    return {"REDIS_URL": hot.url(redis), "DATABASE_URL": postgres.url, "CANVAS_WIDTH": SIZE,
            "CANVAS_HEIGHT": SIZE, "MIGRATIONS_DIR": servers.ROOT / "migrations"}


@pytest.fixture
def command(settings, tmp_path):
    """command("verify") → the command's result, which must be success."""

    def run(*words):
        done = servers.run(tmp_path, *words, timeout=60, **settings)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done

    run("migrate", "upgrade", "head")
    return run


@pytest.fixture
def backends(command, settings, start_server):
    def start(count):
        return [start_server(REPLICA_NAME=f"replica-{n}", **settings) for n in range(count)]

    return start


def until_all_is_archived(redis, postgres):
    last = hot.entries(redis)[-1].offset
    eventually(lambda: postgres.rows("SELECT entry FROM cursor") == [(last,)],
               f"the archive has come to {last}")
    return last


def check_history(redis, postgres, command):
    """Each entry of the log once, and the program's own check agrees."""
    last = until_all_is_archived(redis, postgres)
    rows = postgres.rows("SELECT entry, person, x, y, color FROM entries ORDER BY entry")
    assert rows == [(e.offset, e.person, e.x, e.y, e.color) for e in hot.entries(redis)]
    assert len(rows) == last
    said = command("verify").stdout
    assert f"{last} entries, 0 void" in said and "the live board is the same" in said


async def paint(backends, while_painting):
    """Players paint over all servers until `while_painting` has ended."""
    players = []
    for number in range(PLAYERS):
        port = backends[number % len(backends)].port
        players.append(client.Player(port, web.guest(port)["token"]))
    await asyncio.gather(*(player.connect() for player in players))
    tasks = [asyncio.create_task(player.paint(client.operations(100 * number, SIZE), window=4))
             for number, player in enumerate(players)]
    await while_painting()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    open_ones = [player for player in players if player.socket.is_open]
    await asyncio.gather(*(player.until_answered() for player in open_ones))
    await client.close_all(open_ones)
    return players


def test_everything_placed_comes_into_the_history_once(backends, redis, postgres, command):
    servers_ = backends(2)
    asyncio.run(paint(servers_, lambda: asyncio.sleep(1)))
    check_history(redis, postgres, command)


def test_archivers_killed_again_and_again_write_nothing_twice(backends, redis, postgres, command):
    staying, *dying = backends(3)

    async def kill_archivers():
        for _ in range(KILLS):
            await asyncio.sleep(random.uniform(0.05, 0.4))
            victim = random.choice(dying)
            await asyncio.to_thread(victim.kill)
            await asyncio.to_thread(victim.start)

    asyncio.run(paint([staying], kill_archivers))
    check_history(redis, postgres, command)


def test_placing_goes_on_while_postgresql_is_away(backends, redis, postgres, command):
    server = backends(1)[0]

    async def stop_and_start():
        for end in (postgres.kill, postgres.stop):
            await asyncio.sleep(0.3)
            await asyncio.to_thread(end)
            token = await asyncio.to_thread(lambda: web.guest(server.port)["token"])
            for n in range(5):
                placed = await asyncio.to_thread(web.place, server.port, token, n, 0, 1)
                assert placed.status == 201
            ready = await asyncio.to_thread(web.get, server.port, "/health/ready")
            assert ready.status == 200, "players stay where they are"
            await asyncio.sleep(AWAY_S)
            await asyncio.to_thread(postgres.start)

    asyncio.run(paint([server], stop_and_start))
    check_history(redis, postgres, command)


def test_an_empty_redis_is_filled_from_the_history(backends, redis, postgres, command):
    server = backends(1)[0]
    asyncio.run(paint([server], lambda: asyncio.sleep(0.5)))
    last = until_all_is_archived(redis, postgres)
    before = web.snapshot(server.port, min_offset=last)
    assert server.stop() == 0
    hot.wipe(redis)
    assert f"offset {last}" in command("restore").stdout
    server.start()
    after = web.snapshot(server.port)
    assert (after.offset, after.digest, after.board) == (last, before.digest, before.board)
    assert after.epoch > before.epoch
    assert len(web.get(server.port, "/api/pixels/0/0").json()["placements"]) > 0
    assert "the live board is the same" in command("verify").stdout


def test_without_the_tables_the_reason_is_clear(redis, postgres, settings, start_server):
    server = start_server(**settings)

    def history():
        return web.get(server.port, "/health/ready").json()["checks"]["history"]

    eventually(lambda: "no schema" in history(), "the missing schema is told")
    assert web.get(server.port, "/health/ready").status == 200, "placing does not depend on it"
    lines = [line for line in server.log().splitlines() if "history" in line]
    time.sleep(3)
    again = [line for line in server.log().splitlines() if "history" in line]
    assert len(again) <= len(lines) + 1, "said once, not again and again"
