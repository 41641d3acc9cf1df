"""What runs: a Compose project's containers, their Redis, and requests that must not fail."""

import http.client
import json
import threading
import time

import redis as redis_py

import client
import engine
import web


class Stack:
    """A Compose project that was started from `folder` with the file `file`."""

    def __init__(self, folder, file):
        self.folder, self.file = folder, file
        self.compose = f"docker-compose -f {file}"

    def ids(self, service, every=False):
        listed = engine.run(f"{self.compose} ps -q {service}", self.folder).split()
        return listed if every else [one for one in listed if self.inspect(one)["State"]["Running"]]

    def inspect(self, container):
        return json.loads(engine.run(f"docker inspect {container}"))[0]

    def healthy(self, service):
        """The ids of its containers that call themselves healthy."""
        return [one for one in self.ids(service)
                if self.inspect(one)["State"].get("Health", {}).get("Status") == "healthy"]

    def until_healthy(self, service, count):
        engine.eventually(lambda: len(self.ids(service)) == count == len(self.healthy(service)),
                          f"{count} containers of {service} are healthy", every=0.5)

    def addresses(self, container):
        networks = self.inspect(container)["NetworkSettings"]["Networks"]
        return [network["IPAddress"] for network in networks.values()]

    def down(self):
        engine.run(f"{self.compose} down -v --remove-orphans -t 40", self.folder)


class Redis:
    """The stack's Redis, for hot.records() and the like; only this host can reach it."""

    def __init__(self, stack):
        container = stack.ids("redis")[0]
        self.host = stack.addresses(container)[0]
        self.password = engine.run(
            f"docker exec {container} sh -c 'cat /run/secrets/password 2>/dev/null'",
            check=False).strip() or None

    def client(self, timeout=30):
        return redis_py.Redis(host=self.host, password=self.password, socket_timeout=timeout,
                              single_connection_client=True)


class Visitors:
    """People who ask and place without a pause, over connections that stay open, and note every
    answer that is neither what they asked for nor a refusal that says when to come back.

    A connection that was closed before an answer began is opened again, as every browser does,
    and what was asked is asked again, a placement under its key.
    """

    def __init__(self, port, count=4):
        self.port = port
        self.failures, self.answered, self.refused, self.served_by = [], 0, 0, set()
        self.accepted = []  # (offset, x, y, color) of placements
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._visit, args=(n,)) for n in range(count)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _visit(self, number):
        token = web.guest(self.port)["token"]
        work = client.operations(100 * number)
        connection, asked = self._connect(), 0
        while not self._ended.is_set():
            asked += 1
            request = self._placement(token, number, next(work)) if asked % 4 == 0 else (
                "GET", ("/api/canvas", "/", "/api/canvas/snapshot")[asked % 3], None, {})
            try:
                connection = self._ask(connection, request)
            except (OSError, http.client.HTTPException) as error:
                self.failures.append((request[:2], repr(error)))
                connection = self._connect()
            time.sleep(0.02)
        connection.close()

    def _placement(self, token, number, operation):
        x, y, color = operation
        headers = web.bearer(token) | {"Content-Type": "application/json",
                                       "Idempotency-Key": f"{number}-{x}-{y}-{color}"}
        body = json.dumps({"x": x, "y": y, "color": color})
        return "POST", "/api/pixels", body, headers

    def _ask(self, connection, request):
        try:
            connection.request(*request)
            answer = connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            connection.close()
            connection = self._connect()
            connection.request(*request)
            answer = connection.getresponse()
        body = answer.read()
        self.answered += 1
        self.served_by.add(answer.headers.get("X-Served-By"))
        refused = answer.status == 429 and answer.headers.get("Retry-After")
        self.refused += bool(refused)
        if answer.status == 201:
            asked = json.loads(request[2])
            self.accepted.append((json.loads(body)["offset"], *asked.values()))
        if answer.status not in (200, 201) and not refused:
            self.failures.append((request[:2], answer.status, body[:200]))
        if answer.headers.get("Connection") == "close":
            connection.close()
            connection = self._connect()
        return connection

    def _connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def check_against_journal(self, entries):
        """What was acknowledged is there, where the answer said."""
        held = {entry.offset: (entry.x, entry.y, entry.color) for entry in entries}
        lost = [one for one in self.accepted if held.get(one[0]) != one[1:]]
        assert not lost, f"{len(lost)} acknowledged placements are lost: {lost[:5]}"

    def check(self, least):
        assert not self.failures, f"{len(self.failures)} failed: {self.failures[:5]}"
        assert self.answered > least, f"only {self.answered} were answered"
