"""A WebSocket client that can also break every rule, on bare asyncio.

Messages go to `on_message` if it is set, else into a queue that recv() reads. It answers pings
and closes unless `polite` is False.
"""

import asyncio
import base64
import os
import socket
import struct
from collections import deque

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

# How long something is waited for that should come at once: long enough for a sanitizer's build on
# a busy machine, because it only ends tests that hang.
PATIENCE_S = 30


class Refused(Exception):
    """The handshake was answered with another status than 101."""

    def __init__(self, status, head, body):
        super().__init__(f"handshake answered {status}: {body[:200]!r}")
        self.status, self.head, self.body = status, head, body


class Closed(Exception):
    """The connection has ended; `code` is the server's, or None if it sent no close frame."""

    def __init__(self, code, reason=""):
        super().__init__(f"closed with {code} {reason}")
        self.code, self.reason = code, reason


def frame(payload, opcode=BINARY, fin=True, rsv=0, masked=True):
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    size = len(payload)
    mask_bit = 0x80 if masked else 0
    if size < 126:
        head = struct.pack(">BB", first, mask_bit | size)
    elif size < 65536:
        head = struct.pack(">BBH", first, mask_bit | 126, size)
    else:
        head = struct.pack(">BBQ", first, mask_bit | 127, size)
    if not masked:
        return head + payload
    key = os.urandom(4)
    repeated = int.from_bytes((key * (size // 4 + 1))[:size], "little")
    mixed = int.from_bytes(payload, "little") ^ repeated
    return head + key + mixed.to_bytes(size, "little")


def handshake(port, origin=None, path="/ws", headers=()):
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: Upgrade",
             "Upgrade: websocket", "Sec-WebSocket-Version: 13",
             f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}"]
    lines += [f"Origin: {origin}"] if origin else []
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class WebSocket(asyncio.Protocol):
    def __init__(self):
        self.on_message = None
        self.on_end = None
        self.polite = True
        self.close_code = None
        self.close_reason = ""
        self._opened = asyncio.get_running_loop().create_future()
        self._ended = asyncio.get_running_loop().create_future()
        self._upgraded = False
        self._received = bytearray()
        self._messages = deque()
        self._waiter = None

    @classmethod
    async def connect(cls, port, on_message=None, on_end=None, receive_buffer=None, source=None,
                      **how):
        """Raises Refused, or OSError. `receive_buffer` is SO_RCVBUF in bytes; segments are then
        small too, because none as large as loopback's own would ever fit in."""
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1024)
        if source:
            sock.bind((source, 0))
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_connect(sock, ("127.0.0.1", port))
            _, self = await loop.create_connection(cls, sock=sock)
        except BaseException:
            sock.close()
            raise
        self.on_message, self.on_end = on_message, on_end
        self.send_raw(handshake(port, **how))
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.shield(self._opened)
        return self

    # --- Sending --------------------------------------------------------------------------------

    def send(self, payload, opcode=BINARY, **how):
        self._transport.write(frame(payload, opcode, **how))

    def send_raw(self, data):
        self._transport.write(data)

    def pause(self):
        """Stops reading from the socket, so that the server's writes come to a stop."""
        self._transport.pause_reading()

    def resume(self):
        self._transport.resume_reading()

    async def close(self, code=1000):
        """An orderly end."""
        if not self._ended.done():
            self.send(struct.pack(">H", code), CLOSE)
        await self.ended()

    def abort(self):
        """A reset, as when a phone loses its network and its address."""
        if not self._ended.done():
            linger = struct.pack("ii", 1, 0)
            sock = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._transport.abort()

    # --- Receiving ------------------------------------------------------------------------------

    async def recv(self, timeout=PATIENCE_S):
        """The next message; raises Closed, or TimeoutError."""
        if not self._messages:
            if self._ended.done():
                raise Closed(self.close_code, self.close_reason)
            self._waiter = asyncio.get_running_loop().create_future()
            async with asyncio.timeout(timeout):
                await self._waiter
            return await self.recv(timeout)
        return self._messages.popleft()

    async def ended(self, timeout=PATIENCE_S):
        """Waits for the end of the connection; the server's close code, or None."""
        async with asyncio.timeout(timeout):
            await asyncio.shield(self._ended)
        return self.close_code

    @property
    def is_open(self):
        return not self._ended.done()

    # --- asyncio.Protocol -----------------------------------------------------------------------

    def connection_made(self, transport):
        self._transport = transport

    def data_received(self, data):
        self._received += data
        if not self._upgraded and not self._read_handshake():
            return
        at = 0
        while (end := self._frame_end(at)) is not None:
            at = end
        del self._received[:at]

    def connection_lost(self, error):
        if not self._opened.done():
            status = int(self._received[9:12] or 0)
            head, _, body = bytes(self._received).partition(b"\r\n\r\n")
            self._opened.set_exception(Refused(status, head.decode("latin-1"), body))
        if not self._ended.done():
            self._ended.set_result(None)
        self._wake()
        if self.on_end:
            self.on_end()

    def _read_handshake(self):
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return False
        if not self._received.startswith(b"HTTP/1.1 101"):
            length = self._received[:end].lower().partition(b"content-length:")[2].split(b"\r\n")[0]
            if len(self._received) - end - 4 >= int(length or 0):
                self._transport.close()  # connection_lost reports it
            return False
        self.head = self._received[:end].decode("latin-1")
        del self._received[: end + 4]
        self._upgraded = True
        self._opened.set_result(None)
        return True

    def _frame_end(self, at):
        """Handles the frame at `at` if it is whole and returns where it ends."""
        received = self._received
        if len(received) < at + 2:
            return None
        opcode, size, start = received[at], received[at + 1], at + 2
        assert size < 0x80, "a server's frame must not be masked"
        assert opcode & 0x70 == 0, "a reserved bit is set"
        if size == 126:
            size, start = int.from_bytes(received[start : start + 2], "big"), start + 2
        elif size == 127:
            size, start = int.from_bytes(received[start : start + 8], "big"), start + 8
        if len(received) < start or len(received) < start + size:
            return None
        self._handle(opcode, bytes(received[start : start + size]))
        return start + size

    def _handle(self, opcode, payload):
        if opcode == 0x80 | BINARY:
            if self.on_message:
                self.on_message(payload)
            else:
                self._messages.append(payload)
                self._wake()
        elif opcode == 0x80 | PING:
            if self.polite:
                self.send(payload, PONG)
        elif opcode == 0x80 | CLOSE:
            self.close_code = int.from_bytes(payload[:2], "big") if payload else 1005
            self.close_reason = payload[2:].decode()
            if self.polite and not self._transport.is_closing():
                self.send(payload[:2], CLOSE)
                self._transport.close()
        elif opcode != 0x80 | PONG:
            raise AssertionError(f"the server sent a frame with first byte {opcode:#x}")

    def _wake(self):
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)
