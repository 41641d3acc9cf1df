#!/usr/bin/python3
"""Writes the golden vectors straight from docs/protocol.md, sharing no code with any codec.

    generate.py          writes the five files beside this script
    generate.py NAME     prints one of them, as in `generate.py digest.json`

protocol.json   messages and their bytes; u64 and i64 are decimal strings, smaller numbers are
                numbers, a digest is 16 hex digits
malformed.json  bytes that must be refused; a delta comes with the `area` of its board and its
                `color_bits`
digest.json     journal entries and the running digest after each
telegram.json   Mini App init data, when it is looked at, and who it names or why it is refused
redis.json      the formats of docs/redis.md; generate_redis.py says how
"""

import hashlib
import hmac
import json
import pathlib
import struct
import sys
from urllib.parse import quote

import generate_redis

U32_MAX = 2**32 - 1
U64_MAX = 2**64 - 1
DIGEST = "0123456789abcdef"
PALETTE = [
    "#6D001A", "#BE0039", "#FF4500", "#FFA800", "#FFD635", "#FFF8B8", "#00A368", "#00CC78",
    "#7EED56", "#00756F", "#009EAA", "#00CCC0", "#2450A4", "#3690EA", "#51E9F4", "#493AC1",
    "#6A5CFF", "#94B3FF", "#811E9F", "#B44AC0", "#E4ABFF", "#DE107F", "#FF3881", "#FF99AA",
    "#6D482F", "#9C6926", "#FFB470", "#000000", "#515252", "#898D90", "#D4D7D9", "#FFFFFF",
]

# --- Messages ---------------------------------------------------------------------------------

# Every message of the specification: type, direction, and its fields in order.
MESSAGES = {
    "hello": (0x01, "client", "version:u8"),
    "resume": (0x02, "client", "epoch:u64 offset:u64 digest:digest"),
    "sign_in": (0x03, "client", "producer:u64 token:text"),
    "place": (0x04, "client", "sequence:u32 x:u16 y:u16 color:u8"),
    "ping": (0x05, "client", "nonce:u32"),
    "welcome": (
        0x81, "server",
        "version:u8 width:u16 height:u16 color_bits:u8 palette:palette cooldown_ms:u32"
        " charges_max:u16 flags:u8 epoch:u64 offset:u64 digest:digest time_ms:u64 served_by:text",
    ),
    "snapshot_needed": (0x82, "server", "why:u8 epoch:u64 offset:u64"),
    "delta": (0x83, "server", "base:u64 advance:u32 digest:digest pixels:pixels"),
    "accepted": (0x84, "server", "sequence:u32 offset:u64 charges:u16 next_charge_ms:u32"),
    "refused": (0x85, "server", "sequence:u32 reason:u8 wait_ms:u32 charges:u16"),
    "presence": (0x86, "server", "online:u32"),
    "notice": (0x87, "server", "kind:u8 value:u32 text:text"),
    "signed_in": (0x88, "server", "person:i64 charges:u16 next_charge_ms:u32 name:text"),
    "sign_in_refused": (0x89, "server", "reason:u8"),
    "pong": (0x8A, "server", "nonce:u32 time_ms:u64"),
}

NUMBERS = {"u8": "<B", "u16": "<H", "u32": "<I", "u64": "<Q", "i64": "<q"}


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def pixel_bytes(pixels, color_bits):
    out, previous = b"", -1
    for index, color in pixels:
        out += varint((index - previous - 1) << color_bits | color)
        previous = index
    return out


def field_bytes(kind, value, fields):
    if kind in NUMBERS:
        return struct.pack(NUMBERS[kind], int(value))
    if kind == "digest":
        return struct.pack("<Q", int(value, 16))
    if kind == "text":
        return value.encode()
    if kind == "palette":
        return bytes([len(value)]) + b"".join(bytes.fromhex(color[1:]) for color in value)
    return pixel_bytes(value, fields["color_bits"])


def message_bytes(message, fields):
    kind, _, layout = MESSAGES[message]
    out = bytes([kind])
    for field in layout.split():
        name, field_kind = field.split(":")
        out += field_bytes(field_kind, fields[name], fields)
    return out


def welcome(**changes):
    fields = {
        "version": 1, "width": 1000, "height": 1000, "color_bits": 5, "palette": PALETTE,
        "cooldown_ms": 5000, "charges_max": 5, "flags": 2, "epoch": "8374652910384756",
        "offset": "41", "digest": DIGEST, "time_ms": "1767225600000", "served_by": "pixel-1",
    }
    return fields | changes


