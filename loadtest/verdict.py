"""What the account of a run comes to."""

from dataclasses import dataclass


@dataclass
class Verdict:
    holds: bool
    lines: list  # for people; the first one says it all
