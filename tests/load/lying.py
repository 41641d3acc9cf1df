"""Programs under test, and a wire that loses, repeats or makes up what a WebSocket server sends."""

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest
import web

LIMIT_S = 120
PLACE, DELTA, ACCEPTED = 0x04, 0x83, 0x84
LIE_AT = 3  # the first ones pass, so that everybody is live


class Program:
    """A process in a session of its own, as a terminal would start it; its output is `said()`."""

    def __init__(self, command, log_path, **how):
        self.log_path = log_path
        with open(log_path, "wb") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True, **how)

    def said(self):
        return self.log_path.read_text(errors="replace")

    def wait(self):
        """The exit code."""
        return self.process.wait(LIMIT_S)

    def until_said(self, words):
        self.until(lambda: words in self.said())

    def until(self, holds):
        end = time.monotonic() + LIMIT_S
        while not holds():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < end, self.said()
            time.sleep(0.02)

    def until_answers(self, port, path):
        def answers():
            with contextlib.suppress(OSError):
                return web.get(port, path).status == 200

        self.until(answers)

    def press_ctrl_c(self):
        """What a terminal does; the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.wait()


def frame(stream):
    """(head, mask or nothing, payload) of the next frame; None in the end."""
    head = stream.read(2)
    if len(head) < 2:
        return None
    size = head[1] & 0x7F
    if size >= 126:
        head += stream.read(2 if size == 126 else 8)
        size = int.from_bytes(head[2:], "big")
    mask = stream.read(4) if head[1] & 0x80 else b""
    return head, mask, stream.read(size)


class Wire:
    """Passes everything between clients and a server, except that in every connection the third
    delta is lost (`drop`) or comes twice (`repeat`), or the third placement is acknowledged and
    never reaches the server (`lose`)."""

    def __init__(self, port, lie):
        self._to, self._lie = ("127.0.0.1", port), lie
        self._times = {"drop": 0, "repeat": 2, "lose": 1}[lie]
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                server = socket.create_connection(self._to)
                for target, ends in ((self._up, (client, server)), (self._down, (server, client))):
                    threading.Thread(target=target, args=ends, daemon=True).start()

    def _up(self, client, server):
        with contextlib.suppress(OSError), client, server:
            stream = client.makefile("rb")
            if self._lie == "lose":
                head = pass_head(stream, server)
                if b"upgrade: websocket" in head.lower():
                    self._pass_placements(stream, server, client)
            while data := stream.read1(65536):
                server.sendall(data)
            server.shutdown(socket.SHUT_RDWR)

    def _down(self, server, client):
        with contextlib.suppress(OSError), client, server:
            stream = server.makefile("rb")
            if pass_head(stream, client).startswith(b"HTTP/1.1 101"):
                self._pass_frames(stream, client)
            while data := stream.read1(65536):
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)

    def _pass_frames(self, stream, client):
        deltas = 0
        while found := frame(stream):
            head, _, payload = found
            deltas += payload[:1] == bytes([DELTA])
            lies = payload[:1] == bytes([DELTA]) and deltas == LIE_AT
            client.sendall((head + payload) * (self._times if lies else 1))

    def _pass_placements(self, stream, server, client):
        placements = 0
        while found := frame(stream):
            head, mask, payload = found
            plain = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
            placements += plain[:1] == bytes([PLACE])
            if plain[:1] == bytes([PLACE]) and placements == LIE_AT:
                sequence = struct.unpack_from("<I", plain, 1)[0]
                offset = json.loads(web.get(self._to[1], "/api/canvas").body)["offset"] + 1
                answer = struct.pack("<BIQHI", ACCEPTED, sequence, int(offset), 5, 0)
                client.sendall(bytes([0x82, len(answer)]) + answer)
            else:
                server.sendall(head + mask + payload)


def pass_head(stream, to):
    """Passes the head of a request or an answer, and returns it."""
    head = b""
    while not head.endswith(b"\r\n\r\n") and (line := stream.readline()):
        head += line
    to.sendall(head)
    return head


def rows(record):
    return {f"{row['kind']} {row['name']}": row for row in record["rows"] + record["beside"]}


@pytest.fixture
def wire():
    """wire(port, "drop") → the port of a Wire before that one."""
    started = []

    def start(port, lie):
        started.append(Wire(port, lie))
        return started[-1].port

    yield start
    for one in started:
        one.close()
