"""Runs in a pod: people who use the canvas or the counter and keep account of every promise.

    python3 load.py canvas|counter HOST PORT FOLDER

goes on until there is a file `stop` in the folder, prints a line of JSON a second, and in the end
writes result.json there. Beside it lie relay.py, and client.py, codec.py, web.py and ws.py of the
black-box tests; nothing else is needed.
"""

import asyncio
import contextlib
import hashlib
import http.client
import json
import pathlib
import random
import sys
import threading
import time

import client
import relay
import web
from ws import Closed, Refused

PAINTERS, PROBERS, PRESSERS = 20, 4, 12
SETTLE_LIMIT_S = 120
TROUBLE = (OSError, Closed, Refused, AssertionError, asyncio.TimeoutError,
           http.client.HTTPException)


class Account:
    """What requests were answered, by anybody."""

    def __init__(self):
        self.lock = threading.Lock()
        self.answered = self.refused = 0
        self.failures, self.served_by = [], set()

    def note(self, what, answer, good=(200, 201)):
        with self.lock:
            if answer.status in good:
                self.answered += 1
                self.served_by.add(answer.headers.get("x-served-by"))
            elif answer.status in (429, 503) and "retry-after" in answer.headers:
                self.refused += 1
            else:
                self.failures.append(f"{time.time():.1f} {what}: {answer.status} {answer.body!r}")

    def note_failure(self, what, problem):
        with self.lock:
            self.failures.append(f"{time.time():.1f} {what}: {type(problem).__name__} {problem}")

    def told(self):
        return {"answered": self.answered, "refused": self.refused,
                "failed": len(self.failures), "failures": self.failures[:10],
                "served_by": sorted(filter(None, self.served_by))}


class Prober(threading.Thread):
    """One request after the other, each on a connection of its own, as a balancer's clients."""

    def __init__(self, port, account, number):
        super().__init__(daemon=True)
        self.port, self.account, self.number = port, account, number
        self.person, self.accepted, self.stopped = None, [], False

    def run(self):
        guest = web.guest(self.port)
        self.person = int(guest["user"]["id"])
        work = client.operations(1000 * (PAINTERS + self.number))
        for turn, pixel in enumerate(work):
            if self.stopped:
                return
            self._ask("canvas", lambda: web.get(self.port, "/api/canvas"))
            if turn % 10 == 0:
                self._ask("snapshot", lambda: web.get(self.port, "/api/canvas/snapshot"))
            self._place(guest["token"], pixel, f"{self.number}-{turn}")
            time.sleep(0.1)

    def _place(self, token, pixel, key):
        """Until it is known what came of it: the account must be exact."""
        while True:
            answer = self._ask("place", lambda: web.place(self.port, token, *pixel, key=key))
            if answer is not None and answer.status == 201:
                self.accepted.append([*pixel, answer.json()["offset"]])
                return
            time.sleep(0.2)

    def _ask(self, what, ask):
        try:
            answer = ask()
        except (OSError, http.client.HTTPException) as problem:
            self.account.note_failure(what, problem)
            return None
        self.account.note(what, answer)
        return answer


