"""People who draw and ask while something happens to a production stack, and the account of what
they were promised."""

import asyncio

import crowd
import engine
import hot
import web
from stack import Redis, Visitors

PLAYERS, WATCHERS = 8, 4
RESTART = 1012  # the code with which a server that drains closes


def until_asked(port, count):
    """nginx asks exactly so many servers."""

    def asked():
        answers = [web.get(port, "/api/canvas") for _ in range(5 * count)]
        return len({answer.headers.get("x-served-by") for answer in answers}) == count

    engine.eventually(asked, f"nginx asks {count} servers")


def end_of(redis):
    """The offset at which the journal ends."""
    records = hot.records(redis)
    return records[-1].last if records else 0


async def come_back(players):
    """Everyone connects anew, so that the sockets are on all the servers."""
    there = [player for player in players.players if player.socket.is_open]
    lives = players.lives + len(there)
    for player in there:
        player.abort()
    await players.some_are_accepted(PLAYERS)
    async with asyncio.timeout(30):
        while players.lives < lives:
            await asyncio.sleep(0.01)


async def move(players, disturb):
    """Runs disturb(), by which servers go: whoever was there must have been told to go elsewhere,
    not just cut off."""
    await come_back(players)
    before = players.codes.copy()
    await asyncio.to_thread(disturb)
    assert set(players.codes - before) == {RESTART}, players.codes - before


def play(stack, port, disturb, least):
    """Players and visitors for as long as disturb(players) runs; then nothing may be lost or
    failed."""
    redis = Redis(stack)
    epoch, before = hot.epoch(redis), end_of(redis)

    async def story(visitors):
        async with crowd.Crowd([port], PLAYERS, WATCHERS) as players:
            await players.some_are_accepted(PLAYERS)
            await disturb(players)
            await players.some_are_accepted(PLAYERS)
            visitors.stop()
            await players.settle(redis)
        return players

    with Visitors(port) as visitors:
        players = asyncio.run(story(visitors))
    visitors.check(least)
    entries = check(players, redis, epoch, before)
    visitors.check_against_journal(entries)
    returns = players.resumed + players.reloaded
    print(f"{visitors.answered} requests, 0 failed, {visitors.refused} refused; "
          f"{players.accepted + len(visitors.accepted)} placements acknowledged, 0 lost; "
          f"{returns} returns of sockets, {players.reloaded} with a snapshot")
    return players


def check(players, redis, epoch, before):
    """What was acknowledged is in the journal, once each, and everyone's board is the journal's."""
    crowd.client.check_promises(players.players)
    entries = hot.entries(redis)
    assert hot.epoch(redis) == epoch, "nothing was lost, so the epoch must stay"
    assert entries[-1].offset - before >= players.accepted
    crowd.check_against_journal(players.painters, entries)
    assert players.resumed >= 0.95 * (players.resumed + players.reloaded)
    with redis.client() as reader:
        board = reader.get(hot.formats.PREFIX + "board")
    assert all(bytes(player.board) == board for player in players.players)
    return entries