def delta(base, advance, pixels, color_bits=5, digest=DIGEST):
    return {"base": str(base), "advance": advance, "digest": digest, "color_bits": color_bits,
            "pixels": pixels}


def client_messages():
    yield "hello", "hello", {"version": 1}
    yield "hello of a later version", "hello", {"version": 255}
    yield "resume", "resume", {"epoch": "8374652910384756", "offset": "41", "digest": DIGEST}
    yield "resume at the beginning", "resume", {"epoch": "1", "offset": "0", "digest": "0" * 16}
    yield "resume, largest numbers", "resume", {
        "epoch": str(U64_MAX), "offset": str(U64_MAX), "digest": "f" * 16}
    yield "resume above 2^53", "resume", {
        "epoch": str(2**53 + 1), "offset": str(2**63), "digest": "8000000000000001"}
    yield "sign_in", "sign_in", {"producer": "81985529216486895", "token": "v1.AAAA.BBBB"}
    yield "sign_in, shortest token", "sign_in", {"producer": "1", "token": "t"}
    yield "sign_in, longest token", "sign_in", {"producer": str(U64_MAX), "token": "T" * 2048}
    yield "place", "place", {"sequence": 1, "x": 3, "y": 2, "color": 7}
    yield "place at the origin", "place", {"sequence": 2, "x": 0, "y": 0, "color": 0}
    yield "place, largest numbers", "place", {
        "sequence": U32_MAX, "x": 65535, "y": 65535, "color": 255}
    yield "ping", "ping", {"nonce": 287454020}
    yield "ping, zero", "ping", {"nonce": 0}
    yield "ping, largest nonce", "ping", {"nonce": U32_MAX}


def welcome_messages():
    yield "welcome", "welcome", welcome()
    yield "welcome, no cooldown", "welcome", welcome(cooldown_ms=0, charges_max=1)
    yield "welcome, every flag", "welcome", welcome(flags=7)
    yield "welcome, two colours", "welcome", welcome(
        width=16, height=16, color_bits=1, palette=["#000000", "#FFFFFF"])
    yield "welcome, three colours need two bits", "welcome", welcome(
        color_bits=2, palette=["#000000", "#7F7F7F", "#FFFFFF"])
    yield "welcome, 255 colours", "welcome", welcome(
        width=4096, height=4096, color_bits=8,
        palette=[f"#{n:02X}{255 - n:02X}80" for n in range(255)])
    yield "welcome, largest numbers", "welcome", welcome(
        width=65535, height=65535, cooldown_ms=U32_MAX, charges_max=65535, epoch=str(U64_MAX),
        offset=str(U64_MAX), digest="f" * 16, time_ms=str(U64_MAX))
    yield "welcome, UTF-8 name", "welcome", welcome(served_by="узел-1 🟥")
    yield "welcome, no name", "welcome", welcome(served_by="")


def snapshot_messages():
    for why, meaning in enumerate(["another epoch", "too old", "digest differs", "ahead"], 1):
        yield f"snapshot_needed, {meaning}", "snapshot_needed", {
            "why": why, "epoch": "8374652910384756", "offset": str(41 * why)}
    yield "snapshot_needed, largest numbers", "snapshot_needed", {
        "why": 255, "epoch": str(U64_MAX), "offset": str(U64_MAX)}


def delta_messages():
    yield "delta of the specification's example", "delta", delta(41, 2, [[2003, 7], [2004, 1]])
    yield "delta, nothing new", "delta", delta(41, 0, [])
    yield "delta, fewer pixels than placements", "delta", delta(41, 100, [[5, 31]])
    yield "delta, first pixel", "delta", delta(0, 1, [[0, 0]])
    for length in range(1, 6):  # the smallest and the largest index of each varint length
        low = 0 if length == 1 else 1 << (7 * (length - 1) - 5)
        high = (1 << (7 * length - 5)) - 1 if length < 5 else 4096 * 4096 - 1
        yield f"delta, varint of {length} bytes, smallest", "delta", delta(1, 1, [[low, 0]])
        yield f"delta, varint of {length} bytes, largest", "delta", delta(1, 1, [[high, 31]])
    yield "delta, largest varint", "delta", delta(1, 1, [[4096 * 4096 - 1, 255]], color_bits=8)
    yield "delta, one bit a colour", "delta", delta(1, 3, [[0, 1], [1, 0], [255, 1]], color_bits=1)
    yield "delta, gaps of every length", "delta", delta(
        7, 6, [[0, 31], [4, 30], [516, 0], [70_000, 1], [8_500_000, 2], [16_777_215, 3]])
    yield "delta, a full row", "delta", delta(1, 64, [[64 + x, x % 32] for x in range(64)])
    yield "delta, largest numbers", "delta", delta(U64_MAX, U32_MAX, [[1, 1]], digest="f" * 16)


