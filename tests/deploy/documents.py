"""The commands of the documents, and the account of them: which are run by a test, and which not.

A folder of tests has its share in its commands.md, by section; its tests take them from there.
"""

import os
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
ACCOUNTS = sorted(ROOT.glob("tests/*/commands.md"))
NOT_RUN = "Not run: "  # so begin the headings of those that no test runs; their first words say why
BLOCK = re.compile(r"^```(?:bash|sh)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# Between the words, only of those that deploy. The name of a program alone is no command.
NAMED = re.compile(r"`((?!docker compose`)(?:docker\s|docker-compose\s|kubectl\s|sudo\s|"
                   r"(?:\./)?scripts/[\w-]+\.sh)[^`]*)`")
LEFT_OPEN = re.compile(r"(^|\s)(…|<).*")  # as in `docker stack rm <name>`


def sections(path):
    """{heading: its commands, in order}, for the sections that have any."""
    found, heading = {}, ""
    either = re.compile(rf"{BLOCK.pattern}|^#+ ([^\n]+)$", BLOCK.flags)
    for block, title in either.findall(path.read_text("utf-8")):
        if title:
            heading = title
        else:
            found.setdefault(heading, []).extend(commands_of(block))
    return found


def in_blocks(text):
    for block in BLOCK.findall(text):
        yield from commands_of(block)


def commands_of(block):
    """One string a command: without comments, continued lines joined."""
    for line in block.replace("\\\n", " ").splitlines():
        command = re.sub(r"(^|\s+)#.*", "", line).strip()
        if command:
            yield " ".join(command.split())


def between_words(text):
    """Those that the text speaks of, and may not say to their end."""
    for command in NAMED.findall(text):
        yield LEFT_OPEN.sub("", " ".join(command.split())).removeprefix("./")


def texts():
    """What must be accounted for: the project's own documents, whose twins have the same commands,
    and those of the folder DOCUMENTS, if it is named."""
    ours = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
    folder = os.environ.get("DOCUMENTS")
    others = sorted(pathlib.Path(folder).iterdir()) if folder else []
    return [path for path in ours if not path.name.endswith(".ru.md")] + others


def account():
    """{command: whether a test runs it}, of every commands.md."""
    found = {}
    for path in ACCOUNTS:
        for heading, commands in sections(path).items():
            for command in commands:
                found[command] = found.get(command, False) or not heading.startswith(NOT_RUN)
    return found


def check_text(path, known):
    """Everything that the text tells people to enter is in the account; says how much that is."""
    text = path.read_text("utf-8")
    entered, spoken_of = set(in_blocks(text)), set(between_words(text))
    beginnings = {command.removeprefix("./") + " " for command in known}
    forgotten = entered - known.keys() | {
        command for command in spoken_of
        if not any(one.startswith(command + " ") for one in beginnings)}
    assert not forgotten, f"{path.name} has commands that are in no commands.md: {forgotten}"
    run = sum(known[command] for command in entered)
    return (f"{path.name}: {run} commands are run, {len(entered) - run} are not; "
            f"{len(spoken_of)} are spoken of")


def check_folder(path):
    """Each section of a commands.md is run by a test beside it, or says why not; says how many."""
    commands = sections(path)
    tests = "".join(test.read_text("utf-8") for test in path.parent.glob("test_*.py"))
    run = set(re.findall(r'commands\["([^"]+)"\]', tests))
    not_run = sorted(heading for heading in commands if heading.startswith(NOT_RUN))
    assert run == set(commands) - set(not_run), "a section without a test, or a test without one"
    text = path.read_text("utf-8")
    for heading in not_run:
        assert re.search(rf"## {re.escape(heading)}\n\n\w.*\n", text), f"{heading}: why?"
    count = {heading: len(those) for heading, those in commands.items()}
    reasons = ", ".join(f"{one.removeprefix(NOT_RUN)} ({count[one]})" for one in not_run)
    return (f"{path.parent.name}: {sum(count[one] for one in run)} commands in {len(run)} sections "
            f"are run; not run: {reasons or 'none'}")
