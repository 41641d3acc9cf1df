"""One delivery through a canvas from end to end, with as little to be seen of it as can be. Plain
Python.

    python3 -m loadtest.delivery [--read-only] [--limit SECONDS] HOST… [--names NAME…]

A guest signs in at the first HOST, opens a socket at the last one and places a pixel at the first,
in the colour that it has; one that nobody has placed yet, if such a one is found soon. It must come
over the socket, and every HOST, and every replica of the NAMEs that answers there, must come to
that position. Says a line for each step; exit code 1 if one fails.
"""

import argparse
import json
import queue
import random
import sys
import threading
import time
import uuid

from loadtest import protocol
from loadtest.answers import ask
from loadtest.websocket import WebSocket

LIMIT_S = 20  # for each step
PAUSE_S = 0.1
SEARCHED_MAX = 10  # pixels whose history is looked at
FROZEN, GUESTS_OFF = "frozen", "guests_disabled"


class Failed(Exception):
    """A step that did not come to its end; says why."""


def fine(text):
    print(f"ok      {text}", flush=True)


def post(host, path, body, headers):
    return ask(host, path, "POST", headers, body=json.dumps(body).encode())


def quiet_pixel(host, width, height):
    """(x, y) that nobody has placed, if one of a few is."""
    for _ in range(SEARCHED_MAX):
        x, y = random.randrange(width), random.randrange(height)
        pixel = ask(host, f"/api/pixels/{x}/{y}?limit=1").object()
        if not pixel.get("placements"):
            break
    return x, y


def position(answer):
    canvas = answer.object()
    return canvas.get("epoch", 0), canvas.get("offset", -1)


class Watcher:
    """A guest's socket that is live from the position of a snapshot on."""

    def __init__(self, host, token, at, limit_s):
        self._limit_s = limit_s
        self._messages = queue.Queue()
        self._socket = WebSocket(host)
        threading.Thread(target=self._read, daemon=True).start()
        self._socket.send(protocol.HELLO)
        self.served_by = self._until(protocol.WELCOME).served_by
        self._socket.send(protocol.sign_in(random.getrandbits(63) + 1, token))
        self._until(protocol.SIGNED_IN)
        self._socket.send(protocol.resume(*at))
        delta = self._until(protocol.DELTA)
        self.offset = delta.base + delta.advance

    def _read(self):
        try:
            while True:
                self._messages.put(protocol.read(self._socket.recv()))
        except (OSError, ValueError) as problem:
            self._messages.put(problem)

    def _until(self, kind):
        end_s = time.monotonic() + self._limit_s
        while True:
            try:
                message = self._messages.get(timeout=max(0, end_s - time.monotonic()))
            except queue.Empty:
                raise Failed(f"the socket: no message {kind:#x} in {self._limit_s} s") from None
            if isinstance(message, Exception):
                raise Failed(f"the socket: {message}")
            if message.kind == kind:
                return message

    def until_offset(self, offset):
        while self.offset < offset:
            delta = self._until(protocol.DELTA)
            self.offset = delta.base + delta.advance

    def close(self):
        self._socket.close()


class Delivery:
    def __init__(self, hosts, names, limit_s):
        self.first, self.last = hosts[0], hosts[-1]
        self.hosts, self.names, self.limit_s = hosts, names, limit_s

    def run(self, read_only):
        """Raises Failed."""
        wanted = position(self._insist("the canvas", lambda: ask(self.first, "/api/canvas"), 200))
        answer = self._insist("a guest's sign-in",
                              lambda: post(self.first, "/api/auth/guest", {}, {}), 200, GUESTS_OFF)
        if answer.status == 200:
            wanted = self._as_guest(answer.object()["token"], wanted, read_only)
        else:
            fine("guests are switched off: nothing was placed")
        self._until_everywhere(wanted)
        fine(f"every server is at offset {wanted[1]}")

    def _insist(self, what, request, good, final=None):
        """Asks until the answer is good, or the final one; when to come back is obeyed."""
        end_s = time.monotonic() + self.limit_s
        while (answer := request()).status != good and answer.code != final:
            busy = answer.status in (429, 503) and "retry-after" in answer.headers
            if not busy or time.monotonic() > end_s:
                raise Failed(f"{what}: {answer}")
            time.sleep(min(answer.retry_after_s, max(0, end_s - time.monotonic())))
        return answer

    def _as_guest(self, token, wanted, read_only):
        """The position that everyone must come to."""
        path = f"/api/canvas/snapshot?min_offset={wanted[1]}"
        snapshot = self._insist("the snapshot", lambda: ask(self.last, path), 200)
        head = snapshot.headers
        at = (int(head["x-canvas-epoch"]), int(head["x-canvas-offset"]),
              int(head["x-canvas-digest"], 16))
        watcher = Watcher(self.last, token, at, self.limit_s)
        fine(f"a guest's socket is live, at {watcher.served_by}")
        placed = None if read_only else self._place(token, snapshot)
        if placed:
            watcher.until_offset(placed[1])
            fine("the pixel came over the socket")
        watcher.close()
        return placed or wanted

    def _place(self, token, snapshot):
        """The position of the placement, or None where the canvas is frozen."""
        width = int(snapshot.headers["x-canvas-width"])
        height = int(snapshot.headers["x-canvas-height"])
        x, y = quiet_pixel(self.first, width, height)
        body = {"x": x, "y": y, "color": snapshot.body[y * width + x]}
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid.uuid4().hex}
        answer = self._insist("placing", lambda: post(self.first, "/api/pixels", body, headers),
                              201, FROZEN)
        if answer.status != 201:
            fine("the canvas is frozen: nothing was placed")
            return None
        placed = answer.object()
        fine(f"a pixel was placed and acknowledged at offset {placed['offset']}")
        return placed["epoch"], placed["offset"]

    def _until_everywhere(self, wanted):
        missing = {*self.hosts, *self.names}
        end_s = time.monotonic() + self.limit_s
        while missing:
            for host in self.hosts:
                answer = ask(host, "/api/canvas")
                if answer.status == 200 and position(answer) >= wanted:
                    missing -= {host, answer.served_by}
            if missing and time.monotonic() > end_s:
                raise Failed(f"not at epoch {wanted[0]}, offset {wanted[1]} after {self.limit_s} "
                             f"s: {', '.join(sorted(missing))}")
            time.sleep(PAUSE_S)


def main():
    parser = argparse.ArgumentParser(prog="loadtest.delivery")
    parser.add_argument("hosts", nargs="+")
    parser.add_argument("--names", nargs="*", default=[])
    parser.add_argument("--read-only", action="store_true")
    parser.add_argument("--limit", type=float, default=LIMIT_S)
    given = parser.parse_args()
    hosts = [host.rstrip("/") for host in given.hosts]
    try:
        Delivery(hosts, given.names, given.limit).run(given.read_only)
    except (Failed, OSError, KeyError, ValueError) as problem:
        print(f"FAILED  delivery: {problem}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