def answer_messages():
    yield "accepted", "accepted", {
        "sequence": 1, "offset": "42", "charges": 4, "next_charge_ms": 5000}
    yield "accepted, no cooldown", "accepted", {
        "sequence": 7, "offset": "43", "charges": 5, "next_charge_ms": 0}
    yield "accepted, largest numbers", "accepted", {
        "sequence": U32_MAX, "offset": str(U64_MAX), "charges": 65535,
        "next_charge_ms": U32_MAX}
    reasons = ["cooldown", "frozen", "outside", "bad_color", "not_signed_in", "stale",
               "unavailable", "busy", "banned"]
    for reason, meaning in enumerate(reasons, 1):
        yield f"refused, {meaning}", "refused", {
            "sequence": reason, "reason": reason, "wait_ms": 4321 if reason in (1, 7, 8) else 0,
            "charges": 0 if reason == 1 else 5}
    yield "refused, largest numbers", "refused", {
        "sequence": U32_MAX, "reason": 255, "wait_ms": U32_MAX, "charges": 65535}


def other_messages():
    yield "presence", "presence", {"online": 1234}
    yield "presence, nobody", "presence", {"online": 0}
    yield "presence, largest", "presence", {"online": U32_MAX}
    yield "notice, draining", "notice", {"kind": 1, "value": 5000, "text": ""}
    yield "notice, frozen", "notice", {"kind": 2, "value": 1, "text": ""}
    yield "notice, thawed", "notice", {"kind": 2, "value": 0, "text": ""}
    yield "notice, message", "notice", {"kind": 3, "value": 0, "text": "Привет, художники! 🎨"}
    yield "notice, cooldown", "notice", {"kind": 4, "value": U32_MAX, "text": ""}
    yield "notice, no cooldown any more", "notice", {"kind": 4, "value": 0, "text": ""}
    yield "signed_in, guest", "signed_in", {
        "person": "-4211", "charges": 5, "next_charge_ms": 0, "name": "Guest 4211"}
    yield "signed_in, Telegram", "signed_in", {
        "person": "7342037359", "charges": 0, "next_charge_ms": 4999,
        "name": "Аня Петрова 🦊"}
    yield "signed_in, largest person", "signed_in", {
        "person": str(2**53 - 1), "charges": 65535, "next_charge_ms": U32_MAX, "name": "é"}
    yield "signed_in, smallest person", "signed_in", {
        "person": str(1 - 2**53), "charges": 0, "next_charge_ms": 1, "name": "日本"}
    yield "sign_in_refused, not valid", "sign_in_refused", {"reason": 1}
    yield "sign_in_refused, expired", "sign_in_refused", {"reason": 2}
    yield "pong", "pong", {"nonce": 287454020, "time_ms": "1767225600000"}
    yield "pong, largest numbers", "pong", {"nonce": U32_MAX, "time_ms": str(U64_MAX)}


def protocol():
    vectors = []
    for part in (client_messages, welcome_messages, snapshot_messages, delta_messages,
                 answer_messages, other_messages):
        for name, message, fields in part():
            vectors.append({"name": name, "message": message, "direction": MESSAGES[message][1],
                            "hex": message_bytes(message, fields).hex(), "fields": fields})
    return vectors


# --- Malformed messages -----------------------------------------------------------------------


