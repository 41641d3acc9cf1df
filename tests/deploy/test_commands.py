"""Every command of the documents is run by a test, or said why not: the project's own documents,
and with DOCUMENTS the texts of that folder, too."""

import pytest

import documents


@pytest.fixture
def say(capsys):
    """Says it also where nothing fails."""

    def say(words):
        with capsys.disabled():
            print(f"\n{words}", end="")

    return say


@pytest.mark.parametrize("path", documents.ACCOUNTS, ids=lambda path: path.parent.name)
def test_every_section_is_run_or_says_why_not(path, say):
    say(documents.check_folder(path))


@pytest.mark.parametrize("path", documents.texts(), ids=lambda path: path.name)
def test_none_is_forgotten(path, say):
    say(documents.check_text(path, documents.account()))


def test_commands_are_taken_as_they_stand():
    block = "# first\none --with \\\n    two  # why\n\n  three#3\n"
    assert list(documents.commands_of(block)) == ["one --with two", "three#3"]


def test_what_is_spoken_of_may_be_left_open():
    text = "`docker stack rm <name>`, `./scripts/run.sh`, `docker compose`, `kubectl`, `docker\nps`"
    assert list(documents.between_words(text)) == ["docker stack rm", "scripts/run.sh", "docker ps"]
