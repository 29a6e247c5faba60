"""Pages of excerpts: a stretch of a text in its sentence, with what was marked there, for someone to judge.

In the manner of `report.html`, whose style they share: a line above is gold, a line below the model, both are
both. A page is one file that makes no requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise

from train.wording import safe

CONTEXT = 120  # characters on either side
STYLE = """
.review { width: 100%; overflow-wrap: anywhere; }
.review th, .review td { padding: .4rem .8rem .4rem 0; text-align: left; vertical-align: top; }
.review th, .review td { white-space: normal; }
.review .text { line-height: 1.85; }
.review .none { color: var(--muted); }
@media (min-width: 45rem) { .review { table-layout: fixed; } .review th.text { width: 50%; } }
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """`[start, end)` of a text in a style of the report's: side gold, model or both, colour c0 to c7."""

    start: int
    end: int
    side: str
    colour: str


def excerpt(text: str, start: int, end: int, marks: Sequence[Mark]) -> str:
    """`text[start:end]` with its line, as far as CONTEXT reaches, and all marks that are in sight; HTML."""
    first, last = _crop(text, start, end)
    shown = [mark for mark in marks if mark.start < last and first < mark.end]
    bounds = (max(first, min(last, at)) for mark in shown for at in (mark.start, mark.end))
    edges = sorted({first, last, *bounds})
    parts = [_draw(text, edge, stop, shown) for edge, stop in pairwise(edges)]
    opening = "" if first == 0 or text[first - 1] == "\n" else "…"
    closing = "" if last == len(text) or text[last] in "\r\n" else "…"
    return "".join([opening, *parts, closing])


def page(title: str, intro: str, body: str) -> str:
    """A whole page; `title` is text, the rest HTML."""
    style = files("train").joinpath("report.css").read_text(encoding="utf-8")
    return f"""<!DOCTYPE html>
<html lang="ru">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{safe(title)}</title>
<style>
{style}{STYLE}</style>
</head>
<body>
<header>
<h1>{safe(title)}</h1>
{intro}
</header>
<main>
{body}
</main>
</body>
</html>
"""


def link(name: str, address: str | None) -> str:
    """An article's name, a link to its task where that is known; HTML."""
    return f'<a href="{safe(address)}">{safe(name)}</a>' if address else safe(name)


def _crop(text: str, start: int, end: int) -> tuple[int, int]:
    """Bounds of the line around `[start, end)`, at most CONTEXT beyond it, at words where there are any."""
    first = max(start - CONTEXT, text.rfind("\n", 0, start) + 1, 0)
    if first == start - CONTEXT and first > 0:
        first = text.find(" ", first, start) + 1 or first
    line_end = text.find("\n", end)
    last = min(end + CONTEXT, len(text) if line_end < 0 else line_end)
    if last == end + CONTEXT:
        space = text.rfind(" ", end, last)
        last = space if space >= 0 else last
    return first, last


def _draw(text: str, start: int, end: int, marks: Sequence[Mark]) -> str:
    """A piece that no mark begins or ends in, inside all marks that cover it, the longest outermost."""
    covering = [mark for mark in marks if mark.start <= start and end <= mark.end]
    drawn = safe(text[start:end])
    for depth, mark in enumerate(sorted(covering, key=lambda mark: mark.end - mark.start)):
        ends = " first" * (start == mark.start) + " last" * (end == mark.end)
        drawn = f'<mark class="{mark.side} {mark.colour}{ends}" style="--depth: {depth}">{drawn}</mark>'
    return drawn