def malformed():
    vectors = []

    def add(name, direction, data, why, **more):
        vectors.append({"name": name, "direction": direction, "hex": data.hex(), "why": why} | more)

    for direction in ("client", "server"):
        add(f"empty, from the {direction}", direction, b"", "there is no type")
        for kind in (0x00, 0x06, 0x7F, 0x80, 0x8B, 0xFF):
            add(f"type {kind:#04x}, from the {direction}", direction, bytes([kind, 1]),
                "there is no such type")
    add("a server's message from a client", "client", bytes([0x8A] + [0] * 12), "wrong direction")
    add("a client's message from a server", "server", bytes([0x05] + [0] * 4), "wrong direction")

    some_fields = {vector["message"]: vector["fields"] for vector in protocol()}
    for message, (_, direction, layout) in MESSAGES.items():
        last, kind = layout.split()[-1].split(":")
        fills_the_rest = {"text": "", "pixels": []}
        more = {"area": 1_000_000, "color_bits": 5} if message == "delta" else {}
        emptied = {last: fills_the_rest[kind]} if kind in fills_the_rest else {}
        data = message_bytes(message, some_fields[message] | emptied)
        add(f"{message}, type only", direction, data[:1], "fields are missing", **more)
        add(f"{message}, a byte short", direction, data[:-1], "a byte is missing", **more)
        if kind not in fills_the_rest:
            add(f"{message}, a byte too many", direction, data + b"\0", "a byte is left over")
    add("sign_in, empty token", "client", bytes([3]) + struct.pack("<Q", 1), "no token")
    add("sign_in, token too long", "client", bytes([3]) + struct.pack("<Q", 1) + b"T" * 2049,
        "a token has at most 2048 bytes")

    whole = message_bytes("welcome", welcome())
    add("welcome, palette cut off", "server", whole[: 7 + 1 + 30], "colours are missing")
    one = message_bytes("welcome", welcome(palette=["#000000"], color_bits=0))
    add("welcome, one colour", "server", one, "a palette has at least two colours")
    none = message_bytes("welcome", welcome(palette=[], color_bits=0))
    add("welcome, no colour", "server", none, "a palette has at least two colours")

    head = message_bytes("delta", delta(41, 1, []))
    for name, data, why, area, bits in [
        ("varint cut off", b"\x80", "the varint does not end", 1_000_000, 5),
        ("four bytes of a varint", b"\xff\xff\xff\xff", "the varint does not end", 1_000_000, 5),
        ("varint of six bytes", b"\x80\x80\x80\x80\x80\x00", "at most five bytes", 1_000_000, 5),
        ("varint of 33 bits", b"\x80\x80\x80\x80\x10", "more than 32 bits", 1 << 24, 8),
        ("varint of 35 bits", b"\xff\xff\xff\xff\x7f", "more than 32 bits", 1 << 24, 8),
        ("index = area", varint(1_000_000 << 5), "beyond the board", 1_000_000, 5),
        ("second index = area", varint(999_999 << 5) + b"\0", "beyond the board", 1_000_000, 5),
        ("index = area of a small board", varint(256 << 1 | 1), "beyond the board", 256, 1),
        ("indices that would wrap at 2^32", varint(U32_MAX) * 40, "beyond the board", 1 << 24, 5),
        ("a whole pixel and half of another", b"\x01\x80", "the varint does not end", 1_000_000, 5),
    ]:
        add(f"delta, {name}", "server", head + data, why, area=area, color_bits=bits)
    return vectors


# --- The running digest -----------------------------------------------------------------------


def digest_chain(name, entries, start="0" * 16):
    out, digest = [], start
    for offset, time_ms, person, x, y, color in entries:
        entry = struct.pack("<QqqHHB", offset, time_ms, person, x, y, color)
        digest = hashlib.sha1(digest.encode() + entry).hexdigest()[:16]
        out.append({"offset": str(offset), "time_ms": str(time_ms), "person": str(person),
                    "x": x, "y": y, "color": color, "entry_hex": entry.hex(), "digest": digest})
    return {"name": name, "start": start, "entries": out}


def digests():
    t = 1_767_225_600_000
    return [
        digest_chain("nothing yet", []),
        digest_chain("the first entry", [(1, t, 7342037359, 3, 2, 7)]),
        digest_chain("three in a row", [(1, t, -4211, 0, 0, 0), (2, t, 7342037359, 999, 999, 31),
                                        (3, t + 17, -4211, 0, 0, 31)]),
        digest_chain("an epoch that begins at 1000", [(1001, t, 42, 1, 2, 3),
                                                      (1002, t, 42, 1, 2, 3)]),
        digest_chain("carried on from a checkpoint", [(42, t, 1, 5, 6, 7)],
                     start="fedcba9876543210"),
        digest_chain("extreme numbers", [(1, 0, 1 - 2**53, 0, 0, 0),
                                         (2, 2**62, 2**53 - 1, 65535, 65535, 255)]),
        digest_chain("a hundred", [(n, t + n * n, (-1) ** n * n * 977, n * 31 % 1000, n * 17 % 1000,
                                    n % 32) for n in range(1, 101)]),
    ]


# --- Telegram init data -----------------------------------------------------------------------

