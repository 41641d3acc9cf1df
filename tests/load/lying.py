"""Programs under test, and a wire that loses or repeats what a WebSocket server sends."""

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time

import web

LIMIT_S = 120
DELTA = 0x83
LIE_AT = 3  # the first deltas pass, so that everybody is live


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


class Wire:
    """Passes everything between clients and a server, except that in every connection the third
    delta is lost (`drop`) or comes twice (`repeat`)."""

    def __init__(self, port, lie):
        self._to, self._times = ("127.0.0.1", port), {"drop": 0, "repeat": 2}[lie]
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
            while data := client.recv(65536):
                server.sendall(data)
            server.shutdown(socket.SHUT_RDWR)

    def _down(self, server, client):
        with contextlib.suppress(OSError), client, server:
            stream = server.makefile("rb")
            head = b""
            while not head.endswith(b"\r\n\r\n") and (line := stream.readline()):
                head += line
            client.sendall(head)
            if head.startswith(b"HTTP/1.1 101"):
                self._pass_frames(stream, client)
            while data := stream.read1(65536):
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)

    def _pass_frames(self, stream, client):
        deltas = 0
        while len(head := stream.read(2)) == 2:
            size = head[1]
            if size >= 126:
                head += stream.read(2 if size == 126 else 8)
                size = int.from_bytes(head[2:], "big")
            payload = stream.read(size)
            deltas += payload[:1] == bytes([DELTA])
            lies = payload[:1] == bytes([DELTA]) and deltas == LIE_AT
            client.sendall((head + payload) * (self._times if lies else 1))
