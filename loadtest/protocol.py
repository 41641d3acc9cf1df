"""The messages of docs/protocol.md that a player under load needs. Pixels stay undecoded: hundreds
of players share one process, and the positions say already whether a delta is missing."""

import struct
from types import SimpleNamespace

HELLO = b"\x01\x01"

WELCOME, SNAPSHOT_NEEDED, DELTA, ACCEPTED, REFUSED = 0x81, 0x82, 0x83, 0x84, 0x85
PRESENCE, NOTICE, SIGNED_IN, SIGN_IN_REFUSED, PONG = 0x86, 0x87, 0x88, 0x89, 0x8A

# What follows the fixed fields (text, pixels) is `rest`.
FIELDS = {
    SNAPSHOT_NEEDED: ("<BQQ", ("why", "epoch", "offset")),
    DELTA: ("<QIQ", ("base", "advance", "digest")),
    ACCEPTED: ("<IQHI", ("sequence", "offset", "charges", "next_charge_ms")),
    REFUSED: ("<IBIH", ("sequence", "reason", "wait_ms", "charges")),
    PRESENCE: ("<I", ("online",)),
    NOTICE: ("<BI", ("notice", "value")),
    SIGNED_IN: ("<qHI", ("person", "charges", "next_charge_ms")),
    SIGN_IN_REFUSED: ("<B", ("reason",)),
    PONG: ("<IQ", ("nonce", "time_ms")),
}
DRAINING = 1  # a kind of notice
REASONS = {1: "cooldown", 2: "frozen", 3: "outside", 4: "bad_color", 5: "not_signed_in",
           6: "stale", 7: "unavailable", 8: "busy", 9: "banned"}
WELCOME_HEAD, WELCOME_TAIL = "<BHHBB", "<IHBQQQQ"


def resume(epoch, offset, digest):
    return struct.pack("<BQQQ", 0x02, epoch, offset, digest)


def sign_in(producer, token):
    return struct.pack("<BQ", 0x03, producer) + token.encode()


def place(sequence, x, y, color):
    return struct.pack("<BIHHB", 0x04, sequence, x, y, color)


def ping(nonce):
    return struct.pack("<BI", 0x05, nonce)


def read(data):
    """A namespace with `kind`, the fields and `rest`; ValueError if it is no server's message."""
    try:
        if data[0] == WELCOME:
            return welcome(data)
        layout, names = FIELDS[data[0]]
        fields = dict(zip(names, struct.unpack_from(layout, data, 1)))
        return SimpleNamespace(kind=data[0], rest=data[1 + struct.calcsize(layout):], **fields)
    except (IndexError, KeyError, struct.error) as error:
        raise ValueError(f"not a message of the protocol: {data[:20].hex()}") from error


def welcome(data):
    _, width, height, _, colors = struct.unpack_from(WELCOME_HEAD, data, 1)
    at = 1 + struct.calcsize(WELCOME_HEAD) + 3 * colors
    cooldown_ms, charges_max, flags, epoch, offset, digest, _ = struct.unpack_from(
        WELCOME_TAIL, data, at)
    return SimpleNamespace(
        kind=WELCOME, width=width, height=height, colors=colors, cooldown_ms=cooldown_ms,
        charges_max=charges_max, flags=flags, epoch=epoch, offset=offset, digest=digest,
        served_by=data[at + struct.calcsize(WELCOME_TAIL):].decode())
