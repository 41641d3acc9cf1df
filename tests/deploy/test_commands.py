"""Every command of the documents is run by a test of this folder."""

import pathlib
import re

import documents

HERE = pathlib.Path(__file__).parent


def test_every_section_is_run():
    tests = "".join(path.read_text("utf-8") for path in HERE.glob("test_*.py"))
    run = set(re.findall(r'commands\["([^"]+)"\]', tests))
    sections = documents.sections(HERE / "commands.md")
    assert run == set(sections), "a section without a test, or a test without a section"
    print(f"{sum(map(len, sections.values()))} commands in {len(sections)} sections")


def test_commands_are_taken_as_they_stand():
    block = "# first\none --with \\\n    two  # why\n\n  three#3\n"
    assert list(documents.commands_of(block)) == ["one --with two", "three#3"]