BOT_TOKEN = "7342037359:AAHgoldenVectorsOnly-not_a_real_token"
AUTH_DATE = 1_767_225_600
QUERY_ID = "AAHdF6IQAAAAAN0XohDhrOrc"


def telegram_hash(fields, bot_token=BOT_TOKEN):
    """The hash of [(key, decoded value)], by steps 2 to 5 of Telegram's description."""
    check = "\n".join(f"{key}={value}" for key, value in sorted(fields))
    secret = hmac.new(b"WebAppData", bot_token.encode(), hashlib.sha256).digest()
    return hmac.new(secret, check.encode(), hashlib.sha256).hexdigest()


def init_data(fields, **changes):
    signed = telegram_hash(fields, changes.get("bot_token", BOT_TOKEN))
    fields = [*fields, ("hash", changes.get("hash", signed))]
    return "&".join(f"{key}={quote(value, safe='')}" for key, value in fields)


def user_json(**user):
    return json.dumps(user, ensure_ascii=False, separators=(",", ":"))


def usual(user=None, auth_date=AUTH_DATE, query_id=True, more=()):
    user = user or user_json(id=279058397, first_name="Vladislav", last_name="Kibenko",
                             username="vdkfrost", language_code="ru", is_premium=True)
    fields = [("query_id", QUERY_ID)] if query_id else []
    return [*fields, ("user", user), ("auth_date", str(auth_date)), *more]


def telegram_vector(name, data, person=None, error=None, now_s=AUTH_DATE + 10, why=""):
    named = {"person": {"id": str(person[0]), "name": person[1]}} if person else None
    vector = {"name": name, "bot_token": BOT_TOKEN, "age_max_s": 3600,
              "now_ms": str(now_s * 1000), "init_data": data,
              "expected": named or {"error": error}}
    return vector | ({"why": why} if why else {})


def telegram_accepted(add):
    def good(name, user, person, **how):
        add(name, init_data(usual(user_json(**user), **how)), person)

    usual_person = (279058397, "Vladislav Kibenko")
    add("usual", init_data(usual()), usual_person)
    add("query_id absent", init_data(usual(query_id=False)), usual_person)
    more = [("chat_instance", "-3788475317572404878"), ("chat_type", "private"),
            ("start_param", "12,34,8")]
    add("opened by a link", init_data(usual(query_id=False, more=more)), usual_person)
    signature = [("signature", "zL-ucjNyREiHDE8aihFwpfR9aggP2xiAo3NSpfe-p7I")]
    add("with a signature", init_data(usual(more=signature)), usual_person,
        why="`signature` is hashed like any other field")
    add("unknown fields", init_data(usual(more=[("zz_new", "a=b&c"), ("aa", "")])), usual_person,
        why="kept and hashed; only the first = divides")
    add("fields in another order", init_data(usual()[::-1]), usual_person)
    good("Cyrillic", {"id": 1, "first_name": "Аня", "last_name": "Петрова"}, (1, "Аня Петрова"))
    good("emoji", {"id": 2, "first_name": "Fox 🦊", "last_name": "👩‍👩‍👧"}, (2, "Fox 🦊 👩‍👩‍👧"))
    good("id above 2^32", {"id": 7342037359, "first_name": "Big"}, (7342037359, "Big"))
    good("largest id", {"id": 2**53 - 1, "first_name": "Max"}, (2**53 - 1, "Max"))
    good("no name but a user name", {"id": 3, "first_name": "", "username": "three"}, (3, "three"))
    good("no name at all", {"id": 4, "first_name": ""}, (4, "Telegram 4"))
    good("name cut at 64 bytes", {"id": 5, "first_name": "я" * 40}, (5, "я" * 32))
    good("name cut before a split character", {"id": 6, "first_name": "x" + "я" * 40},
         (6, "x" + "я" * 31))
    good("escapes in the JSON", {"id": 8, "first_name": 'a"b\\c/d'}, (8, 'a"b\\c/d'))
    good("percent signs in the name", {"id": 9, "first_name": "100%25 %41"}, (9, "100%25 %41"))
    plus = usual(user_json(id=10, first_name="C++"))
    add("a plus sign stands for itself", init_data(plus).replace("%2B", "+"), (10, "C++"))
    escaped = '{"id":11,"first_name":"\\u0410\\u043d\\u044f \\ud83e\\udd8a"}'
    add("JSON written as \\u escapes", init_data(usual(escaped)), (11, "Аня 🦊"))
    spaced = '{ "id" : 12, "first_name" : "Spaced" }'
    add("JSON with spaces, as sent", init_data(usual(spaced)), (12, "Spaced"))
    add("exactly the oldest age", init_data(usual()), usual_person, now_s=AUTH_DATE + 3600)
    add("clocks 60 s apart", init_data(usual()), usual_person, now_s=AUTH_DATE - 60)


