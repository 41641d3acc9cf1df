"""Players who paint until they are told to stop, whatever happens to what they are connected to.

Every operation is kept with its answer (client.Player), every return with how it went on. The end
of the story is the checker's: check_story() compares the log of Redis with all of them.
"""

import asyncio
import collections
import http.client
import random
import time

import client
import hot
import journal
import web
from test_crash import check_against_journal
from ws import Closed, Refused

SIZE = 64
# What a player meets while something is down. AssertionError: a snapshot was not answered with
# 200, or an answer did not come in time.
TROUBLE = (OSError, Closed, Refused, AssertionError, asyncio.TimeoutError,
           http.client.HTTPException)


class Crowd:
    """`count` painters and as many watchers as `watchers`, spread over the ports.

    async with Crowd(…) as crowd: everyone has a live board, and paints.
    """

    def __init__(self, ports, count, watchers=0, window=4):
        self.ports, self.window = list(ports), window
        self.painters = [self._player(number, True) for number in range(count)]
        self.watchers = [self._player(number, False) for number in range(watchers)]
        self.players = self.painters + self.watchers
        self.works = {player: client.operations(100 * number, SIZE)
                      for number, player in enumerate(self.painters)}
        self.painting = True
        self.resumed = self.reloaded = self.lives = 0
        self.codes = collections.Counter()  # with which their connections were closed
        self._tasks, self._ended = [], False

    def _player(self, number, signed_in):
        port = self.ports[number % len(self.ports)]
        return client.Player(port, web.guest(port)["token"] if signed_in else None)

    async def __aenter__(self):
        self._tasks = [asyncio.create_task(self._live(player)) for player in self.players]
        try:
            await self._eventually(lambda: all(player.live for player in self.players), 20,
                                   lambda: "a live board for everyone")
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_):
        """Ends their connections until every player has come to its own end."""
        self._ended = True
        while not all(task.done() for task in self._tasks):
            for player in self.players:
                if player.socket is not None and player.socket.is_open:
                    player.abort()
            await asyncio.wait(self._tasks, timeout=0.2)

    @property
    def accepted(self):
        return sum(len(player.accepted) for player in self.players)

    async def some_are_accepted(self, more, timeout=30):
        """Waits until `more` placements were accepted than now."""
        wanted = self.accepted + more
        await self._eventually(lambda: self.accepted >= wanted, timeout,
                               lambda: f"{wanted} acknowledged placements ({self.accepted} now)")

    async def _eventually(self, holds, timeout, what):
        end = time.monotonic() + timeout
        while not holds():
            for task in self._tasks:
                if task.done():
                    task.result()  # a player may only end by an error
            assert time.monotonic() < end, f"waited {timeout} s for {what()}"
            await asyncio.sleep(0.01)

    # --- A player's life ------------------------------------------------------------------------

    async def _live(self, player):
        """Comes back again and again, with a short random pause (browsers wait longer)."""
        while not self._ended:
            try:
                await self._visit(player)
            except Closed as end:
                self.codes[end.code] += 1
            except TROUBLE:
                pass
            player.live = False
            self.lives += not self._ended
            await asyncio.sleep(random.uniform(0.02, 0.3))
            player.port = random.choice(self.ports)

    async def _visit(self, player):
        await player.connect()
        following = asyncio.create_task(self._follow(player))
        try:
            if player.token:
                await player.until(lambda: player.live, 20, "a live board")
                await self._paint(player)
            await following
        finally:
            player.abort()
            await asyncio.gather(following, return_exceptions=True)

    async def _follow(self, player):
        """A live board; anew whenever the server says that it is not the journal's any more."""
        if player.board is not None:
            answer = await player.resume()
            self.resumed += answer.message == "delta"
            self.reloaded += answer.message == "snapshot_needed"
            if answer.message == "snapshot_needed":
                await player.load_snapshot(answer.offset)
        while True:
            if not player.live:
                await player.go_live()
            await player.until(lambda: not player.live, 3600)

    async def _paint(self, player):
        work = self.works[player]
        while self.painting:
            await player.until(lambda: len(player.unanswered) < self.window, 30, "room to place")
            while (wait := player.calm_at - time.monotonic()) > 0:
                await asyncio.sleep(min(wait, 0.25))
            if not self.painting:
                break  # all are settled already, maybe
            player.place_nowait(*next(work))
            await asyncio.sleep(0)

    # --- The end --------------------------------------------------------------------------------

    async def settle(self, redis, timeout=30):
        """No more placements: waits for every answer, and until every board is the journal's."""
        self.painting = False
        await self._eventually(lambda: not any(player.unanswered for player in self.players),
                               timeout, self._unanswered)
        deadline = time.monotonic() + timeout
        while behind := await self._behind(redis):
            assert time.monotonic() < deadline, f"{len(behind)} are not where the journal is: " \
                f"{[(player.epoch, player.offset, player.live) for player in behind[:5]]}"
            await asyncio.sleep(0.1)

    async def _behind(self, redis):
        """Who does not stand where the journal ends."""
        end = await asyncio.to_thread(lambda: hot.records(redis)[-1])
        return [player for player in self.players
                if not player.live or (player.epoch, player.offset) != (end.epoch, end.last)]

    def _unanswered(self):
        left = [placement for player in self.players for placement in player.unanswered.values()]
        return f"the last answers: {len(left)} are missing, first {left[:3]}"


def check_epochs(records):
    """Epochs grow, and each begins with its own record where the one before it ended. The log may
    begin inside one."""
    epoch = records[0].epoch
    for record in records[1:]:
        assert record.epoch >= epoch, f"{record} comes after one of epoch {epoch}"
        if record.epoch > epoch:
            assert not record.operations, f"epoch {record.epoch} begins without saying so"
        epoch = record.epoch


def check_story(crowd, redis, epoch=None, others=0):
    """Nothing acknowledged lost, nothing doubled, everyone's board the journal's; the entries.

    `epoch`: the one that must be there still, because nothing was lost. `others`: placements that
    were acknowledged to somebody who is not of the crowd.
    """
    client.check_promises(crowd.players)
    records = hot.records(redis)
    check_epochs(records)
    entries = hot.entries(redis)
    check_against_journal(crowd.painters, entries)
    answered = crowd.accepted + others
    assert answered == len(entries), \
        f"{len(entries)} entries, but {answered} answers: something landed that nobody was told of"
    assert epoch is None or records[-1].epoch == epoch, \
        f"nothing was lost, so epoch {epoch} must stay; it is {records[-1].epoch}"
    replay = journal.Replay(entries, SIZE, SIZE)
    board = bytes(replay.to(len(entries)))
    for player in crowd.players:
        assert bytes(player.board) == board, f"the board of {player.person} is another"
        assert (player.epoch, f"{player.digest:016x}") == (records[-1].epoch, replay.digest())
    with redis.client() as reader:
        assert reader.get(hot.formats.PREFIX + "board") == board, "the board in Redis is another"
    return entries
