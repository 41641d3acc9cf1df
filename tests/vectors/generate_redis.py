"""The golden vectors of docs/redis.md, for generate.py: redis.json.

format "operation", "record", "answer", "message": fields and their bytes; u64 and i64 are decimal
strings, a digest is 16 hex digits, names are text; a record comes with the digest after each entry
format "malformed …": bytes that must be refused, and for a record where it claims to stand
format "batches": batches given to pb1_append one after another at given times, and what they give;
    the canvas says who is banned
"""

import hashlib
import struct

ZERO = "0" * 16
DIGEST = "0123456789abcdef"
U32_MAX = 2**32 - 1
COUNT_MAX = 2**53 - 1
T = 4_102_444_800_000  # 2100: ahead of the clock of any server that runs the batches


def operation(person, producer, sequence, x, y, color, name="Анна"):
    return {"person": str(person), "producer": str(producer), "sequence": str(sequence), "x": x,
            "y": y, "color": color, "name": name}


def operation_bytes(op):
    name = op["name"].encode()
    return struct.pack("<QqHHBQB", int(op["producer"]), int(op["person"]), op["x"], op["y"],
                       op["color"], int(op["sequence"]), len(name)) + name


def digests_of(base, base_digest, time_ms, operations):
    digests, digest = [], base_digest
    for offset, op in enumerate(operations, base + 1):
        entry = struct.pack("<QqqHHB", offset, time_ms, int(op["person"]), op["x"], op["y"],
                            op["color"])
        digest = hashlib.sha1(digest.encode() + entry).hexdigest()[:16]
        digests.append(digest)
    return digests


def record_bytes(epoch, base, base_digest, digest, time_ms, operations, count=None):
    count = len(operations) if count is None else count
    head = struct.pack("<QQQQQI", epoch, base, int(base_digest, 16), int(digest, 16), time_ms,
                       count)
    return b"r" + head + b"".join(map(operation_bytes, operations))


def record(name, epoch, base, base_digest, time_ms, operations):
    digests = digests_of(base, base_digest, time_ms, operations)
    digest = (digests or [base_digest])[-1]
    data = record_bytes(epoch, base, base_digest, digest, time_ms, operations)
    fields = {"epoch": str(epoch), "base": str(base), "base_digest": base_digest, "digest": digest,
              "time_ms": str(time_ms), "operations": operations, "digests": digests}
    return {"name": name, "format": "record", "hex": data.hex(), "fields": fields}


USUAL = operation(7342037359, 0x0123456789ABCDEF, 1, 3, 2, 7)
SMALLEST = operation(1 - 2**53, 1, 1, 0, 0, 0, "")
LARGEST = operation(2**53 - 1, 2**64 - 1, COUNT_MAX, 65535, 65535, 255, "я" * 32)


def operations():
    for name, op in (("usual", USUAL), ("smallest", SMALLEST), ("largest", LARGEST),
                     ("producer above 2^53", operation(-4211, 2**53 + 1, 8, 999, 0, 31, "x"))):
        yield {"name": f"operation, {name}", "format": "operation",
               "hex": operation_bytes(op).hex(), "fields": op}


def records():
    yield record("record, the first epoch begins", 1, 0, ZERO, 0, [])
    yield record("record, a later epoch begins", 5, 1000, DIGEST, T, [])
    yield record("record, one operation", 1, 0, ZERO, T, [USUAL])
    yield record("record, three operations", 2, 41, DIGEST, T, [USUAL, SMALLEST, LARGEST])
    yield record("record, largest numbers", COUNT_MAX - 2, COUNT_MAX - 2, "f" * 16,
                 99_999_999_999_999, [LARGEST])
    many = [operation(n, n, n, n % 64, n % 64, n % 32, "") for n in range(1, 4097)]
    whole = record("record, as many as can be", 3, 7, DIGEST, T, many)
    # The bytes would be most of this file: their hash stands for them.
    data = bytes.fromhex(whole.pop("hex"))
    digest = whole["fields"]["digest"]
    yield whole | {"format": "large record", "sha1": hashlib.sha1(data).hexdigest(),
                   "bytes": len(data), "fields": {"epoch": "3", "base": "7", "base_digest": DIGEST,
                                                  "digest": digest, "time_ms": str(T)}}


def answer(name, status, epoch, offset, left, next_ms, wait_ms):
    data = struct.pack("<BQQIII", status, epoch, offset, left, next_ms, wait_ms)
    return {"name": f"answer, {name}", "format": "answer", "hex": data.hex(),
            "fields": {"status": status, "epoch": str(epoch), "offset": str(offset), "left": left,
                       "next_charge_ms": next_ms, "wait_ms": wait_ms}}


