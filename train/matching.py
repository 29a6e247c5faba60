"""Pairing the spans of two sides of one text, and naming what became of each.

The kinds are those of the SemEval-2013 scheme (task 9.1), counted apart: right (same label and bounds),
bounds (same label, other bounds that overlap), label (same bounds, other label), both (overlap, nothing else
in common), missed and spurious (no partner). Predicted spans that are marked uncertain answer nothing and are
left out. Invariant: every other span of either side is in exactly one match. Better kinds are paired first,
and of one kind as many as can be, among those the ones that share most; so right and bounds together are the
hits of the partial score.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from infer.document import Span

RIGHT, BOUNDS, LABEL, BOTH, MISSED, SPURIOUS = "right", "bounds", "label", "both", "missed", "spurious"
KINDS = (RIGHT, BOUNDS, LABEL, BOTH, MISSED, SPURIOUS)


@dataclass(frozen=True, slots=True)
class Match:
    """A gold span and its predicted partner; one of them is None where the kind is missed or spurious."""

    kind: str
    gold: Span | None
    predicted: Span | None


def match_spans(gold: Sequence[Span], predicted: Sequence[Span]) -> list[Match]:
    """Every span of both sides in one match each, equal spans of a side counting once."""
    twins = {
        span: span for span in predicted if not span.uncertain
    }  # equal to gold ones, but with their scores
    left, right = set(gold), set(twins)
    matches = [Match(RIGHT, span, twins[span]) for span in sorted(left & right)]
    left, right = left - right, right - left
    steps: tuple[tuple[str, Callable[[Span, Span], bool]], ...] = (
        (BOUNDS, lambda one, other: one.label == other.label and one.overlaps(other)),
        (LABEL, lambda one, other: (one.start, one.end) == (other.start, other.end)),
        (BOTH, lambda one, other: one.overlaps(other)),
    )
    for kind, fits in steps:
        for truth, guess in _assign(sorted(left), sorted(right), fits):
            matches.append(Match(kind, truth, guess))
            left.remove(truth)
            right.remove(guess)
    matches += [Match(MISSED, span, None) for span in sorted(left)]
    return matches + [Match(SPURIOUS, None, span) for span in sorted(right)]


def _assign(
    gold: Sequence[Span], predicted: Sequence[Span], fits: Callable[[Span, Span], bool]
) -> list[tuple[Span, Span]]:
    """As many fitting pairs as there can be, among those the ones that share most."""
    many = len(gold) + len(predicted)
    worth = np.array([[fits(a, b) * (many + _share(a, b)) for b in predicted] for a in gold])
    if not worth.any():
        return []
    rows, columns = linear_sum_assignment(worth, maximize=True)
    chosen = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(gold[i], predicted[j]) for i, j in chosen if worth[i, j] > 0]


def _share(left: Span, right: Span) -> float:
    """Common characters of two spans over all of theirs; below 0 when they don't overlap."""
    common = min(left.end, right.end) - max(left.start, right.start)
    return common / (max(left.end, right.end) - min(left.start, right.start))
