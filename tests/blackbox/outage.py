"""Masters of Redis that go away under load: what players are told meanwhile, by a prober that posts
and reads the board, and that nothing acknowledged is lost."""

import asyncio
import contextlib
import threading
import time

import hot
import web
from crowd import Crowd, check_story
from server import FAST

PLAYERS, WATCHERS = 20, 5
# After the failover. In a sanitizer build everything takes longer.
AGAIN_WITHIN_S = 10 if FAST else 2


@contextlib.contextmanager
def running(group):
    """Several Redis servers, until the end."""
    try:
        yield group.start()
    finally:
        group.stop()


class Prober:
    """Four times a second posts a pixel to each server and looks at the board there; does not
    wait for answers, because what is under way when the master goes may have to wait for the next
    one. Times are those of time.monotonic()."""

    def __init__(self, ports):
        self.ports = ports
        self.tokens = {port: web.guest(port)["token"] for port in ports}
        self.placed = {port: [] for port in ports}  # when each 201 came
        self.refused = []  # every 503
        self.problems = []
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._run)]

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        for thread in self._threads:  # the first adds no more
            thread.join()

    def _run(self):
        number = 0
        while not self._ended.wait(0.25):
            number += 1
            for port in self.ports:
                self._threads.append(threading.Thread(target=self._try, args=(port, number)))
                self._threads[-1].start()

    def _try(self, port, number):
        try:
            self._probe(port, number)
        except (OSError, AssertionError) as problem:
            self.problems.append(f"{type(problem).__name__}: {problem}")

    def _probe(self, port, number):
        answer = web.place(port, self.tokens[port], number % 64, number // 64 % 64, 1,
                           key=f"{port}-{number}", timeout=30)
        if answer.status == 201:
            self.placed[port].append(time.monotonic())
        elif answer.status == 503 and int(answer.headers.get("retry-after", 0)) >= 1:
            self.refused.append(answer)
        else:
            self.problems.append(f"expected 201, or 503 with Retry-After: {answer}")
        web.snapshot(port)
        if web.get(port, "/health").status != 200:
            self.problems.append("/health must not depend on Redis")

    def until_placed_after(self, moment, deadline):
        """When each server took a placement after the moment: the latest of these times."""
        found = {}
        while len(found) < len(self.ports):
            for port in self.ports:
                with contextlib.suppress(StopIteration):
                    found[port] = next(at for at in self.placed[port] if at > moment)
            assert time.monotonic() < deadline, \
                f"placing works again on {len(found)} of {len(self.ports)} servers only"
            time.sleep(0.02)
        return max(found.values())

    def check(self):
        assert not self.problems, f"{len(self.problems)}, first: {self.problems[:3]}"
        assert self.refused, "nobody was told 503: the outage was too short to prove anything"


def lose_masters(group, servers, rounds, lose, give_back):
    """Under load: lose(master), wait until it works again, give_back(the old one, the new one)."""
    ports = [server.port for server in servers]

    def one_round(number, prober):
        master = group.whole()
        since = time.monotonic()
        lose(master)
        new, failed_over = group.failed_over(master)
        again = prober.until_placed_after(failed_over, failed_over + 30)
        print(f"round {number}: failed over after {failed_over - since:.2f} s, "
              f"placing {again - failed_over:.2f} s later")
        give_back(master, new, number)
        return again - failed_over

    async def story():
        async with Crowd(ports, PLAYERS, WATCHERS) as crowd:
            waits = []
            for number in range(rounds):
                with Prober(ports) as prober:
                    await crowd.some_are_accepted(PLAYERS)
                    waits.append(await asyncio.to_thread(one_round, number, prober))
                prober.check()
                probers.append(prober)
            await asyncio.to_thread(group.whole)
            await crowd.some_are_accepted(PLAYERS)
            await crowd.settle(group)
        return crowd, waits

    probers = []
    crowd, waits = asyncio.run(story())
    probed = sum(len(placed) for prober in probers for placed in prober.placed.values())
    entries = check_story(crowd, group, others=probed)
    print(f"{len(entries)} placements in epoch {hot.epoch(group)}, "
          f"{crowd.resumed} resumed, {crowd.reloaded} with a snapshot, {crowd.lives} cut off")
    assert max(waits) <= AGAIN_WITHIN_S, f"placing must work again at once: {waits}"
