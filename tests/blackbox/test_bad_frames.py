"""Bad WebSocket input gets its close code, changes nothing, and harms nobody else."""

import asyncio
import json
import pathlib
import struct

import client
import codec
import journal
import pytest
import web
import websockets
import ws
from server import FAST

HELLO = codec.encode("hello", version=1)
PING = codec.encode("ping", nonce=7)
VECTORS = pathlib.Path(__file__).parents[1] / "vectors"


@pytest.fixture(autouse=True)
def nothing_changes_and_the_server_lives(shared):
    entries = journal.entries_of(shared.data_dir)
    yield
    assert web.get(shared.port, "/health").status == 200
    assert journal.entries_of(shared.data_dir) == entries, "expected the journal to be untouched"


def close_code(server, data, hello=True):
    """The server's close code after these raw bytes on a fresh connection."""

    async def story():
        socket = await ws.WebSocket.connect(server.port, on_message=lambda _: None)
        if hello:
            socket.send(HELLO)
        socket.send_raw(data)
        return await socket.ended()

    return asyncio.run(story())


# --- Frames -------------------------------------------------------------------------------------

FRAMES = [
    ("unmasked", ws.frame(PING, masked=False), {1002}),
    ("compressed, which nobody agreed on", ws.frame(PING, rsv=4), {1002}),
    ("second reserved bit", ws.frame(PING, rsv=2), {1002}),
    ("third reserved bit", ws.frame(PING, rsv=1), {1002}),
    *((f"reserved opcode {n}", ws.frame(PING, opcode=n), {1002}) for n in (3, 7, 11, 15)),
    ("continuation of nothing", ws.frame(PING, opcode=0), {1002}),
    ("a message inside a fragmented one",
     ws.frame(PING[:2], fin=False) + ws.frame(PING), {1002}),
    ("control frame of 126 bytes", ws.frame(b"p" * 126, ws.PING), {1002}),
    ("fragmented control frame", ws.frame(b"p", ws.PING, fin=False), {1002}),
    ("close with one byte", ws.frame(b"\x03", ws.CLOSE), {1002}),
    ("close with code 1005, never sent", ws.frame(struct.pack(">H", 1005), ws.CLOSE), {1002}),
    ("close with code 999", ws.frame(struct.pack(">H", 999), ws.CLOSE), {1002}),
    ("close with a reason that is not UTF-8",
     ws.frame(struct.pack(">H", 1000) + b"\xff\xfe", ws.CLOSE), {1002, 1007}),
    ("text", ws.frame(b"hello", ws.TEXT), {1003}),
    ("empty text", ws.frame(b"", ws.TEXT), {1003}),
    ("text that is not UTF-8", ws.frame(b"\xff\xff", ws.TEXT), {1003, 1007}),
    ("fragmented text", ws.frame(b"a", ws.TEXT, fin=False) + ws.frame(b"b", 0), {1003}),
    ("4 097 bytes", ws.frame(b"\x05" * 4097), {1009}),
    ("4 097 bytes in fragments",
     ws.frame(b"\x05" * 4000, fin=False) + ws.frame(b"\x05" * 97, opcode=0), {1009}),
    ("1 MB", ws.frame(b"\x05" * 1_000_000), {1009}),
    ("a length of 2^62", b"\x82\xff" + struct.pack(">Q", 2**62) + b"mask", {1009}),
    ("a length of 2^63", b"\x82\xff" + struct.pack(">Q", 2**63) + b"mask", {1002, 1009}),
    ("a length not in its shortest form",
     b"\x82\xfe" + struct.pack(">H", 5) + b"\0\0\0\0" + PING, {1002}),
]  # fmt: skip


@pytest.mark.parametrize("data, expected", [pytest.param(*row[1:], id=row[0]) for row in FRAMES])
def test_a_bad_frame_closes_the_connection(shared, data, expected):
    code = close_code(shared, data)
    assert code in expected, f"expected close code {expected}, got {code}"


def test_a_close_is_answered(shared):
    assert close_code(shared, ws.frame(struct.pack(">H", 1000), ws.CLOSE)) == 1000
    assert close_code(shared, ws.frame(b"", ws.CLOSE)) in (1000, 1005)


def test_fragments_make_one_message_and_pings_may_come_between(shared):
    async def story():
        socket = await ws.WebSocket.connect(shared.port)
        socket.send(HELLO[:1], fin=False)
        socket.send(b"between", ws.PING)
        socket.send(b"", opcode=0, fin=False)
        socket.send(HELLO[1:], opcode=0)
        assert codec.decode(await socket.recv()).message == "welcome"
        message = codec.encode("ping", nonce=99)
        for number, byte in enumerate(message):
            last = number == len(message) - 1
            socket.send(bytes([byte]), opcode=0 if number else ws.BINARY, fin=last)
        while (answer := codec.decode(await socket.recv())).message != "pong":
            pass
        assert answer.nonce == 99
        await socket.close()

    asyncio.run(story())


