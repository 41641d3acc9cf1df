"""The documents agree: every page in Russian has the same headings, commands, names and tables as
its twin in English, and every link inside the project leads to a file, and a heading, that exists.
"""

import itertools
import re

import project

FENCED = re.compile(r"^```.*?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMENT = re.compile(r"(^|\s+)# .*$", re.MULTILINE)  # each in its own language
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
NAME = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
ROW = re.compile(r"^\|.*", re.MULTILINE)


def commands(text):
    """Of each block, without what only its layout and its comments differ in."""
    return [" ".join(COMMENT.sub("", block).split()) for block in FENCED.findall(text)]


def prose(path):
    return FENCED.sub("", path.read_text("utf-8"))


def anchors(path):
    """What a heading is called in a link: as GitHub makes it."""
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
            for _, title in HEADING.findall(prose(path))}


def links(path):
    return LINK.findall(re.sub(NAME, "", prose(path).replace("[`", "[").replace("`]", "]")))


def shape(path):
    """What twins have in common, whatever the language."""
    text = prose(path)
    return {
        "headings' levels": [len(level) for level, _ in HEADING.findall(text)],
        "commands": commands(path.read_text("utf-8")),
        "names": sorted({" ".join(name.split()) for name in NAME.findall(text)}),
        "tables' columns": [row.count("|") - 1 for row in ROW.findall(text)],
    }


def problems_of_twins(russian):
    english = russian.with_name(russian.name.replace(".ru.md", ".md"))
    name = russian.relative_to(project.ROOT)
    if not english.is_file():
        yield f"{name}: has no twin in English"
        return
    there = shape(english)
    for what, here in shape(russian).items():
        for mine, its in itertools.zip_longest(here, there[what]):
            if mine != its:
                yield f"{name}: {what}: {mine}, but in {english.name}: {its}"
                break
    for page, other in ((english, russian), (russian, english)):
        if other.name not in links(page):
            yield f"{page.relative_to(project.ROOT)}: no link to {other.name}"


def problems_of_links(path):
    for link in links(path):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        page = path.parent / target if target else path
        if not page.exists():
            yield f"{path.relative_to(project.ROOT)}: {link}: there is no such file"
        elif anchor and anchor not in anchors(page):
            yield f"{path.relative_to(project.ROOT)}: {link}: there is no such heading"


pages = project.files(".md")
assert pages, "no documents were found"
problems = [problem for path in pages for problem in problems_of_links(path)]
for path in pages:
    if path.name.endswith(".ru.md"):
        problems += problems_of_twins(path)
project.report(problems)
