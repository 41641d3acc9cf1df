"""Every kubectl command of the documents is run by a test of this folder, or said why not.

commands.md has every one that is in the operators' documents, and in DOCUMENTS, if that names a
folder.
"""

import os
import pathlib
import re

import pytest

import documents

HERE = pathlib.Path(__file__).parent
TEXTS = os.environ.get("DOCUMENTS")


@pytest.fixture(scope="module")
def sections():
    return documents.sections(HERE / "commands.md")


def test_every_section_is_run_or_says_why_not(sections):
    documents.check_account(HERE, sections)


def commands_in(text):
    """Those for a cluster in a text: in its blocks, and between the words."""
    for block in re.findall(r"^```bash\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        yield from documents.commands_of(block)
    yield from re.findall(r"`((?:kubectl|sudo) [^`]+)`", text)


def texts():
    for name in ("operations", "counter-deployment"):
        yield HERE.parents[1] / f"docs/{name}.md"
    if TEXTS:
        yield from sorted(pathlib.Path(TEXTS).iterdir())


@pytest.mark.parametrize("path", texts(), ids=lambda path: path.stem)
def test_none_is_forgotten(sections, path):
    known = sum(sections.values(), [])
    found = {command for command in commands_in(path.read_text("utf-8"))
             if re.search(r"\b(kubectl|k3s)\b", command)}
    forgotten = {command for command in found
                 if not any(one == command or one.startswith(command + " ") for one in known)}
    print(f"{path.name}: {len(found)} different ones")
    assert not forgotten
