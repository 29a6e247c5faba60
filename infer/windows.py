"""Cutting a document into windows that the encoder can hold, and putting the answers together again.

Pure functions over unit token ranges; no torch, no text. Invariants: windows are ordered and together
cover every unit; every unit is answered by exactly one window, the one where it stands deepest, that is
where its distance in tokens to the nearer cut is largest (the document's own ends are no cuts). Windows
of one document are of about equal size, so that little of a batch is padding.

Rejected: letting overlapping windows vote, or keeping the longest span of two (what transformers'
pipelines do): a span cut by a window's edge then competes with the whole one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Any

SLACK = 16  # tokens by which an even share may grow so that unit boundaries don't cost one more window


@dataclass(frozen=True, slots=True)
class Window:
    """Units `[start, end)` are read; of them `[answer_start, answer_end)` are answered here."""

    start: int
    end: int
    answer_start: int
    answer_end: int


def split(tokens: Sequence[tuple[int, int]], size: int, overlap: int) -> list[Window]:
    """Windows of at most `size` tokens, neighbours sharing about `overlap`, over units' token ranges.

    A single unit of more than `size` tokens gets a window of its own, which then holds its first `size`.
    A document without units gets one empty window, since its events still need an answer.
    """
    if not tokens:
        return [Window(0, 0, 0, 0)]
    count = len(tokens)
    total = tokens[-1][1] - tokens[0][0]
    shares = max(1, ceil((total - overlap) / (size - overlap)))
    share = min(size, ceil((total + (shares - 1) * overlap) / shares) + SLACK)
    reads: list[tuple[int, int]] = []
    start = 0
    while not reads or reads[-1][1] < count:
        end = start + 1
        while end < count and tokens[end][1] - tokens[start][0] <= share:
            end += 1
        reads.append((start, end))
        following = end
        while following - 1 > start and tokens[end - 1][1] - tokens[following - 1][0] <= overlap:
            following -= 1
        while following < end < count and tokens[end][1] - tokens[following][0] > share:
            following += 1  # a long unit comes next: less overlap, so that the next window reads on
        start = following
    cuts = [0]
    for left, right in pairwise(reads):
        cut = max(right[0], cuts[-1])
        while cut < left[1] and _depth(cut, left, tokens) >= _depth(cut, right, tokens):
            cut += 1
        cuts.append(cut)
    cuts.append(count)
    return [Window(*read, *answer) for read, answer in zip(reads, pairwise(cuts), strict=True)]


def _depth(unit: int, read: tuple[int, int], tokens: Sequence[tuple[int, int]]) -> float:
    """Tokens between a unit and the nearer cut of the window that reads units `[start, end)`."""
    start, end = read
    before = tokens[unit][0] - tokens[start][0] if start > 0 else float("inf")
    after = tokens[end - 1][1] - tokens[unit][1] if end < len(tokens) else float("inf")
    return min(before, after)


def merge(windows: Sequence[Window], answers: Sequence[Any]) -> list[Any]:
    """The part of each window's answers (one row a unit read, anything sliceable) that counts, in order.

    Concatenated, the parts have one row for every unit of the document.
    """
    return [
        rows[window.answer_start - window.start : window.answer_end - window.start]
        for window, rows in zip(windows, answers, strict=True)
    ]
