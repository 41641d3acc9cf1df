"""Where one player stands in the journal, and which of his pixels he has yet to see. Pure."""

from collections import deque

DELTAS_REMEMBERED = 256  # a delta may overtake the acknowledgement of what it shows


class Reader:
    def __init__(self):
        self.epoch = self.offset = self.digest = None
        self._passed = deque(maxlen=DELTAS_REMEMBERED)  # (offset, at_s) of deltas
        self._unseen = []  # (offset, sent_s) of what was acknowledged and is not on the board yet

    def stand(self, epoch, offset, digest):
        """At the position of a snapshot. What another epoch has promised is not waited for."""
        if epoch != self.epoch:
            self._unseen = []
            self._passed.clear()
        self.epoch, self.offset, self.digest = epoch, offset, digest

    def problem_with(self, base):
        """In words, or None: a delta must begin where the reader stands."""
        if base > self.offset:
            return f"a gap: the next delta begins {base - self.offset} entries further"
        if base < self.offset:
            return f"a duplicate: the next delta repeats {self.offset - base} entries"
        return None

    def move(self, base, advance, digest, at_s):
        """Applies a delta without a problem; the send times of what is seen now."""
        self.offset, self.digest = base + advance, digest
        self._passed.append((self.offset, at_s))
        seen = [sent_s for offset, sent_s in self._unseen if offset <= self.offset]
        if seen:
            self._unseen = [entry for entry in self._unseen if entry[0] > self.offset]
        return seen

    def acknowledged(self, offset, sent_s):
        """When the pixel was seen, if it was already; otherwise move() will tell, and this None."""
        if offset <= self.offset:
            return next((at_s for passed, at_s in self._passed if passed >= offset), sent_s)
        self._unseen.append((offset, sent_s))
        return None

    @property
    def unseen(self):
        return len(self._unseen)
