"""A small WebSocket client on a blocking socket, which Locust's gevent makes a cooperative one."""

import base64
import os
import socket
import struct
import urllib.parse

from loadtest.answers import ANY_CERTIFICATE

BINARY, CLOSE, PING, PONG = 2, 8, 9, 10
LAST = 0x80  # of a message's frames: the server sends each in one
HEAD_BYTES_MAX = 16384
CONNECT_TIMEOUT_S = 15


class Closed(ConnectionError):
    """The connection has ended; `code` is the server's, 1006 without a close frame."""

    def __init__(self, code, reason=""):
        super().__init__(f"closed with {code} {reason}".strip())
        self.code = code


def frame(payload, opcode=BINARY):
    """A client's frame, masked as they must be."""
    size = len(payload)
    if size < 126:
        head = struct.pack(">BB", LAST | opcode, 0x80 | size)
    else:
        head = struct.pack(">BBH", LAST | opcode, 0x80 | 126, size)
    mask = os.urandom(4)
    repeated = int.from_bytes((mask * (size // 4 + 1))[:size], "little")
    mixed = int.from_bytes(payload, "little") ^ repeated
    return head + mask + mixed.to_bytes(size, "little")


class WebSocket:
    def __init__(self, host, path="/ws"):
        """`host` is an http or https address. Raises OSError."""
        address = urllib.parse.urlsplit(host)
        secure = address.scheme == "https"
        self._socket = socket.create_connection(
            (address.hostname, address.port or (443 if secure else 80)), CONNECT_TIMEOUT_S)
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if secure:
                self._socket = ANY_CERTIFICATE.wrap_socket(
                    self._socket, server_hostname=address.hostname)
            self._received = bytearray()
            self._upgrade(address.netloc.rpartition("@")[2], path)
            self._socket.settimeout(None)
        except BaseException:
            self._socket.close()
            raise

    def _upgrade(self, host, path):
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
        while b"\r\n\r\n" not in self._received:
            if len(self._received) > HEAD_BYTES_MAX:
                raise ConnectionError("the handshake's answer does not end")
            self._receive()
        head, _, rest = bytes(self._received).partition(b"\r\n\r\n")
        self._received = bytearray(rest)
        status = head.split(b" ", 2)[1].decode("latin-1") if head.count(b" ") > 1 else "nothing"
        if status != "101":
            raise ConnectionError(f"the handshake was answered with {status}")

    def send(self, payload, opcode=BINARY):
        """Raises OSError when the connection has ended."""
        self._socket.sendall(frame(payload, opcode))

    def recv(self):
        """The next binary message; raises Closed."""
        while True:
            found = self._take()
            if found is None:
                self._receive()
                continue
            opcode, payload = found
            if opcode == BINARY:
                return payload
            if opcode == PING:
                self.send(payload, PONG)
            elif opcode == CLOSE:
                code = int.from_bytes(payload[:2], "big") if payload else 1005
                raise Closed(code, payload[2:].decode("utf-8", "replace"))

    def _receive(self):
        try:
            data = self._socket.recv(65536)
        except OSError as error:
            raise Closed(1006, str(error)) from error
        if not data:
            raise Closed(1006)
        self._received += data

    def _take(self):
        """(opcode, payload) of the frame that is whole, or None."""
        received = self._received
        if len(received) < 2:
            return None
        if received[0] & ~0x0F != LAST or received[1] & 0x80:
            raise Closed(1002, f"a frame that begins with {received[:2].hex()}")
        size, start = received[1], 2
        if size == 126:
            size, start = int.from_bytes(received[2:4], "big"), 4
        elif size == 127:
            size, start = int.from_bytes(received[2:10], "big"), 10
        if len(received) < start + size:
            return None
        opcode, payload = received[0] & 0x0F, bytes(received[start:start + size])
        del received[:start + size]
        return opcode, payload

    def close(self):
        """Says goodbye and hangs up; whoever is in recv() gets Closed."""
        try:
            self.send(struct.pack(">H", 1000), CLOSE)
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()
