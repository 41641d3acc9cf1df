"""Reads the embedded journal from disk, behind the server's back, and checks it."""

import hashlib
import shutil
import sqlite3
import struct
import tempfile
from collections import namedtuple
from pathlib import Path

Entry = namedtuple("Entry", "offset time_ms person x y color digest")

BLANK = 31  # white, what an untouched pixel holds
START_DIGEST = "0" * 16


def next_digest(digest, offset, time_ms, person, x, y, color):
    """digest(n) of docs/protocol.md from digest(n-1) and the fields of entry n."""
    entry = struct.pack("<QqqHHB", offset, time_ms, person, x, y, color)
    return hashlib.sha1(digest.encode() + entry).hexdigest()[:16]


def entries_of(data_dir):
    """All entries in order. Reads a copy, so that the server itself recovers its own files."""
    with tempfile.TemporaryDirectory() as copy:
        for file in Path(data_dir).glob("journal.db*"):
            if not file.name.endswith("-shm"):  # rebuilt from the log
                shutil.copy(file, copy)
        database = Path(copy, "journal.db")
        if not database.exists():
            return []
        connection = sqlite3.connect(database)
        try:
            rows = connection.execute(
                "SELECT entry, time_ms, person, x, y, color, digest FROM entries ORDER BY entry")
            return [Entry(*row[:6], f"{row[6] % 2**64:016x}") for row in rows]
        finally:
            connection.close()


def check_chain(entries):
    """Offsets from 1 without a gap, time never going back, every digest following from the last."""
    digest, time_ms = START_DIGEST, 0
    for expected, entry in enumerate(entries, 1):
        assert entry.offset == expected, f"a gap: expected offset {expected}, got {entry.offset}"
        assert entry.time_ms >= time_ms, f"entry {entry.offset} is older than the one before it"
        digest, time_ms = next_digest(digest, *entry[:6]), entry.time_ms
        assert entry.digest == digest, f"the digest of entry {entry.offset} is {entry.digest}, " \
                                       f"but what comes before it gives {digest}"


class Replay:
    """The board that the entries add up to, one offset after the other."""

    def __init__(self, entries, width, height):
        self.entries, self.width = entries, width
        self.board = bytearray([BLANK]) * (width * height)
        self.offset = 0

    def to(self, offset):
        """The board at `offset`, which does not lie before the last one asked for."""
        assert self.offset <= offset <= len(self.entries), f"no such offset: {offset}"
        for entry in self.entries[self.offset : offset]:
            self.board[entry.y * self.width + entry.x] = entry.color
        self.offset = offset
        return self.board

    def digest(self):
        return self.entries[self.offset - 1].digest if self.offset else START_DIGEST


def check_snapshot(entries, snapshot):
    """The snapshot's board and digest are those of the journal replayed to its offset."""
    replay = Replay(entries, snapshot.width, snapshot.height)
    wrong = [i for i, (ours, theirs) in enumerate(zip(replay.to(snapshot.offset), snapshot.board))
             if ours != theirs]
    assert not wrong, f"at offset {snapshot.offset} the snapshot differs from the journal " \
                      f"replayed in {len(wrong)} pixels, first {wrong[:5]}"
    assert f"{snapshot.digest:016x}" == replay.digest(), "the digest is not the journal's"
