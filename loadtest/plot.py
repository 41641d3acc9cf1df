"""Plots as inline SVG: lines over time, and bars of shares. Pure; colours come from the page."""

from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 28
GRID_LINES = 4
COLORS = 6  # that the page has: classes c0 to c5


def step_of(highest):
    """A round distance of the grid's lines: 1, 2 or 5 times a power of ten."""
    rough = max(highest, 1e-9) / GRID_LINES
    power = 10 ** floor(log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)


def number(value):
    """Short, for people: 1 234, 12.5, 0.25."""
    if value is None:
        return "–"
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}".replace(",", "\u202f")
    return f"{value:.3g}"


def parts_of(points):
    """Runs of points without a None: a line is broken where there is nothing to show."""
    part = []
    for x, y in points:
        if y is None:
            if part:
                yield part
            part = []
        else:
            part.append((x, y))
    if part:
        yield part


class Axes:
    def __init__(self, x_max, y_max):
        step = step_of(y_max)
        self.ticks = [step * n for n in range(max(1, ceil(y_max / step - 1e-9)) + 1)]
        self.x_max, self.y_max = max(x_max, 1), self.ticks[-1]

    def x(self, value):
        return LEFT + value / self.x_max * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        return HEIGHT - BOTTOM - value / self.y_max * (HEIGHT - TOP - BOTTOM)

    def svg(self):
        for tick in self.ticks:
            y = self.y(tick)
            yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{number(tick)}</text>'
        step = max(1, step_of(self.x_max))
        for second in range(0, int(self.x_max) + 1, int(step)):
            yield (f'<text x="{self.x(second):.1f}" y="{HEIGHT - 8}" text-anchor="middle">'
                   f'{second} s</text>')


def lines(title, series, y_max=None):
    """A plot of [(name, [(second, value or None)])], with a legend below it."""
    values = [y for _, points in series for _, y in points if y is not None]
    seconds = [x for _, points in series for x, _ in points]
    axes = Axes(max(seconds, default=1), y_max or max(values, default=0) or 1)
    drawn = []
    for index, (name, points) in enumerate(series):
        drawn.append(f'<g class="c{index % COLORS}"><title>{escape(name)}</title>')
        for part in parts_of(points):
            path = " ".join(f"{axes.x(x):.1f},{axes.y(y):.1f}" for x, y in part)
            if len(part) == 1:
                x, y = path.split(",")
                drawn.append(f'<circle cx="{x}" cy="{y}" r="2"/>')
            else:
                drawn.append(f'<polyline points="{path}"/>')
        drawn.append("</g>")
    return (f'<figure><figcaption>{escape(title)}</figcaption>'
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
            f'{"".join(axes.svg())}{"".join(drawn)}</svg>'
            f'{legend(name for name, _ in series)}</figure>')


def shares(title, counts):
    """One bar of {name: count}, each part as wide as its share."""
    total = sum(counts.values()) or 1
    at, drawn, names = 0.0, [], []
    for index, (name, count) in enumerate(counts.items()):
        width = count / total * WIDTH
        names.append(f"{name} {100 * count / total:.1f} %")
        drawn.append(f'<rect class="c{index % COLORS}" x="{at:.1f}" y="0" width="{width:.1f}" '
                     f'height="28"><title>{escape(names[-1])}</title></rect>')
        at += width
    return (f'<figure><figcaption>{escape(title)}</figcaption>'
            f'<svg viewBox="0 0 {WIDTH} 28" role="img" aria-label="{escape(title)}">'
            f'{"".join(drawn)}</svg>{legend(names)}</figure>')


def legend(names):
    items = "".join(f'<li class="c{index % COLORS}">{escape(name)}</li>'
                    for index, name in enumerate(names))
    return f"<ul>{items}</ul>"
