"""The load's own protocol and WebSocket pass the golden vectors and read what may be sent."""

import json
import pathlib
import socket
import struct
import threading

import pytest
from loadtest import protocol, websocket

VECTORS = pathlib.Path(__file__).parents[1] / "vectors" / "protocol.json"
ENCODERS = {"hello": lambda version: bytes([1, version]), "resume": protocol.resume,
            "sign_in": protocol.sign_in, "place": protocol.place, "ping": protocol.ping}
TEXTS = ("token", "served_by", "text", "name")


def vectors(direction):
    return [pytest.param(vector, id=vector["name"])
            for vector in json.loads(VECTORS.read_text(encoding="utf-8"))
            if vector["direction"] == direction]


def fields_of(vector):
    """The vector's fields: numbers for decimal strings and digests."""
    return {name: int(value, 16) if name == "digest" else
            int(value) if isinstance(value, str) and name not in TEXTS else value
            for name, value in vector["fields"].items()}


@pytest.mark.parametrize("vector", vectors("client"))
def test_what_is_sent(vector):
    encode = ENCODERS[vector["message"]]
    assert encode(**fields_of(vector)).hex() == vector["hex"]


@pytest.mark.parametrize("vector", vectors("server"))
def test_what_is_read(vector):
    read = vars(protocol.read(bytes.fromhex(vector["hex"])))
    fields = fields_of(vector)
    if vector["message"] == "notice":
        fields["notice"] = fields.pop("kind")
    if vector["message"] == "welcome":
        fields["colors"] = len(fields["palette"])
    assert read["kind"] == int(vector["hex"][:2], 16)
    shared = fields.keys() & read.keys()
    assert {name: read[name] for name in shared} == {name: fields[name] for name in shared}
    assert shared >= set(protocol.FIELDS.get(read["kind"], ((), ("epoch", "colors")))[1])


@pytest.mark.parametrize("data", ["", "83", "7f00", "8401"])
def test_what_is_no_message(data):
    with pytest.raises(ValueError):
        protocol.read(bytes.fromhex(data))


def server_frame(payload, opcode=websocket.BINARY):
    size = len(payload)
    if size < 126:
        return bytes([0x80 | opcode, size]) + payload
    if size < 65536:
        return struct.pack(">BBH", 0x80 | opcode, 126, size) + payload
    return struct.pack(">BBQ", 0x80 | opcode, 127, size) + payload


@pytest.fixture
def connect():
    """connect(bytes) → a WebSocket whose server answers the handshake and sends these bytes."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads = []

    def start(data, answer=b"HTTP/1.1 101 Switching Protocols\r\n\r\n"):
        def serve():
            peer = listener.accept()[0]
            with peer:
                peer.recv(4096)
                for at in range(0, len(answer + data), 7):  # in pieces that end anywhere
                    peer.sendall((answer + data)[at:at + 7])
                while peer.recv(4096):
                    pass

        threads.append(threading.Thread(target=serve, daemon=True))
        threads[-1].start()
        return websocket.WebSocket(f"http://127.0.0.1:{listener.getsockname()[1]}")

    yield start
    listener.close()


def test_messages_of_every_size_and_the_end(connect):
    messages = [b"x" * size for size in (0, 1, 125, 126, 127, 3000)]
    stream = b"".join(server_frame(message) for message in messages)
    ping, end = server_frame(b"hello", websocket.PING), server_frame(
        struct.pack(">H", 1012) + b"restart", websocket.CLOSE)
    opened = connect(ping + stream + end)
    assert [opened.recv() for _ in messages] == messages
    with pytest.raises(websocket.Closed) as closed:
        opened.recv()
    assert closed.value.code == 1012
    opened.close()


@pytest.mark.parametrize("data", [b"\x02\x01x", b"\xc2\x01x", b"\x82\x81xxxxx"])
def test_frames_that_a_server_must_not_send(connect, data):
    opened = connect(data)
    with pytest.raises(websocket.Closed) as closed:
        opened.recv()
    assert closed.value.code == 1002
    opened.close()


def test_a_refused_handshake_says_the_status(connect):
    with pytest.raises(ConnectionError, match="503"):
        connect(b"", b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
