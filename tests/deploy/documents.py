"""The commands of a document: what stands in its ```bash blocks, by section."""

import re

NOT_RUN = "Not run: "  # so begin the headings of those that no test runs; their first words say why


def sections(path):
    """{heading: its commands, in order}, for the sections that have any."""
    found, heading, block = {}, "", None
    for line in path.read_text("utf-8").splitlines():
        if block is not None and line != "```":
            block.append(line)
        elif block is not None:
            found.setdefault(heading, []).extend(commands_of("\n".join(block)))
            block = None
        elif line == "```bash":
            block = []
        elif line.startswith("#"):
            heading = line.lstrip("# ")
    return found


def commands_of(block):
    """One string a command: without comments, continued lines joined."""
    for line in block.replace("\\\n", " ").splitlines():
        command = re.sub(r"(^|\s+)#.*", "", line).strip()
        if command:
            yield re.sub(r"\s+", " ", command)


def check_account(folder, commands):
    """Each section of the folder's commands.md is run by a test there, or says why not."""
    tests = "".join(path.read_text("utf-8") for path in folder.glob("test_*.py"))
    run = set(re.findall(r'commands\["([^"]+)"\]', tests))
    not_run = {heading for heading in commands if heading.startswith(NOT_RUN)}
    assert run == set(commands) - not_run, "a section without a test, or a test without a section"
    text = (folder / "commands.md").read_text("utf-8")
    for heading in not_run:
        assert re.search(rf"## {re.escape(heading)}\n\n\w.*\n", text), f"{heading}: why?"
    count = {heading: len(those) for heading, those in commands.items()}
    print(f"{sum(count[one] for one in run)} commands in {len(run)} sections are run; not run are "
          f"{sum(count[one] for one in not_run)}: "
          + ", ".join(f"{one.removeprefix(NOT_RUN)} ({count[one]})" for one in sorted(not_run)))