def answers():
    yield answer("accepted", 0, 3, 42, 4, 5000, 0)
    yield answer("accepted, largest numbers", 0, COUNT_MAX, COUNT_MAX, 65535, U32_MAX, 0)
    yield answer("cooldown", 1, 0, 0, 0, 4999, 4999)
    yield answer("cooldown, largest wait", 1, 0, 0, 0, U32_MAX, U32_MAX)
    yield answer("frozen", 2, 0, 0, 5, 0, 0)
    yield answer("outside", 3, 0, 0, 1, 1, 0)
    yield answer("stale", 6, 0, 0, 0, 7, 0)
    yield answer("banned", 9, 0, 0, 5, 0, 0)


def messages():
    def message(name, data, kind, **fields):
        return {"name": f"message, {name}", "format": "message", "hex": data.hex(), "kind": kind,
                "fields": fields}

    for name, rules in (("rules", (5000, 5, 0, 2)), ("frozen", (0, 1, 1, 3)),
                        ("largest rules", (U32_MAX, 65535, 1, COUNT_MAX - 1))):
        keys = ("cooldown_ms", "charges_max", "frozen", "version")
        fields = dict(zip(keys, (*rules[:3], str(rules[3]))))
        yield message(name, b"k" + struct.pack("<IIBQ", *rules), "rules", **fields)
    for name, values in (("presence", (0x0123456789ABCDEF, 17, 250)),
                         ("largest presence", (2**64 - 1, 2**64 - 1, U32_MAX))):
        fields = dict(zip(("replica", "number", "online"), (*map(str, values[:2]), values[2])))
        yield message(name, b"p" + struct.pack("<QQI", *values), "presence", **fields)


def malformed():
    def bad(what, name, data, why, **more):
        return {"name": f"malformed {what}, {name}", "format": f"malformed {what}",
                "hex": data.hex(), "why": why} | more

    good = bytes.fromhex(record("", 2, 10, DIGEST, T, [USUAL, SMALLEST])["hex"])
    stands = {"position": {"epoch": "2", "base": "10", "digest": DIGEST}}
    too_long = operation(1, 1, 1, 1, 1, 1, "x" * 65)
    too_far = operation(1, 1, 2**53, 1, 1, 1)
    for name, data, why in (
        ("empty", b"", "there is no kind"),
        ("kind only", b"r", "the head is missing"),
        ("head cut off", good[:44], "a byte of the head is missing"),
        ("head only", good[:45], "two operations are missing"),
        ("a byte short", good[:-1], "a byte is missing"),
        ("a byte too many", good + b"\0", "a byte is left over"),
        ("another kind", b"k" + good[1:], "it is no record"),
        ("epoch 0", good[:1] + struct.pack("<Q", 0) + good[9:], "epochs begin at 1"),
        ("epoch of 2^53", good[:1] + struct.pack("<Q", 2**53) + good[9:], "too large"),
        ("base of 2^53", good[:9] + struct.pack("<Q", 2**53) + good[17:], "too large"),
        ("negative time", good[:33] + b"\xff" * 8 + good[41:], "times are not negative"),
        ("one operation said, two there", good[:41] + struct.pack("<I", 1) + good[45:],
         "bytes are left over"),
        ("three operations said, two there", good[:41] + struct.pack("<I", 3) + good[45:],
         "an operation is missing"),
        ("4 294 967 295 operations said", good[:41] + b"\xff" * 4 + good[45:], "too many"),
        ("a name too long", record_bytes(2, 10, DIGEST, DIGEST, T, [too_long]),
         "a name has at most 64 bytes"),
        ("a sequence of 2^53", record_bytes(2, 10, DIGEST, DIGEST, T, [too_far]), "too large"),
    ):
        yield bad("record", name, data, why, **stands)

    whole = bytes.fromhex(next(answers())["hex"])
    for name, data, why in (
        ("a byte short", whole[:-1], "29 bytes each"),
        ("a byte too many", whole + b"\0", "29 bytes each"),
        ("none", b"", "one for each operation"),
        ("two", whole * 2, "one for each operation"),
        ("unknown status", b"\x0a" + b"\0" * 16 + whole[17:], "there is no such reason"),
        ("refused with a position", b"\x06" + whole[1:], "a refusal has none"),
        ("accepted without a position", b"\0" * 29, "epochs and offsets begin at 1"),
        ("accepted with a wait", whole[:25] + b"\x01\0\0\0", "there is nothing to wait for"),
    ):
        yield bad("answer", name, data, why)

    rules, presence = (bytes.fromhex(m["hex"]) for m in messages() if m["name"].split()[-1] in
                       ("rules", "presence") and "largest" not in m["name"])
    for name, data, why in (
        ("empty", b"", "there is no kind"),
        ("unknown kind", b"z" + rules[1:], "unknown kinds are ignored"),
        ("rules, a byte short", rules[:-1], "a byte is missing"),
        ("rules, a byte too many", rules + b"\0", "a byte is left over"),
        ("rules, frozen twice", rules[:9] + b"\x02" + rules[10:], "frozen is 0 or 1"),
        ("rules, no charges", rules[:5] + b"\0" * 4 + rules[9:], "there is at least one charge"),
        ("presence, a byte short", presence[:-1], "a byte is missing"),
        ("presence, a byte too many", presence + b"\0", "a byte is left over"),
        ("record, a byte short", good[:-1], "a byte is missing"),
    ):
        yield bad("message", name, data, why)


