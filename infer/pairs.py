"""Quotes and brackets come in pairs: a span with half of one is a mistake whose correction is known.

A half at the span's edge is taken off («Чанхун"» to «Чанхун»). A half inside is completed, when its other
half stands right beside the span (ООО «Рассвет to ООО «Рассвет»). Anything else stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

CLOSING = {"«": "»", "„": "“”", "“": "”", "(": ")", "[": "]", '"': '"'}  # by what opens
CLOSERS = frozenset("".join(CLOSING.values()))


def find_halves(words: Sequence[str]) -> list[int]:
    """The places of quotes and brackets that lack their other half, in order."""
    waiting: list[int] = []
    alone = []
    for place, word in enumerate(words):
        if waiting and word in CLOSERS and word in CLOSING[words[waiting[-1]]]:
            waiting.pop()
        elif word in CLOSING:
            waiting.append(place)
        elif word in CLOSERS:
            alone.append(place)
    return sorted([*alone, *waiting])


def mend(first: int, stop: int, words: Sequence[str]) -> tuple[int, int]:
    """The range `[first, stop)` of a text's words, as it has to be; itself when nothing is to be mended."""
    halves = [first + place for place in find_halves(words[first:stop])]
    if len(halves) != 1:
        return first, stop
    (half,) = halves
    word = words[half]
    if stop - first > 1 and half in (first, stop - 1):
        return (first + 1, stop) if half == first else (first, stop - 1)
    after, before = "".join(words[stop : stop + 1]), "".join(words[first - 1 : first]) if first else ""
    if after and after in CLOSING.get(word, ""):
        return first, stop + 1
    if before and word in CLOSING.get(before, ""):
        return first - 1, stop
    return first, stop
