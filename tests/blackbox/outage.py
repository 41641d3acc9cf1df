"""What players are told while Redis's master is away: a prober that posts, and reads the board."""

import contextlib
import threading
import time

import web


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