def repeat(batch, i):
    return ("repeat", batch, i)


def batches_of(name, canvas, batches):
    """`batches`: (time_ms, [(operation, (status, left, next_charge_ms) or a repeat)])."""
    epoch, offset, digest, out, given = canvas["epoch"], canvas["offset"], canvas["digest"], [], []
    for time_ms, rows in batches:
        base, base_digest, accepted = offset, digest, []
        given.append([])
        for op, expected in rows:
            if expected[0] == "repeat":
                data = given[expected[1]][expected[2]]
            elif expected[0] == 0:
                offset += 1
                accepted.append(op)
                data = struct.pack("<BQQIII", 0, epoch, offset, *expected[1:], 0)
            else:
                wait_ms = expected[2] if expected[0] == 1 else 0
                data = struct.pack("<BQQIII", expected[0], 0, 0, *expected[1:], wait_ms)
            given[-1].append(data)
        digest = (digests_of(base, base_digest, time_ms, accepted) or [digest])[-1]
        data = record_bytes(epoch, base, base_digest, digest, time_ms, accepted)
        out.append({"time_ms": time_ms, "count": len(rows),
                    "operations": b"".join(operation_bytes(op) for op, _ in rows).hex(),
                    "answers": b"".join(given[-1]).hex(), "id": f"{epoch}-{offset}",
                    "record": data.hex() if accepted else ""})
    return {"name": f"batches, {name}", "format": "batches", "canvas": canvas, "batches": out}


def batches():
    def canvas(**changes):
        return {"width": 64, "height": 48, "cooldown_ms": 0, "charges_max": 5, "frozen": 0,
                "epoch": 1, "offset": 0, "digest": ZERO} | changes

    def op(sequence, person=1, x=1, producer=2**60 + 1, name="Анна"):
        return operation(person, producer, sequence, x, 1, sequence % 32, name)

    yield batches_of("one placement", canvas(), [(T, [(USUAL, (0, 5, 0))])])
    yield batches_of("every decision", canvas(cooldown_ms=5000, charges_max=2), [
        (T, [(op(1), (0, 1, 5000)), (op(1), repeat(0, 0)), (op(3, x=64), (3, 1, 5000)),
             (op(3), (0, 0, 5000)), (op(4), (1, 0, 5000)), (op(2), (6, 0, 5000)),
             (op(1, person=-9), (0, 1, 5000))]),
        (T + 4999, [(op(4), (1, 0, 1)), (op(3), repeat(0, 3))]),
        (T + 5000, [(op(4), (0, 0, 5000)), (op(4), repeat(2, 0)), (op(5), (1, 0, 5000))]),
        (T + 60_000, [(op(5, name=""), (0, 1, 5000))]),
    ])
    yield batches_of("the window holds eight", canvas(epoch=7, offset=100, digest=DIGEST), [
        (T, [(op(n), (0, 5, 0)) for n in range(1, 10)]),
        (T + 1, [(op(1), (6, 5, 0))] + [(op(n), repeat(0, n - 1)) for n in range(2, 10)]),
    ])
    yield batches_of("frozen", canvas(frozen=1), [
        (T, [(op(1), (2, 5, 0)), (op(1, x=99), (2, 5, 0))])])
    yield batches_of("banned", canvas(frozen=1, bans=["-9", "2"]), [
        (T, [(op(1, person=-9, x=99), (9, 5, 0)), (op(1), (2, 5, 0)), (op(1, person=2), (9, 5, 0)),
             (op(0, person=2), (6, 5, 0))])])
    yield batches_of("extreme numbers", canvas(
        width=4096, height=4096, cooldown_ms=U32_MAX, charges_max=65535, epoch=COUNT_MAX - 9,
        offset=COUNT_MAX - 9, digest="f" * 16), [
            (T, [(operation(2**53 - 1, 2**64 - 1, COUNT_MAX, 4095, 4095, 255, "я" * 32),
                  (0, 65534, U32_MAX)),
                 (operation(1 - 2**53, 1, 1, 65535, 65535, 0, ""), (3, 65535, 0))])])


def redis():
    return [vector for part in (operations, records, answers, messages, malformed, batches)
            for vector in part()]
