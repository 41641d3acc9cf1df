"""Rows of the benchmark table: what was measured, against what, and whether it is enough."""

from dataclasses import asdict, dataclass, field
from statistics import median


@dataclass
class Row:
    """One line of the table. A target is a least ratio to the peer, or a most of `ours`."""

    what: str
    unit: str
    ours: float
    peer: float | None = None
    ratio_min: float | None = None
    ours_max: float | None = None
    note: str = ""
    samples: dict = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        return self.ours / self.peer if self.peer else None

    @property
    def target(self) -> str:
        if self.ratio_min is not None:
            return f"≥ {self.ratio_min:g} ×"
        return f"≤ {self.ours_max:g} {self.unit}" if self.ours_max is not None else "–"

    @property
    def verdict(self) -> str:
        if self.ratio_min is not None and self.ratio is not None:
            return "ok" if self.ratio >= self.ratio_min else "MISSED"
        if self.ours_max is not None:
            return "ok" if self.ours <= self.ours_max else "MISSED"
        return "–"

    def as_json(self) -> dict:
        return {**asdict(self), "ratio": self.ratio, "target": self.target,
                "verdict": self.verdict}


def compared(what: str, unit: str, ours: list[float], peer: list[float], **rest) -> Row:
    """A row of medians over interleaved runs; the note tells how far the runs lay apart."""
    note = rest.pop("note", "")
    spread = (f"{len(ours)} runs each, spread ±{spread_of(ours):.0f} % / ±{spread_of(peer):.0f} %"
              if len(ours) > 1 else "one run each")
    return Row(what, unit, median(ours), median(peer), note=f"{spread}; {note}" if note else spread,
               samples={"ours": ours, "peer": peer}, **rest)


def spread_of(samples: list[float]) -> float:
    """Half the distance between the smallest and the largest, in percent of the median."""
    return 50 * (max(samples) - min(samples)) / median(samples)


def grouped(number: int) -> str:
    """1234567 as 1 234 567."""
    return f"{number:,}".replace(",", " ")


def figure(value: float | None) -> str:
    if value is None:
        return "–"
    if abs(value) >= 1000:
        return grouped(round(value))
    return f"{value:.3g}"


HEAD = ["what", "ours", "peer", "unit", "ratio", "target", "verdict", "note"]


def cells(row: Row) -> list[str]:
    ratio = "–" if row.ratio is None else f"{row.ratio:.2f} ×"
    return [row.what, figure(row.ours), figure(row.peer), row.unit, ratio, row.target, row.verdict,
            row.note]


def as_text(rows: list[Row]) -> str:
    lines = [HEAD, *map(cells, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
                     for line in lines)


def as_markdown(rows: list[Row]) -> str:
    lines = [HEAD, ["---"] * len(HEAD), *map(cells, rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
