"""Every command of the documents is run by a test of this folder, or said why not.

With DOCUMENTS, a folder of text files, also that commands.md has every one that is in those.
"""

import os
import pathlib
import re

import pytest

import documents

HERE = pathlib.Path(__file__).parent
TEXTS = os.environ.get("DOCUMENTS")
ELSEWHERE = re.compile(r"\b(kubectl|k3s)")  # tests/k8s


def test_every_section_is_run_or_says_why_not(commands):
    documents.check_account(HERE, commands)


def test_commands_are_taken_as_they_stand():
    block = "# first\none --with \\\n    two  # why\n\n  three#3\n"
    assert list(documents.commands_of(block)) == ["one --with two", "three#3"]


@pytest.mark.skipif(TEXTS is None, reason="DOCUMENTS names no folder")
def test_none_is_forgotten(commands):
    known = sum(commands.values(), [])
    found = set()
    for path in pathlib.Path(TEXTS).iterdir():
        text = path.read_text("utf-8")
        for block in re.findall(r"^```bash\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
            found |= set(documents.commands_of(block))
        found |= set(re.findall(r"`(docker [^`<]+)`", text))
    found = {command for command in found if not ELSEWHERE.search(command)}
    forgotten = {command for command in found
                 if not any(one == command or one.startswith(command + " ") for one in known)}
    print(f"{len(found)} different ones")
    assert found and not forgotten
