"""The WebSocket protocol of docs/protocol.md for the tests; passes tests/vectors."""

import struct
from types import SimpleNamespace

# type, name, and the struct of the fixed fields with their names; what follows them is `rest`.
CLIENT = {
    0x01: ("hello", "<B", "version", None),
    0x02: ("resume", "<QQQ", "epoch offset digest", None),
    0x03: ("sign_in", "<Q", "producer", "token"),
    0x04: ("place", "<IHHB", "sequence x y color", None),
    0x05: ("ping", "<I", "nonce", None),
}
SERVER = {
    0x81: ("welcome", None, None, None),
    0x82: ("snapshot_needed", "<BQQ", "why epoch offset", None),
    0x83: ("delta", "<QIQ", "base advance digest", "pixels"),
    0x84: ("accepted", "<IQHI", "sequence offset charges next_charge_ms", None),
    0x85: ("refused", "<IBIH", "sequence reason wait_ms charges", None),
    0x86: ("presence", "<I", "online", None),
    0x87: ("notice", "<BI", "kind value", "text"),
    0x88: ("signed_in", "<qHI", "person charges next_charge_ms", "name"),
    0x89: ("sign_in_refused", "<B", "reason", None),
    0x8A: ("pong", "<IQ", "nonce time_ms", None),
}
TYPES = {message[0]: kind for kind, message in (CLIENT | SERVER).items()}

WHY = {"another_epoch": 1, "too_old": 2, "digest_differs": 3, "ahead": 4}
REASON = {"cooldown": 1, "frozen": 2, "outside": 3, "bad_color": 4, "not_signed_in": 5, "stale": 6,
          "unavailable": 7, "busy": 8, "banned": 9}
NOTICE = {"draining": 1, "frozen": 2, "message": 3, "cooldown": 4}


class Malformed(Exception):
    """The bytes are no message of the specification."""


def encode(message, **fields):
    """The bytes; a delta needs `color_bits` too."""
    kind = TYPES[message]
    if message == "welcome":
        return bytes([kind]) + welcome_bytes(fields)
    _, layout, names, rest = (CLIENT | SERVER)[kind]
    out = bytes([kind]) + struct.pack(layout, *(fields[name] for name in names.split()))
    if rest == "pixels":
        return out + pixel_bytes(fields["pixels"], fields["color_bits"])
    return out + fields[rest].encode() if rest else out


def decode(data, direction="server", color_bits=5, area=4096 * 4096):
    """A namespace with `message` and the fields; raises Malformed."""
    table = CLIENT if direction == "client" else SERVER
    if not data or data[0] not in table:
        raise Malformed(f"no such type from the {direction}: {data[:1].hex()}")
    message, layout, names, rest = table[data[0]]
    body = data[1:]
    if message == "welcome":
        return SimpleNamespace(message=message, **welcome_fields(body))
    size = struct.calcsize(layout)
    if len(body) < size or (rest is None and len(body) > size):
        raise Malformed(f"{message} of {len(data)} bytes")
    fields = dict(zip(names.split(), struct.unpack_from(layout, body)))
    if rest == "pixels":
        fields["pixels"] = pixels_of(body[size:], color_bits, area)
    elif rest:
        fields[rest] = text_of(body[size:])
    if message == "sign_in" and not 1 <= len(body) - size <= 2048:
        raise Malformed("a token has 1 to 2048 bytes")
    return SimpleNamespace(message=message, **fields)


def text_of(data):
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Malformed("bad UTF-8") from error


WELCOME_HEAD, WELCOME_TAIL = "<BHHBB", "<IHBQQQQ"
HEAD_NAMES = "version width height color_bits".split()
TAIL_NAMES = "cooldown_ms charges_max flags epoch offset digest time_ms".split()


def welcome_bytes(fields):
    palette = fields["palette"]
    head = struct.pack(WELCOME_HEAD, *(fields[name] for name in HEAD_NAMES), len(palette))
    tail = struct.pack(WELCOME_TAIL, *(fields[name] for name in TAIL_NAMES))
    colors = bytes.fromhex("".join(palette).replace("#", ""))
    return head + colors + tail + fields["served_by"].encode()


def welcome_fields(body):
    try:
        *head, colors = struct.unpack_from(WELCOME_HEAD, body)
        at = struct.calcsize(WELCOME_HEAD) + 3 * colors
        tail = struct.unpack_from(WELCOME_TAIL, body, at)
    except struct.error as error:
        raise Malformed("welcome too short") from error
    if not 2 <= colors <= 255:
        raise Malformed(f"{colors} colours")
    rgb = body[at - 3 * colors : at].hex().upper()
    palette = ["#" + rgb[i : i + 6] for i in range(0, len(rgb), 6)]
    served_by = text_of(body[at + struct.calcsize(WELCOME_TAIL) :])
    return dict(zip(HEAD_NAMES, head)) | dict(zip(TAIL_NAMES, tail)) | {
        "palette": palette, "served_by": served_by}


def pixel_bytes(pixels, color_bits):
    out, expected = bytearray(), 0
    for index, color in pixels:
        value = (index - expected) << color_bits | color
        while value >= 0x80:
            out.append(value & 0x7F | 0x80)
            value >>= 7
        out.append(value)
        expected = index + 1
    return bytes(out)


def pixels_of(data, color_bits, area):
    pixels, expected, value, shift = [], 0, 0, 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte & 0x80:
            if shift == 35:
                raise Malformed("a varint of more than five bytes")
            continue
        if value >= 1 << 32:
            raise Malformed("a varint of more than 32 bits")
        index = expected + (value >> color_bits)
        if index >= area:
            raise Malformed(f"pixel {index} of {area}")
        pixels.append((index, value & ((1 << color_bits) - 1)))
        expected, value, shift = index + 1, 0, 0
    if shift:
        raise Malformed("a varint does not end")
    return pixels
