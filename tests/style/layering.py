"""Includes point down only: every #include line in src/ and apps/ against the table of rooms."""

import pathlib
import re
import tempfile

import project

# Which rooms a room may include besides itself.
ALLOWED = {
    "base": set(),
    "loop": {"base"},
    "canvas": {"base"},
    "counter": {"base"},
    "auth": {"base"},
    "wire": {"base", "canvas"},
    "ops": {"base"},
    "sqlite": {"base"},
    "postgres": {"base"},
    "archive": {"base", "canvas", "ops", "postgres"},
    "redis": {"base"},
    "redis_store": {"base", "ops", "redis"},
    "journal": {"base", "canvas"},
    "journal/embedded": {"base", "canvas", "journal", "sqlite", "ops"},
    "journal/redis": {"base", "loop", "canvas", "journal", "redis", "redis_store", "ops"},
    "ledger": {"base", "counter"},
    "ledger/embedded": {"base", "counter", "ledger", "sqlite"},
    "ledger/redis": {"base", "counter", "ledger", "redis", "redis_store", "ops"},
    "service": {"base", "canvas", "counter", "auth", "wire", "journal", "ledger", "ops"},
    "net": {"base", "loop", "wire", "service", "ops"},
    "load": {"base", "canvas", "wire"},
}
ALLOWED["apps"] = set(ALLOWED)

# Where a library's headers may be included: the rooms, and whether in headers too.
LIBRARIES = [
    (r"sqlite3\.h", {"sqlite"}, False),
    (r"libpq|postgres_ext\.h", {"postgres"}, False),
    (r"(spdlog|fmt|CLI|prometheus)/", {"ops"}, False),
    (r"hiredis/", {"redis"}, False),
    (r"openssl/", {"base", "auth", "redis"}, False),
    (r"boost/beast", {"net"}, False),
    (r"boost/(asio|system)", {"loop", "net", "redis", "redis_store", "journal/redis",
                                 "ledger/redis", "apps"}, True),
    (r"boost/json", {"auth", "service", "load"}, False),
    (r"boost/url", {"net", "service"}, False),
    (r"(zlib|zstd)\.h|brotli/", {"service", "net", "canvas"}, False),
    (r"png\.h", {"canvas"}, False),
    (r"boost/|[a-z0-9_]+/.*\.hpp$", set(), False),  # any other library: nowhere
]

# Pure rooms compute: no sockets, files, threads or clocks of the system.
PURE = {"canvas", "counter", "auth", "wire"}
INPUT_OUTPUT = re.compile(
    r"(sys|netinet|arpa)/|(unistd|fcntl|poll|netdb|pthread|stdio|time)\.h|boost/asio|"
    r"(fstream|iostream|filesystem|cstdio|thread|mutex|chrono|ctime|future|condition_variable)$")


def room_of(path):
    """The room of a path relative to the root, such as src/journal/embedded/batch.cpp."""
    parts = path.parts
    if parts[0] == "apps":
        return "apps"
    nested = "/".join(parts[1:3])
    return nested if nested in ALLOWED else parts[1]


def room_of_include(name):
    """The room that a quoted include names, or None if it names none."""
    parts = name.split("/")
    nested = "/".join(parts[:2])
    return nested if nested in ALLOWED else parts[0] if parts[0] in ALLOWED else None


def library_problem(room, is_header, name):
    for pattern, rooms, in_headers in LIBRARIES:
        if re.match(pattern, name):
            if room not in rooms:
                return f"<{name}> belongs to {' and '.join(sorted(rooms)) or 'no room'}"
            if is_header and not in_headers:
                return f"<{name}> must stay out of headers"
            return None
    return None


def problems_of(path, root):
    relative = path.relative_to(root)
    room = room_of(relative)
    if room not in ALLOWED:
        yield f"{relative}: no such room in the table: {room}"
        return
    for quoted, name in project.includes(path):
        target = room_of_include(name) if quoted else None
        if room in PURE and INPUT_OUTPUT.match(name):
            yield f"{relative}: {room} is pure: no {name}"
        elif target is None and quoted and room == "apps" and name.startswith("apps/"):
            continue
        elif target is None and quoted:
            yield f'{relative}: "{name}" is not named from src/'
        elif target is None:
            problem = library_problem(room, path.suffix == ".hpp", name)
            if problem:
                yield f"{relative}: {problem}"
        elif target != room and target not in ALLOWED[room]:
            yield f"{relative}: {room} must not include {target} ({name})"


def circle(graph):
    """The first circle in a graph of {node: set of nodes}, as a list, or None."""
    finished, path = set(), []

    def visit(node):
        if node in path:
            return path[path.index(node):] + [node]
        if node in finished:
            return None
        path.append(node)
        for following in sorted(graph.get(node, ())):
            found = visit(following)
            if found:
                return found
        finished.add(path.pop())
        return None

    return next(filter(None, map(visit, sorted(graph))), None)


def check(paths, root):
    problems = [problem for path in paths for problem in problems_of(path, root)]
    by_file, by_room = {}, {}
    for path in paths:
        relative = path.relative_to(root)
        quoted = {name for is_quoted, name in project.includes(path) if is_quoted}
        by_file[relative.as_posix().removeprefix("src/")] = quoted
        rooms = {room_of_include(name) for name in quoted} - {None, room_of(relative)}
        by_room.setdefault(room_of(relative), set()).update(rooms)
    for what, graph in (("files", by_file), ("rooms", by_room)):
        found = circle(graph)
        if found:
            problems.append(f"a circle of {what}: {' -> '.join(found)}")
    return problems


def self_test():
    """A forbidden arrow of every kind must be found, and nothing in a clean tree."""
    clean = {"src/net/hub.cpp": '#include "net/hub.hpp"\n#include <boost/beast/core.hpp>\n',
             "src/net/hub.hpp": '#include <vector>\n#include "wire/frame.hpp"\n',
             "src/wire/frame.hpp": '#include "base/bytes.hpp"\n',
             "src/base/bytes.hpp": "#include <string>\n"}
    spoilt = {
        "must not include journal": {"src/net/hub.hpp": '#include "journal/journal.hpp"\n'},
        "must not include auth": {"src/canvas/board.hpp": '#include "auth/token.hpp"\n'},
        "must not include journal/embedded": {
            "src/service/game.cpp": '#include "journal/embedded/batch.hpp"\n'},
        "is pure": {"src/canvas/board.cpp": "#include <fstream>\n"},
        "belongs to sqlite": {"src/journal/embedded/batch.cpp": "#include <sqlite3.h>\n"},
        "out of headers": {"src/net/hub.hpp": "#include <boost/beast/core.hpp>\n"},
        "belongs to no room": {"src/base/bytes.hpp": "#include <boost/optional.hpp>\n"},
        "not named from src/": {"src/net/hub.cpp": '#include "hub.hpp"\n'},
        "a circle of files": {"src/base/bytes.hpp": '#include "base/text.hpp"\n',
                              "src/base/text.hpp": '#include "base/bytes.hpp"\n'},
        "a circle of rooms": {"src/base/bytes.hpp": '#include "wire/protocol.hpp"\n'},
    }
    assert not check_tree(clean), check_tree(clean)
    for expected, changes in spoilt.items():
        problems = check_tree(clean | changes)
        assert any(expected in problem for problem in problems), (expected, problems)


def check_tree(tree):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in tree.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        return check([root / name for name in tree], root)


if __name__ == "__main__":
    self_test()
    sources = [path for path in project.files(".cpp", ".hpp")
               if path.relative_to(project.ROOT).parts[0] in ("src", "apps")]
    project.report(check(sources, project.ROOT))
