"""Writes a fuzzer's first corpus, from the golden vectors: seeds.py <fuzzer> <folder>."""

import hashlib
import json
import pathlib
import struct
import sys
import urllib.parse

VECTORS = pathlib.Path(__file__).parents[1] / "vectors"


def vectors_of(name):
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))


def init_data():
    for vector in vectors_of("telegram.json"):
        yield vector["init_data"].encode()
        for key, value in urllib.parse.parse_qsl(vector["init_data"].replace("+", "%2B")):
            if key == "user":
                yield value.encode()


def token():
    yield b"v1.AAAA.BBBB"
    yield b"v1.."
    for person, name in [(1, "Anna"), (-4211, "Guest 4211"), (2**53 - 1, "Аня")]:
        yield struct.pack("<qq", person, 2_000_000_000_000) + name.encode()
        yield struct.pack("<qq", person, 0) + name.encode()


def client_message():
    for name in ("protocol.json", "malformed.json"):
        for vector in vectors_of(name):
            if vector["direction"] == "client":
                yield bytes.fromhex(vector["hex"])


def request():
    yield from (
        b'{"x":1,"y":2,"color":3}',
        b'{"init_data":"a=b&hash=c"}',
        b"/api/pixels/12/34?limit=20&min_offset=%31",
        b"10.0.0.1, 2001:db8::1",
        b"gzip;q=0.5, br, *;q=0",
        b"https://example.org:8443",
    )


def redis_reply():
    yield b"+OK\r\n:-42\r\n$-1\r\n*-1\r\n$5\r\na\r\nbc\r\n"
    yield b"-MOVED 866 127.0.0.1:7001\r\n-ERR no\r\n"
    yield b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nr1\r\n"
    yield b"*2\r\n" * 8 + b":1\r\n"
    yield b"*1\r\n*4\r\n:0\r\n:16383\r\n*2\r\n$1\r\nh\r\n:7000\r\n*0\r\n"
    yield b"%1\r\n+a\r\n,1.5\r\n#t\r\n_\r\n(123\r\n=5\r\ntxt:x\r\n"


def redis_record():
    for vector in vectors_of("redis.json"):
        yield from map(bytes.fromhex, filter(None, [vector.get("hex")]))
        for batch in vector.get("batches", []):
            yield bytes.fromhex(batch["record"])
            yield bytes.fromhex(batch["answers"])


def ledger_text():
    one, two = "0" * 40, "89abcdef" * 5
    yield f"c 1 7 {one} {two}\na 3\nb-1 0\n".encode()
    yield b"2 9 1 8\n0 4 0 4\nc 9"
    yield b"-\n0 0 0 0\nz"
    yield b"0 9223372036854775807 1 9223372036854775806\n0 0 0 0\no"


def main():
    name, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    seeds = {"init_data": init_data, "token": token, "client_message": client_message,
             "request": request, "redis_reply": redis_reply,
             "redis_record": redis_record, "ledger_text": ledger_text}
    for seed in seeds[name]():
        (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)


if __name__ == "__main__":
    main()