def test_a_frame_in_single_bytes_is_one_message(shared):
    async def story():
        socket = await ws.WebSocket.connect(shared.port)
        for byte in ws.frame(HELLO):
            socket.send_raw(bytes([byte]))
            await asyncio.sleep(0)
        assert codec.decode(await socket.recv()).message == "welcome"
        await socket.close()

    asyncio.run(story())


def test_a_message_of_4096_bytes_is_read(shared):
    """It is too long for a token, so malformed; but it is not too big."""
    assert close_code(shared, ws.frame(b"\x03" + b"t" * 4095)) == 4001


# --- Messages -----------------------------------------------------------------------------------


def malformed():
    vectors = json.loads((VECTORS / "malformed.json").read_text(encoding="utf-8"))
    return [pytest.param(bytes.fromhex(vector["hex"]), id=vector["name"])
            for vector in vectors if vector["direction"] == "client"]


@pytest.mark.parametrize("data", malformed())
def test_a_malformed_message_closes_with_4001(shared, data):
    assert close_code(shared, ws.frame(data)) == 4001


@pytest.mark.parametrize("first", [
    PING,
    codec.encode("place", sequence=1, x=1, y=1, color=1),
    codec.encode("resume", epoch=1, offset=0, digest=0),
    codec.encode("sign_in", producer=1, token="t"),
], ids=["ping", "place", "resume", "sign_in"])
def test_hello_comes_first(shared, first):
    assert close_code(shared, ws.frame(first), hello=False) == 4001


def test_hello_is_sent_once(shared):
    assert close_code(shared, ws.frame(HELLO)) == 4001


@pytest.mark.parametrize("version", [0, 2, 255])
def test_a_version_not_spoken_closes_with_4004(shared, version):
    hello = codec.encode("hello", version=version)
    assert close_code(shared, ws.frame(hello), hello=False) == 4004


@pytest.mark.skipif(FAST, reason="waits for the time limit")
def test_without_hello_the_connection_ends_with_4000(shared):
    async def story():
        silent, pinging = [await ws.WebSocket.connect(shared.port) for _ in range(2)]
        for _ in range(8):  # pings are no hello
            pinging.send(b"", ws.PING)
            await asyncio.sleep(0.5)
        return await silent.ended(timeout=15), await pinging.ended(timeout=15)

    assert asyncio.run(story()) == (4000, 4000)


def test_placing_without_signing_in_is_refused(shared):
    async def story():
        player = await client.Player(shared.port).connect()
        answer = await player.place(1, 1, 1)
        await player.close()
        return answer

    assert asyncio.run(story()).reason == codec.REASON["not_signed_in"]


@pytest.mark.parametrize("token", ["x", "v1.AAAA.AAAA", "v1..", "🟥", "t" * 2048])
def test_a_bad_token_is_refused_and_the_connection_goes_on(shared, token):
    async def story():
        player = await client.Player(shared.port, token).connect()
        player.inbox.clear()
        answer = await player.sign_in()
        assert (answer.message, answer.reason) == ("sign_in_refused", 1), answer
        assert (await player.place(1, 1, 1)).reason == codec.REASON["not_signed_in"]
        player.token = (await asyncio.to_thread(web.guest, shared.port))["token"]
        assert (await player.sign_in()).message == "signed_in"
        await player.close()

    asyncio.run(story())


@pytest.mark.parametrize("x, y, color, reason", [
    (64, 0, 0, "outside"), (0, 64, 0, "outside"), (65535, 65535, 0, "outside"),
    (0, 0, 32, "bad_color"), (0, 0, 255, "bad_color")])
def test_a_bad_placement_is_refused(shared, x, y, color, reason):
    async def story():
        player = await client.Player(shared.port, web.guest(shared.port)["token"]).connect()
        answer = await player.place(x, y, color)
        await player.close()
        return answer

    answer = asyncio.run(story())
    assert (answer.message, getattr(answer, "reason", None)) == ("refused", codec.REASON[reason])


@pytest.mark.parametrize("message", [
    codec.encode("resume", epoch=1, offset=0, digest=0),
    codec.encode("ping", nonce=1)], ids=["resume", "ping"])
def test_a_flood_of_messages_ends_with_1008(shared, message):
    async def story():
        flood = await ws.WebSocket.connect(shared.port)
        flood.send(codec.encode("hello", version=1))
        flood.send_raw(ws.frame(message) * 5_000)
        return await flood.ended()

    assert asyncio.run(story()) == 1008


