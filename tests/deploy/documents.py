"""The commands of a document: what stands in its ```bash blocks, by section."""

import re


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
