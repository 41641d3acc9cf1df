"""A counter of a few lines with the HTTP interface of docs/counter.md, which can be told to lie.

    lying_counter.py PORT [--replicas FILE] [--lie lose|double|unknown]

FILE holds the number of replicas that it pretends to be; it is read again for every connection.
Every 50th press is a lie: `lose` acknowledges without counting, `double` returns the value that
the press before has got, `unknown` counts and answers 503.
"""

import argparse
import itertools
import json
import pathlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LIE_EVERY = 50


class Counter:
    def __init__(self, lie):
        self.value, self.lie = 0, lie
        self.answers = {}  # (key, path) → status and body
        self.presses = itertools.count(1)
        self.lock = threading.Lock()

    def press(self, path, key):
        with self.lock:
            if (key, path) not in self.answers:
                self.answers[key, path] = self.decide(path.rpartition("/")[2])
                if self.lie == "unknown" and next(self.presses) % LIE_EVERY == 0:
                    return 503, error("unknown")
            return self.answers[key, path]

    def decide(self, verb):
        change = {"increment": 1, "decrement": -1, "reset": -self.value}[verb]
        if self.value + change < 0:
            return 400, error("at_zero")
        if self.lie in ("lose", "double") and next(self.presses) % LIE_EVERY == 0:
            return 200, {"value": self.value + (change if self.lie == "lose" else 0)}
        self.value += change
        return 200, {"value": self.value}


def error(code):
    return {"error": {"code": code, "message": code}}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    connections = itertools.count()

    def setup(self):
        super().setup()
        replicas = int(self.server.replicas.read_text()) if self.server.replicas else 1
        self.name = f"replica-{next(self.connections) % replicas + 1}"

    def do_GET(self):
        counter = self.server.counter
        if self.path == "/api/counter":
            self.reply(200, {"value": counter.value})
        elif self.path == "/health/ready":
            self.reply(200, {"status": "ready"})
        else:
            self.reply(404, error("not_found"))

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.reply(*self.server.counter.press(self.path, self.headers["Idempotency-Key"]))

    def reply(self, status, found):
        body = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("X-Served-By", self.name)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status == 503:
            self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 500


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--replicas", type=pathlib.Path)
    parser.add_argument("--lie", choices=["lose", "double", "unknown"])
    options = parser.parse_args()
    server = Server(("127.0.0.1", options.port), Handler)
    server.replicas, server.counter = options.replicas, Counter(options.lie)
    server.serve_forever()


if __name__ == "__main__":
    main()