def test_more_than_eight_unanswered_are_refused_as_busy(start_server):
    """All are answered, what is accepted is true, and nobody gets more than the journal takes."""
    server = start_server()

    async def story():
        token = (await asyncio.to_thread(web.guest, server.port))["token"]
        player = await client.Player(server.port, token).connect()
        frames = b""
        for n in range(1, 501):
            player.unanswered[n] = client.Placement(n, n % 64, n // 64, 1)
            frames += ws.frame(codec.encode("place", sequence=n, x=n % 64, y=n // 64, color=1))
        player.socket.send_raw(frames)
        placements = list(player.unanswered.values())
        await player.until_answered()
        await player.close()
        return player, placements

    player, placements = asyncio.run(story())
    client.check_promises([player])
    refused = [placement.answer for placement in placements if not placement.accepted]
    assert {answer.reason for answer in refused} == {codec.REASON["busy"]}, "expected only busy"
    assert all(answer.wait_ms > 0 for answer in refused)
    entries = journal.entries_of(server.data_dir)
    journal.check_chain(entries)
    assert len(entries) == len(player.accepted) < 500, "expected the limit to be kept"
    places = {(entry.x, entry.y): entry.offset for entry in entries}
    for placement in player.accepted:
        assert places[placement.x, placement.y] == placement.answer.offset


# --- The handshake ------------------------------------------------------------------------------


def handshake_status(server, **how):
    async def story():
        try:
            socket = await ws.WebSocket.connect(server.port, **how)
        except ws.Refused as refused:
            return refused.status, json.loads(refused.body)["error"]["code"]
        await socket.close()
        return 101, None

    return asyncio.run(story())


@pytest.mark.parametrize("origin", [
    "http://evil.example", "https://127.0.0.1.evil.example", "http://127.0.0.1", "null",
    "http://127.0.0.1:1", "file://", "127.0.0.1", "http://listed.example:81",
    "http://listed.example.evil", "https://user@listed.example"])
def test_a_foreign_origin_is_refused(shared, origin):
    assert handshake_status(shared, origin=origin) == (403, "bad_origin")


def test_the_own_host_listed_origins_and_no_origin_are_welcome(start_server):
    server = start_server(ALLOWED_ORIGINS="https://listed.example,http://other.example:8080")
    for origin in (f"http://127.0.0.1:{server.port}", f"https://127.0.0.1:{server.port}",
                   "https://listed.example", "http://other.example:8080", None):
        assert handshake_status(server, origin=origin)[0] == 101, f"expected {origin} to be welcome"
    assert handshake_status(server, origin="http://listed.example")[0] == 403, "http is not https"
    assert handshake_status(server, origin="http://other.example")[0] == 403, "another port"


def test_no_extension_is_negotiated(shared):
    async def story():
        offer = ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")
        socket = await ws.WebSocket.connect(shared.port, headers=[offer])
        await socket.close()
        return socket.head.lower()

    head = asyncio.run(story())
    assert "sec-websocket-extensions" not in head
    assert "x-served-by: black-box" in head, "the handshake too says who served it"


@pytest.mark.parametrize("drop, put, statuses", [
    ("Upgrade", "", {426}), ("Connection", "", {400, 426}), ("Sec-WebSocket-Key", "", {400, 426}),
    ("Sec-WebSocket-Version", "", {400, 426}),
    ("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8\r\n", {400, 426}),
    ("Sec-WebSocket-Key", "Sec-WebSocket-Key: short\r\n", {400, 426})])
def test_a_broken_handshake_is_refused(shared, drop, put, statuses):
    lines = ws.handshake(shared.port).decode().split("\r\n")[:-2]
    head = "\r\n".join(line for line in lines if not line.startswith(drop + ":")) + "\r\n" + put
    answer = web.exchange(shared.port, (head + "\r\n").encode())
    assert answer is not None and answer.status in statuses, f"expected {statuses}, got {answer}"
    assert answer.json()["error"]["message"]


def test_a_plain_get_is_told_to_upgrade(shared):
    answer = web.get(shared.port, "/ws")
    assert answer.status == 426
    assert answer.headers["upgrade"].lower() == "websocket"


def test_a_stock_client_is_served(shared):
    """The `websockets` library, which keeps the rules that this suite breaks."""

    async def story():
        uri = f"ws://127.0.0.1:{shared.port}/ws"
        async with websockets.connect(uri) as socket:
            await socket.send(HELLO)
            assert codec.decode(await socket.recv()).message == "welcome"
            await (await socket.ping())
            await socket.send(PING)
            while codec.decode(await socket.recv()).message != "pong":
                pass
        assert socket.close_code == 1000

    asyncio.run(asyncio.wait_for(story(), 10))


def test_frames_half_sent_and_cut_off_harm_nothing(shared):
    async def story():
        sockets = [await ws.WebSocket.connect(shared.port) for _ in range(50)]
        for number, socket in enumerate(sockets):
            socket.send(HELLO)
            socket.send_raw(ws.frame(PING)[: number % 11])
        for socket in sockets:
            socket.abort()
            await socket.ended()

    asyncio.run(story())
