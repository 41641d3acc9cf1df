"""What the library must decide, written as plainly as possible: one canvas in dictionaries."""

from formats import Answer, Record, next_digest

COOLDOWN, FROZEN, OUTSIDE, STALE, BANNED = 1, 2, 3, 6, 9
WINDOW = 8
U32_MAX = 2**32 - 1


def charges_at(cooldown_ms, charges_max, full_at_ms, now_ms):
    """src/canvas/cooldown.hpp"""
    if cooldown_ms == 0 or full_at_ms <= now_ms:
        return charges_max, 0
    missing_ms = full_at_ms - now_ms
    missing = -(-missing_ms // cooldown_ms)
    over_ms = missing_ms - cooldown_ms * (missing - 1)
    beyond = max(missing - charges_max, 0)
    return max(charges_max - missing, 0), min(over_ms + beyond * cooldown_ms, U32_MAX)


class Model:
    def __init__(self, state, blank=31):
        self.epoch, self.offset, self.digest = state.position
        self.width, self.height = state.width, state.height
        self.set_rules(state.cooldown_ms, state.charges_max, state.frozen)
        self.board = bytearray([blank]) * (state.width * state.height)
        self.now_ms = 0
        self.full_at_ms, self.windows, self.banned = {}, {}, set()
        self.log = [Record(self.epoch, self.offset, self.digest, self.digest, 0)]

    def set_rules(self, cooldown_ms, charges_max, frozen):
        self.cooldown_ms, self.charges_max, self.frozen = cooldown_ms, charges_max, frozen

    def charges(self, person):
        return charges_at(self.cooldown_ms, self.charges_max, self.full_at_ms.get(person, 0),
                          self.now_ms)

    def append(self, *ops):
        """The answers, and the record or None."""
        base, base_digest, accepted = self.offset, self.digest, []
        answers = [self.decide(op, accepted) for op in ops]
        if not accepted:
            return answers, None
        record = Record(self.epoch, base, base_digest, self.digest, self.now_ms, tuple(accepted))
        self.log.append(record)
        return answers, record

    def decide(self, op, accepted):
        window = self.windows.get((op.person, op.producer), [])
        for sequence, first in window:
            if sequence == op.sequence:
                return first
        left, next_ms = self.charges(op.person)
        if window and op.sequence <= window[-1][0] or op.sequence == 0:
            return Answer(STALE, 0, 0, left, next_ms)
        if op.person in self.banned:
            return Answer(BANNED, 0, 0, left, next_ms)
        if self.frozen:
            return Answer(FROZEN, 0, 0, left, next_ms)
        if op.x >= self.width or op.y >= self.height:
            return Answer(OUTSIDE, 0, 0, left, next_ms)
        if left == 0:
            return Answer(COOLDOWN, 0, 0, left, next_ms, next_ms)
        return self.accept(op, window, accepted)

    def accept(self, op, window, accepted):
        self.offset += 1
        self.digest = next_digest(self.digest, self.offset, self.now_ms, op)
        self.board[op.y * self.width + op.x] = op.color
        full_at_ms = max(self.full_at_ms.get(op.person, 0), self.now_ms) + self.cooldown_ms
        self.full_at_ms[op.person] = full_at_ms
        answer = Answer(0, self.epoch, self.offset, *self.charges(op.person))
        self.windows[op.person, op.producer] = [*window, (op.sequence, answer)][-WINDOW:]
        accepted.append(op)
        return answer

    def end_epoch(self):
        self.epoch += 1
        self.log.append(Record(self.epoch, self.offset, self.digest, self.digest, self.now_ms))