class Canvas:
    """Painters over WebSockets, who come back wherever they left, and probers."""

    def __init__(self, port):
        self.port, self.account = port, Account()
        self.painters, self.probers, self.tasks = [], [], []
        self.resumed = self.reloaded = self.lives = 0
        self.painting, self.ended = True, False

    async def start(self):
        for number in range(PAINTERS):
            guest = await asyncio.to_thread(web.guest, self.port)
            self.painters.append(client.Player(self.port, guest["token"]))
            work = client.operations(1000 * number)
            self.tasks.append(asyncio.create_task(self._live(self.painters[-1], work)))
        self.probers = [Prober(self.port, self.account, number) for number in range(PROBERS)]
        for prober in self.probers:
            prober.start()

    async def _live(self, player, work):
        while not self.ended:
            with contextlib.suppress(*TROUBLE):
                await self._visit(player, work)
            player.live = False
            self.lives += not self.ended
            await asyncio.sleep(random.uniform(0.05, 0.5))

    async def _visit(self, player, work):
        await player.connect()
        try:
            if player.board is not None:
                answer = await player.resume()
                self.resumed += answer.message == "delta"
                self.reloaded += answer.message == "snapshot_needed"
                if answer.message == "snapshot_needed":
                    await player.load_snapshot(answer.offset)
            if not player.live:
                await player.go_live()
            while self.painting:
                await player.until(lambda: not player.unanswered, 60, "an answer")
                await asyncio.sleep(max(0.3, player.calm_at - time.monotonic()))
                player.place_nowait(*next(work))
            await player.until(lambda: not player.live or self.ended, 3600, "the end")
        finally:
            player.abort()

    def told(self):
        return self.account.told() | {
            "accepted": sum(len(one.accepted) for one in self.painters + self.probers),
            "live": sum(player.live for player in self.painters), "lives": self.lives,
            "resumed": self.resumed, "reloaded": self.reloaded}

    async def settle(self):
        """Every answer is there, and every board is where the journal is."""
        self.painting = False
        for prober in self.probers:
            prober.stopped = True
            await asyncio.to_thread(prober.join, SETTLE_LIMIT_S)
        end = time.monotonic() + SETTLE_LIMIT_S
        while not await self._is_calm():
            if time.monotonic() > end:
                raise AssertionError(f"does not come to rest: {self.told()}")
            await asyncio.sleep(0.2)

    async def _is_calm(self):
        if any(player.unanswered or not player.live for player in self.painters):
            return False
        canvas = (await asyncio.to_thread(web.get, self.port, "/api/canvas")).json()
        return {(player.epoch, player.offset) for player in self.painters} == \
            {(canvas["epoch"], canvas["offset"])}

    def result(self):
        self.ended = True
        players = [{"person": player.person, "problems": player.problems, "epoch": player.epoch,
                    "board": hashlib.sha1(player.board).hexdigest(),
                    "accepted": [[one.x, one.y, one.color, one.answer.offset]
                                 for one in player.accepted]} for player in self.painters]
        players += [{"person": prober.person, "problems": [], "epoch": None, "board": None,
                     "accepted": prober.accepted} for prober in self.probers]
        return {"players": players}


class Counter:
    """Who presses surely: under one key until it is known that it counted."""

    def __init__(self, port):
        self.port, self.account = port, Account()
        self.values, self.stopped = [[] for _ in range(PRESSERS)], False
        self.threads = [threading.Thread(target=self._press, args=(number,), daemon=True)
                        for number in range(PRESSERS)]

    async def start(self):
        for thread in self.threads:
            thread.start()

    def _press(self, number):
        mine = self.values[number]
        while not self.stopped:
            key, answer = {"Idempotency-Key": f"{number}-{len(mine)}"}, None
            try:
                answer = web.post(self.port, "/api/counter/increment", headers=key)
                self.account.note("increment", answer)
            except (OSError, http.client.HTTPException) as problem:
                self.account.note_failure("increment", problem)
            if answer is not None and answer.status == 200:
                mine.append(answer.json()["value"])
            time.sleep(0.05)

    def told(self):
        return self.account.told() | {"accepted": sum(map(len, self.values))}

    async def settle(self):
        self.stopped = True
        for thread in self.threads:
            await asyncio.to_thread(thread.join, SETTLE_LIMIT_S)

    def result(self):
        shown = web.get(self.port, "/api/counter").json()["value"]
        return {"values": sorted(sum(self.values, [])), "shown": shown}


async def main(what, host, port, folder):
    folder = pathlib.Path(folder)
    door = await relay.Relay(host, int(port)).start()
    work = {"canvas": Canvas, "counter": Counter}[what](door.port)
    await work.start()
    while not (folder / "stop").exists():
        print(json.dumps(work.told()), flush=True)
        await asyncio.sleep(1)
    await work.settle()
    result = await asyncio.to_thread(work.result) | work.told()
    (folder / "part").write_text(json.dumps(result))
    (folder / "part").rename(folder / "result.json")
    await asyncio.sleep(3600)  # until the pod is deleted


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
