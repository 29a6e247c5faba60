"""Two sets of answers to the same documents: what differs, how surely, and in which articles.

A difference is the second minus the first, with its paired bootstrap interval: both are resampled with the
same draws. It is clear when the interval excludes 0. An article got better when neither its strict span F1
nor its number of wrong events got worse and one of them improved; mixed, when one improved and one got worse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from train.bootstrap import Estimate, draw, estimate
from train.metrics import figures
from train.tally import Tally


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of two sides; `difference` is second minus first, with its 95% interval."""

    first: float
    second: float
    difference: Estimate

    @property
    def is_gain(self) -> bool:
        """Whether the second is better beyond chance."""
        return self.difference.interval[0] > 0

    @property
    def is_loss(self) -> bool:
        """Whether the second is worse beyond chance."""
        return self.difference.interval[1] < 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        low, high = self.difference.interval
        values = {"first": self.first, "second": self.second, "difference": self.difference.value}
        return {**values, "difference_interval": [low, high]}


@dataclass(frozen=True, slots=True)
class Change:
    """An article's strict span F1 (1 where there is nothing to find and nothing found) and wrong events."""

    id: str
    span_f1: tuple[float, float]  # first, second
    wrong_events: tuple[int, int]  # missed and spurious ones


@dataclass(frozen=True, slots=True)
class Comparison:
    """Differences by figure, and the articles that changed, the largest change first."""

    documents: int
    figures: Mapping[str, Difference]
    better: tuple[Change, ...]
    worse: tuple[Change, ...]
    mixed: tuple[Change, ...]

    def to_dict(self) -> dict[str, Any]:
        """What `comparison.json` holds."""
        return {
            "documents": self.documents,
            "figures": {name: difference.to_dict() for name, difference in self.figures.items()},
            "better": [asdict(change) for change in self.better],
            "worse": [asdict(change) for change in self.worse],
            "mixed": [asdict(change) for change in self.mixed],
        }


def compare(first: Tally, second: Tally) -> Comparison:
    """Both must be tallies against the same gold. Raises ValueError when their documents differ."""
    changes = sorted(_changes(first, second), key=lambda change: -abs(_gain(change)))
    improved = {change: (_signs(change) > 0).any() for change in changes}
    worsened = {change: (_signs(change) < 0).any() for change in changes}
    return Comparison(
        documents=len(first.ids),
        figures=differences(first, second),
        better=tuple(c for c in changes if improved[c] and not worsened[c]),
        worse=tuple(c for c in changes if worsened[c] and not improved[c]),
        mixed=tuple(c for c in changes if improved[c] and worsened[c]),
    )


def differences(first: Tally, second: Tally) -> dict[str, Difference]:
    """Every figure that both sides have, by its name. Raises ValueError when their documents differ."""
    if first.ids != second.ids:
        raise ValueError("the two sides are not of the same documents")
    draws = draw(len(first.ids))
    before, after = figures(first, draws), figures(second, draws)
    return {
        name: Difference(float(before[name][0]), float(after[name][0]), estimate(after[name] - before[name]))
        for name in before
        if name in after
    }


def _changes(first: Tally, second: Tally) -> list[Change]:
    sides = [(_article_f1(side), _wrong_events(side)) for side in (first, second)]
    (f1_before, wrong_before), (f1_after, wrong_after) = sides
    return [
        Change(name, (f1_before[i], f1_after[i]), (wrong_before[i], wrong_after[i]))
        for i, name in enumerate(first.ids)
    ]


def _article_f1(side: Tally) -> list[float]:
    hits, predicted, gold = side.counts["spans"].sum(axis=1).T
    f1: list[float] = np.where(predicted + gold > 0, 2 * hits / np.maximum(predicted + gold, 1), 1.0).tolist()
    return f1


def _wrong_events(side: Tally) -> list[int]:
    hits, predicted, gold = side.counts["events"].sum(axis=1).T
    wrong: list[int] = (predicted + gold - 2 * hits).tolist()
    return wrong


def _signs(change: Change) -> Any:
    (f1_before, f1_after), (wrong_before, wrong_after) = change.span_f1, change.wrong_events
    return np.sign([f1_after - f1_before, wrong_before - wrong_after])


def _gain(change: Change) -> float:
    return change.span_f1[1] - change.span_f1[0] + change.wrong_events[0] - change.wrong_events[1]
