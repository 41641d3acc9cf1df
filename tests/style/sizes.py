"""Files have at most 500 lines of at most 100 columns, and begin by saying what they are."""

import re

import project

LINES_MAX = 500
COLUMNS_MAX = 100
PICTURE = re.compile(r'\b[dD]="[mM][^"]+"')  # the path data of an SVG is one word
# A .cpp file whose header says it already need not repeat it.
OPENINGS = {".hpp": "//", ".ts": "/", ".tsx": "/", ".py": '"""', ".sh": "#"}


def problems_of(path):
    relative = path.relative_to(project.ROOT)
    lines = path.read_text("utf-8").splitlines()
    if len(lines) > LINES_MAX:
        yield f"{relative}: {len(lines)} lines, {LINES_MAX} at most"
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX and not PICTURE.search(line):
            yield f"{relative}:{number}: {len(line)} columns, {COLUMNS_MAX} at most"
    first = [line for line in lines if not line.startswith("#!") or path.suffix == ".sh"][:1]
    opening = OPENINGS.get(path.suffix)
    if opening and not (first and first[0].startswith(opening)):
        yield f"{relative}: does not begin by saying what it is"


sources = project.files(".cpp", ".hpp", ".ts", ".tsx", ".py", ".sh")
project.report([problem for path in sources for problem in problems_of(path)])
