"""The tests' own codec passes the golden vectors, so what it says about the server counts."""

import json
import pathlib

import codec
import journal
import pytest

VECTORS = pathlib.Path(__file__).parents[1] / "vectors"


def vectors_of(name):
    vectors = json.loads((VECTORS / name).read_text(encoding="utf-8"))
    return [pytest.param(vector, id=vector["name"]) for vector in vectors]


def fields_of(vector):
    """The vector's fields as the codec has them: numbers for decimal strings and digests."""
    fields = {}
    for name, value in vector["fields"].items():
        if name == "digest":
            value = int(value, 16)
        elif isinstance(value, str) and name not in ("token", "served_by", "text", "name"):
            value = int(value)
        elif name == "pixels":
            value = [tuple(pixel) for pixel in value]
        fields[name] = value
    return fields


@pytest.mark.parametrize("vector", vectors_of("protocol.json"))
def test_messages_are_read_and_written_byte_for_byte(vector):
    fields = fields_of(vector)
    data = bytes.fromhex(vector["hex"])
    assert codec.encode(vector["message"], **fields) == data
    read = vars(codec.decode(data, vector["direction"], fields.get("color_bits", 5)))
    if vector["message"] == "delta":
        fields.pop("color_bits")
    assert read == {"message": vector["message"]} | fields


@pytest.mark.parametrize("vector", vectors_of("malformed.json"))
def test_malformed_messages_are_refused(vector):
    board = {name: vector[name] for name in ("area", "color_bits") if name in vector}
    with pytest.raises(codec.Malformed):
        codec.decode(bytes.fromhex(vector["hex"]), vector["direction"], **board)


@pytest.mark.parametrize("vector", vectors_of("digest.json"))
def test_the_running_digest(vector):
    digest = vector["start"]
    for entry in vector["entries"]:
        numbers = [int(entry[name]) for name in ("offset", "time_ms", "person", "x", "y", "color")]
        digest = journal.next_digest(digest, *numbers)
        assert digest == entry["digest"]