def telegram_refused(add):
    add("stale", init_data(usual()), error="expired", now_s=AUTH_DATE + 3601)
    add("from the future", init_data(usual()), error="invalid", now_s=AUTH_DATE - 61)
    add("wrong hash", init_data(usual(), hash="0" * 64), error="invalid")
    add("stale and a wrong hash", init_data(usual(), hash="0" * 64), error="invalid",
        now_s=AUTH_DATE + 9999)
    add("hash of another bot", init_data(usual(), bot_token="1:other"), error="invalid")
    add("hash too short", init_data(usual(), hash=telegram_hash(usual())[:63]), error="invalid")
    add("empty hash", init_data(usual(), hash=""), error="invalid")
    add("hash is not hexadecimal", init_data(usual(), hash="z" * 64), error="invalid")
    add("missing hash", init_data(usual()).rsplit("&", 1)[0], error="invalid")
    add("empty", "", error="invalid")
    add("not a query", "hello", error="invalid")
    add("hash only", "hash=" + "0" * 64, error="invalid")
    add("changed user", init_data(usual()).replace("279058397", "279058398"), error="invalid")
    add("added field", init_data(usual()) + "&start_param=1", error="invalid")
    add("removed field", init_data(usual()).split("&", 1)[1], error="invalid")
    add("duplicate key", init_data(usual(more=[("auth_date", str(AUTH_DATE))])), error="invalid",
        why="hashed with both; a repeated key is refused")
    another_user = "user=" + quote(user_json(id=1, first_name="x")) + "&"
    add("duplicate user", another_user + init_data(usual()), error="invalid")
    add("duplicate hash", init_data(usual()) + "&hash=" + "0" * 64, error="invalid")
    add("key swapped for the message", init_data(usual(), hash=swapped_hash(usual())),
        error="invalid", why="the secret is HMAC(key=WebAppData, message=token)")
    add("broken percent escape", init_data(usual()) + "&x=%zz", error="invalid")
    add("no auth_date", init_data([("user", usual()[1][1])]), error="invalid")
    for value in ("soon", "", "1767225600.5", "99999999999999999999"):
        add(f"auth_date {value!r}", init_data(usual(auth_date=value)), error="invalid")
    no_user = [("query_id", QUERY_ID), ("auth_date", str(AUTH_DATE))]
    add("no user", init_data(no_user), error="invalid")
    for name, user in [
        ("user is not JSON", "{id:1}"),
        ("user is a list", '[{"id":1,"first_name":"x"}]'),
        ("user without id", '{"first_name":"x"}'),
        ("id is a string", '{"id":"1","first_name":"x"}'),
        ("id is a fraction", '{"id":1.5,"first_name":"x"}'),
        ("id 0", '{"id":0,"first_name":"x"}'),
        ("negative id", '{"id":-5,"first_name":"x"}'),
        ("id 2^53", '{"id":9007199254740992,"first_name":"x"}'),
        ("id 2^64", '{"id":18446744073709551616,"first_name":"x"}'),
        ("user followed by more", '{"id":1,"first_name":"x"}{}'),
    ]:
        add(name, init_data(usual(user)), error="invalid")


def telegram():
    vectors = []
    for part in (telegram_accepted, telegram_refused):
        part(lambda *row, **how: vectors.append(telegram_vector(*row, **how)))
    return vectors


def swapped_hash(fields):
    check = "\n".join(f"{key}={value}" for key, value in sorted(fields))
    secret = hmac.new(BOT_TOKEN.encode(), b"WebAppData", hashlib.sha256).digest()
    return hmac.new(secret, check.encode(), hashlib.sha256).hexdigest()


FILES = {
    "protocol.json": protocol,
    "malformed.json": malformed,
    "digest.json": digests,
    "telegram.json": telegram,
    "redis.json": generate_redis.redis,
}


def text_of(name):
    """A JSON array with one vector a line."""
    lines = [json.dumps(vector, ensure_ascii=False) for vector in FILES[name]()]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def main():
    if len(sys.argv) > 1:
        sys.stdout.write(text_of(sys.argv[1]))
        return
    for name in FILES:
        pathlib.Path(__file__).with_name(name).write_text(text_of(name), encoding="utf-8")


if __name__ == "__main__":
    main()
