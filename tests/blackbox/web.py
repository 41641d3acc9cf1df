"""HTTP for the tests: ordinary requests, and raw bytes for those no library would send."""

import http.client
import json
import socket
from dataclasses import dataclass


@dataclass
class Response:
    status: int
    headers: dict  # lower-case names; repeated ones are joined by ", "
    body: bytes

    def json(self):
        return json.loads(self.body)

    def code(self):
        """The `code` of an error answer."""
        return self.json()["error"]["code"]


def request(port, method, path, body=None, headers=None, timeout=15, source=None):
    """One request on its own connection; `body` may be bytes or something for json.dumps."""
    headers = dict(headers or {})
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        headers.setdefault("Content-Type", "application/json")
    address = (source, 0) if source else None
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout,
                                            source_address=address)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        if body is not None or method in ("POST", "PUT"):
            headers.setdefault("Content-Length", str(len(body or b"")))
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return Response(answer.status, lower(answer.getheaders()), answer.read())
    finally:
        connection.close()


def lower(pairs):
    headers = {}
    for name, value in pairs:
        name = name.lower()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def get(port, path, headers=None, **how):
    return request(port, "GET", path, headers=headers, **how)


def post(port, path, body=None, headers=None, **how):
    return request(port, "POST", path, body, headers, **how)


# --- The interface of docs/api.md ---------------------------------------------------------------


def guest(port):
    """{"token", "expires_at_ms", "user": {"id", "name"}} of a new guest."""
    answer = post(port, "/api/auth/guest", {})
    assert answer.status == 200, f"guest sign-in: expected 200, got {answer}"
    return answer.json()


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def place(port, token, x, y, color, key=None, **how):
    headers = bearer(token) | ({"Idempotency-Key": key} if key else {})
    return post(port, "/api/pixels", {"x": x, "y": y, "color": color}, headers, **how)


@dataclass
class Snapshot:
    epoch: int
    offset: int
    digest: int
    width: int
    height: int
    board: bytes


def snapshot(port, min_offset=None):
    path = "/api/canvas/snapshot" + (f"?min_offset={min_offset}" if min_offset is not None else "")
    answer = get(port, path)
    assert answer.status == 200, f"snapshot: expected 200, got {answer.status} {answer.body[:200]}"
    head = answer.headers
    taken = Snapshot(int(head["x-canvas-epoch"]), int(head["x-canvas-offset"]),
                     int(head["x-canvas-digest"], 16), int(head["x-canvas-width"]),
                     int(head["x-canvas-height"]), answer.body)
    assert len(taken.board) == taken.width * taken.height, "one byte a pixel"
    assert min_offset is None or taken.offset >= min_offset, "older than it was asked to be"
    return taken


# --- Raw bytes ----------------------------------------------------------------------------------


class Raw:
    """A TCP connection that sends what it is given and reads HTTP responses from it."""

    def __init__(self, port, data=b"", timeout=15):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.file = self.socket.makefile("rb")
        if data:
            self.send(data)

    def send(self, data):
        """Sends all of it, or as much as the server takes before it closes."""
        try:
            self.socket.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def response(self, head=False):
        """The next response, or None when the server has closed without one."""
        try:
            line = self.file.readline(65536)
        except ConnectionResetError:
            return None
        if not line:
            return None
        version, status, *_ = line.decode("latin-1").split(" ", 2)
        assert version == "HTTP/1.1", f"not a response: {line!r}"
        pairs = []
        while (line := self.file.readline(65536)) not in (b"\r\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            pairs.append((name.strip(), value.strip()))
        headers = lower(pairs)
        body = b""
        if not head and int(status) not in (101, 204, 304) and int(status) >= 200:
            assert "transfer-encoding" not in headers, "the server always knows the length"
            body = self.file.read(int(headers["content-length"]))
        return Response(int(status), headers, body)

    def is_closed(self, timeout=5):
        """Whether the server closes (without a further byte) within the time."""
        self.socket.settimeout(timeout)
        try:
            return self.file.read(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def exchange(port, data, head=False):
    """Sends raw bytes on a new connection; its first response."""
    with Raw(port, data) as raw:
        return raw.response(head)
