"""The golden vectors are what their generator prints, and they cover the whole specification."""

import json
import pathlib
import re
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
SPECIFICATION = HERE.parents[1] / "docs" / "protocol.md"
FILES = ["protocol.json", "malformed.json", "digest.json", "telegram.json", "redis.json"]


def vectors_of(name):
    return json.loads((HERE / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", FILES)
def test_the_file_is_what_the_generator_prints(name):
    printed = subprocess.run(
        [sys.executable, HERE / "generate.py", name], capture_output=True, check=True
    ).stdout
    assert printed == (HERE / name).read_bytes(), f"{name} is out of date: run generate.py"


@pytest.mark.parametrize("name", FILES)
def test_names_are_unique(name):
    names = [vector["name"] for vector in vectors_of(name)]
    assert len(names) == len(set(names))


def test_every_message_of_the_specification_has_a_vector():
    rows = re.findall(r"^\| 0x([0-9A-F]{2}) \| `(\w+)` \|", SPECIFICATION.read_text(), re.M)
    specified = dict(rows)
    vectors = vectors_of("protocol.json")
    covered = {vector["hex"][:2].upper(): vector["message"] for vector in vectors}
    assert len(specified) == 15, "the tables of messages could not be read"
    assert covered == specified


def test_every_field_of_the_specification_is_in_its_vectors():
    rows = re.findall(r"^\| 0x[0-9A-F]{2} \| `(\w+)` \| (.*) \|$", SPECIFICATION.read_text(), re.M)
    ours = {vector["message"]: set(vector["fields"]) for vector in vectors_of("protocol.json")}
    for message, fields in rows:
        named = set(re.findall(r"\b([a-z_]+)(?= (?:u8|u16|u32|u64|i64|text)\b)", fields))
        named -= {"red", "green", "blue", "colors"}  # the palette
        missing = named - ours[message]
        assert not missing, f"{message} has no {missing} in its vectors"


def test_the_example_of_the_specification_is_a_vector():
    text = SPECIFICATION.read_text()
    example = re.search(r"^    (83  .*)$", text, re.M).group(1)
    head, tail = example.split("<digest, 8 bytes>")
    vector = next(v for v in vectors_of("protocol.json") if "example" in v["name"])
    assert vector["hex"].startswith(head.replace(" ", ""))
    assert vector["hex"].endswith(tail.replace(" ", ""))


def test_every_format_and_answer_of_the_journal_over_redis_has_a_vector():
    vectors = vectors_of("redis.json")
    formats = {vector["format"] for vector in vectors}
    assert formats >= {"operation", "record", "answer", "message", "batches", "malformed record",
                       "malformed answer", "malformed message"}
    given = b"".join(bytes.fromhex(batch["answers"]) for vector in vectors
                     for batch in vector.get("batches", []))
    assert {given[at] for at in range(0, len(given), 29)} == {0, 1, 2, 3, 6, 9}
