"""The account of a canvas under load: what was acknowledged against the journal and the board.

Pure. Every acknowledged placement has a position of its own. When nobody else has drawn, the
journal has moved by exactly as many entries as were acknowledged, and the board shows the last of
them on each pixel.
"""

from loadtest.verdict import Verdict


class CanvasAccount:
    def __init__(self, epoch, offset):
        self.epoch, self.start = epoch, offset
        self.offsets = set()  # of what was acknowledged
        self.top = {}  # pixel index → (offset, color) of the newest that was acknowledged
        self.unsettled = 0  # placements whose outcome is not known
        self.problems = []

    def acknowledged(self, epoch, offset, index, color):
        """A problem in words, or None."""
        if epoch != self.epoch:
            self.epoch = None  # history was lost: there is nothing to compare with
        if offset in self.offsets and self.epoch is not None:
            self.problems.append(f"two placements were acknowledged at offset {offset}")
            return self.problems[-1]
        self.offsets.add(offset)
        if offset > self.top.get(index, (0, 0))[0]:
            self.top[index] = (offset, color)
        return None

    def verdict(self, epoch, offset, board):
        """`board` is the snapshot, one byte a pixel, at the position (epoch, offset)."""
        lines = [f"{len(self.offsets)} placements acknowledged, {self.unsettled} outcomes unknown",
                 f"the journal went from offset {self.start} to {offset}"]
        if epoch != self.epoch:
            return Verdict(True, ["The epoch ended during the run: nothing to compare", *lines])
        problems = list(self.problems[:1])
        moved, known = offset - self.start, len(self.offsets)
        if moved < known:
            problems.append(f"{known - moved} acknowledged placements are lost")
        elif moved > known + self.unsettled:
            lines.append("others have drawn, too: the board was not compared")
        elif moved == known:
            wrong = sum(board[index] != color for index, (_, color) in self.top.items())
            if wrong:
                problems.append(f"{wrong} of {len(self.top)} pixels are not as acknowledged")
            else:
                lines.append(f"{len(self.top)} pixels of the board are as acknowledged")
        if problems:
            return Verdict(False, ["THE ACCOUNT DOES NOT HOLD", *lines, *problems])
        return Verdict(True, ["The account holds", *lines])
