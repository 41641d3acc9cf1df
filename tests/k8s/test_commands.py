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
NOT_RUN = "Not run: "
TEXTS = os.environ.get("DOCUMENTS")


@pytest.fixture(scope="module")
def sections():
    return documents.sections(HERE / "commands.md")


def test_every_section_is_run_or_says_why_not(sections):
    tests = "".join(path.read_text("utf-8") for path in HERE.glob("test_*.py"))
    run = set(re.findall(r'commands\["([^"]+)"\]', tests))
    not_run = {heading for heading in sections if heading.startswith(NOT_RUN)}
    assert run == set(sections) - not_run, "a section without a test, or a test without a section"
    text = (HERE / "commands.md").read_text("utf-8")
    for heading in not_run:
        assert re.search(rf"## {re.escape(heading)}\n\n\w.*\n", text), f"{heading}: why?"
    count = {heading: len(commands) for heading, commands in sections.items()}
    print(f"{sum(count[one] for one in run)} commands in {len(run)} sections are run; not run are "
          f"{sum(count[one] for one in not_run)}: "
          + ", ".join(f"{one.removeprefix(NOT_RUN)} ({count[one]})" for one in sorted(not_run)))


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
