"""What a run was like, second by second: the data that reports are made of. Pure."""

from collections import Counter

PERCENTILES = (50, 95, 99)


def percentile(ordered, percent):
    """The value that `percent` of the ascending values do not exceed; None of nothing."""
    if not ordered:
        return None
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def percentiles(times_ms):
    ordered = sorted(times_ms)
    return {f"p{percent}_ms": rounded(percentile(ordered, percent)) for percent in PERCENTILES}


def rounded(time_ms):
    return None if time_ms is None else round(time_ms, 2)


class Row:
    """All answers to one kind of request."""

    def __init__(self):
        self.times_ms = []
        self.failures = 0


class Record:
    """Begins when it is made; `now` is a clock in seconds, `users` says how many there are."""

    def __init__(self, now, users):
        self._now, self._users, self._began_s = now, users, now()
        self._duration_s = None
        self._second, self._times_ms, self._failures, self._limited = 0, [], 0, 0
        self.seconds = []
        self.rows = {}  # (kind, name) → Row
        self.beside = {}  # the same; not in the totals, which have these answers already
        self.errors = Counter()  # (kind, name, what) → how often
        self.replicas = Counter()  # name → answers
        self.limited = 0  # answers 429: the server asked to wait

    def answer(self, kind, name, time_ms, failure=None):
        self._turn()
        self._times_ms.append(time_ms)
        row = self.rows.setdefault((kind, name), Row())
        row.times_ms.append(time_ms)
        if failure is not None:
            self._failures += 1
            row.failures += 1
            self.errors[kind, name, str(failure)] += 1

    def answer_beside(self, kind, name, time_ms):
        self.beside.setdefault((kind, name), Row()).times_ms.append(time_ms)

    def wait_asked(self):
        self._turn()
        self._limited += 1
        self.limited += 1

    def served_by(self, replica):
        self.replicas[replica] += 1

    def _turn(self):
        """Closes the seconds that are over. Empty ones are kept: they are when nobody answered."""
        second = int(self._now() - self._began_s)
        while self._second < second:
            self.seconds.append({
                "second": self._second, "users": self._users(), "requests": len(self._times_ms),
                "failures": self._failures, "limited": self._limited,
                **percentiles(self._times_ms)})
            self._second, self._times_ms, self._failures, self._limited = self._second + 1, [], 0, 0

    def end(self):
        """Nothing counts any more. The last second is not told: it was not a whole one."""
        self._turn()
        self._duration_s = max(self._now() - self._began_s, 0.001)

    def result(self, **more):
        """For json.dumps, after end()."""
        times_ms = [time_ms for row in self.rows.values() for time_ms in row.times_ms]
        return {
            **more,
            "duration_s": round(self._duration_s, 3),
            "requests": len(times_ms),
            "requests_per_s": round(len(times_ms) / self._duration_s, 1),
            "failures": sum(row.failures for row in self.rows.values()),
            "limited": self.limited,
            **percentiles(times_ms),
            "seconds": self.seconds,
            "rows": rows_result(self.rows),
            "beside": rows_result(self.beside),
            "errors": [{"kind": kind, "name": name, "what": what, "count": count}
                       for (kind, name, what), count in self.errors.most_common()],
            "replicas": dict(sorted(self.replicas.items())),
        }


def rows_result(rows):
    return [{"kind": kind, "name": name, "requests": len(row.times_ms), "failures": row.failures,
             **percentiles(row.times_ms), "max_ms": rounded(max(row.times_ms))}
            for (kind, name), row in sorted(rows.items())]
