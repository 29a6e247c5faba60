"""Charts of the report as inline SVG: no script, no request, colours from `report.css`.

Pure: numbers in, a string out. Colours are classes (`c0`, `c1` ...), so that a chart follows light, dark
and print; a chart is readable without its colours too, since every line is named in the legend beside its
dash pattern.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from train.wording import safe

COLOURS = 8  # classes c0 to c7 in report.css
DASHES = ("", "7 3", "2 3", "9 3 2 3")
WIDTH, HEIGHT = 360, 290  # of the drawing, in its own units
LEFT, RIGHT, TOP, BOTTOM = 50, 12, 10, 48  # margins for the axes
LARGEST_DOT = 5.0


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale from the first to the last tick; a tick is a value and its text."""

    title: str
    ticks: Sequence[tuple[float, str]]

    def place(self, value: float) -> float:
        """Where a value lies between the first (0) and the last tick (1)."""
        low, high = self.ticks[0][0], self.ticks[-1][0]
        return (value - low) / (high - low)


@dataclass(frozen=True, slots=True)
class Line:
    """A named line through points in the axes' units; weights draw a dot at each point, of that area."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: int
    weights: Sequence[float] = ()
    dot: tuple[float, float] | None = None  # one place to point out, on the line or beside it


def percent_axis(title: str) -> Axis:
    """From 0 to 1, written as percents."""
    return Axis(title, [(tick / 100, str(tick)) for tick in (0, 20, 40, 60, 80, 100)])


def step_axis(title: str, last: float) -> Axis:
    """From 0 to at least `last` in four or five round steps."""
    step = next(
        size * 10**power for power in range(9) for size in (1, 2, 5) if size * 10**power * 5 >= max(last, 1)
    )
    count = max(1, -(-int(last) // step))
    return Axis(title, [(tick * step, str(tick * step)) for tick in range(count + 1)])


def draw_lines(lines: Sequence[Line], x: Axis, y: Axis, diagonal: bool = False) -> str:
    """A chart with a legend; `diagonal` adds the line where both axes agree."""
    described = "; ".join(line.name for line in lines)
    marks = [*_draw_grid(x, y)]
    if diagonal:
        ends = [(x.ticks[end][0], y.ticks[end][0]) for end in (0, -1)]
        marks.append(_polyline(ends, x, y, "ideal"))
    for number, line in enumerate(lines):
        dash = DASHES[number % len(DASHES)]
        marks.append(_polyline(line.points, x, y, f"line c{line.colour % COLOURS}", dash))
        heaviest = max(line.weights, default=0)
        dots = [(point, weight / heaviest) for point, weight in zip(line.points, line.weights, strict=False)]
        dots += [(line.dot, 1)] if line.dot else []
        marks += [
            f'<circle class="c{line.colour % COLOURS}" cx="{_across(point[0], x)}" cy="{_down(point[1], y)}" '
            f'r="{max(1.5, LARGEST_DOT * share**0.5):.1f}"/>'
            for point, share in dots
        ]
    title = safe(f"{y.title} / {x.title}: {described}")
    drawing = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">{"".join(marks)}</svg>'
    return f"{drawing}\n{_draw_legend(lines)}"


def _draw_grid(x: Axis, y: Axis) -> list[str]:
    """Grid lines, tick texts and axis titles."""
    floor = HEIGHT - BOTTOM
    marks = []
    for value, text in y.ticks:
        height = _down(value, y)
        marks.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height}" y2="{height}"/>')
        marks.append(f'<text x="{LEFT - 6}" y="{height}" dy=".35em" text-anchor="end">{safe(text)}</text>')
    for value, text in x.ticks:
        place = _across(value, x)
        marks.append(f'<line class="grid" x1="{place}" x2="{place}" y1="{TOP}" y2="{floor}"/>')
        marks.append(f'<text x="{place}" y="{floor + 17}" text-anchor="middle">{safe(text)}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    marks.append(f'<text x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{safe(x.title)}</text>')
    aside = f'transform="rotate(-90)" x="{-(TOP + floor) / 2}" y="13"'
    marks.append(f'<text {aside} text-anchor="middle">{safe(y.title)}</text>')
    return marks


def _draw_legend(lines: Sequence[Line]) -> str:
    items = "".join(
        f'<li><svg viewBox="0 0 28 8" aria-hidden="true"><line class="line c{line.colour % COLOURS}" x2="28" '
        f'y1="4" y2="4" stroke-dasharray="{DASHES[number % len(DASHES)]}"/></svg>{safe(line.name)}</li>'
        for number, line in enumerate(lines)
    )
    return f'<ul class="legend">{items}</ul>'


def _polyline(points: Sequence[tuple[float, float]], x: Axis, y: Axis, kind: str, dash: str = "") -> str:
    places = " ".join(f"{_across(a, x)},{_down(b, y)}" for a, b in points)
    return f'<polyline class="{kind}" points="{places}" stroke-dasharray="{dash}"/>'


def _across(value: float, axis: Axis) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * axis.place(value), 1)


def _down(value: float, axis: Axis) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * axis.place(value), 1)
