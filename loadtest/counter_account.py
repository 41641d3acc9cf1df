"""The account of a counter under load: what was acknowledged against the value in the end.

Pure. Every acknowledged increment that returned v is a step from v - 1 to v, every decrement a
step back. From the value at the start to the value in the end there is one way, so of each step
there must be exactly one more up than down inside that way and as many up as down outside it. A
lost increment is a step that nobody made, a value given twice one that was made too often.
"""

from collections import Counter

from loadtest.verdict import Verdict

SHOWN_MAX = 5  # wrong values that a verdict names


class CounterAccount:
    """Holds as long as nobody else presses this counter and nobody resets it."""

    def __init__(self, start):
        self.start = start
        self.increments = self.decrements = 0  # acknowledged
        self.steps = Counter()  # value → increments that returned it − decrements that left it
        self.open = {}  # key → verb, of presses whose outcome is not known

    def asked(self, key, verb):
        self.open[key] = verb

    def acknowledged(self, key, value):
        if self.open.pop(key) == "increment":
            self.increments += 1
            self.steps[value] += 1
        else:
            self.decrements += 1
            self.steps[value + 1] -= 1

    def refused(self, key):
        """The server has said that this press changed nothing."""
        del self.open[key]

    def range(self):
        """The lowest and the highest value that there can be now."""
        value = self.start + self.increments - self.decrements
        unknown = Counter(self.open.values())
        return value - unknown["decrement"], value + unknown["increment"]

    def misfits(self, end):
        """(values that nobody got, values given too often): each step as often as it is wrong."""
        missing, surplus = Counter(), Counter()
        way = range(min(self.start, end) + 1, max(self.start, end) + 1)
        direction = 1 if end > self.start else -1
        for value in set(way) | set(self.steps):
            wrong = (direction if value in way else 0) - self.steps[value]
            (missing if wrong > 0 else surplus)[value] += abs(wrong)
        return +missing, +surplus

    def verdict(self, end):
        """Whether the value in the end is what the acknowledgements make of the start."""
        low, high = self.range()
        unknown = Counter(self.open.values())
        missing, surplus = self.misfits(end)
        fits = missing.total() <= unknown["increment"] and surplus.total() <= unknown["decrement"]
        expected = str(low) if low == high else f"{low} to {high}"
        lines = [f"{self.increments} increments and {self.decrements} decrements acknowledged, "
                 f"{len(self.open)} outcomes unknown",
                 f"value at the start {self.start}, in the end {end}, expected {expected}"]
        if low <= end <= high and fits:
            return Verdict(True, ["The account holds", *lines])
        if end < low:
            lines.append(f"{low - end} acknowledged increments are lost")
        elif end > high:
            lines.append(f"{end - high} increments are there that nobody acknowledged")
        lines += wrong_values("nobody got", missing) + wrong_values("given too often:", surplus)
        lines.append("(did somebody else press?)")
        return Verdict(False, ["THE ACCOUNT DOES NOT HOLD", *lines])


def wrong_values(what, values):
    shown = ", ".join(str(value) for value in sorted(values)[:SHOWN_MAX])
    more = ", …" if len(values) > SHOWN_MAX else ""
    return [f"values {what} {shown}{more}"] if values else []
