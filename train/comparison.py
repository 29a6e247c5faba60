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
from train.metrics import figures as compute
from train.tally import Tally

LISTED = 10  # articles under each heading of the text


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
    figures = differences(first, second)
    changes = sorted(_changes(first, second), key=lambda change: -abs(sum(_gains(change))))
    return Comparison(
        documents=len(first.ids),
        figures=figures,
        better=tuple(change for change in changes if min(_gains(change)) >= 0 < max(_gains(change))),
        worse=tuple(change for change in changes if min(_gains(change)) < 0 >= max(_gains(change))),
        mixed=tuple(change for change in changes if min(_gains(change)) < 0 < max(_gains(change))),
    )


def differences(first: Tally, second: Tally) -> dict[str, Difference]:
    """Every figure that both sides have, by its name. Raises ValueError when their documents differ."""
    if first.ids != second.ids:
        raise ValueError("the two sides are not of the same documents")
    draws = draw(len(first.ids))
    before, after = compute(first, draws), compute(second, draws)
    return {
        name: Difference(float(before[name][0]), float(after[name][0]), estimate(after[name] - before[name]))
        for name in before
        if name in after
    }


def comparison_table(comparison: Comparison) -> str:
    """Every figure with its difference, and the articles that changed most, as aligned text."""
    lines = [f"{'':36}      A       B   B - A     95% interval"]
    for name, figure in comparison.figures.items():
        low, high = figure.difference.interval
        verdict = "better" if figure.is_gain else "worse" if figure.is_loss else ""
        lines.append(
            f"{name:36}  {figure.first:5.1%}   {figure.second:5.1%}  {100 * figure.difference.value:+6.1f}"
            f"  {100 * low:+6.1f} to {100 * high:+5.1f}  {verdict}".rstrip()
        )
    lists = {"better": comparison.better, "worse": comparison.worse, "mixed": comparison.mixed}
    for title, changes in lists.items():
        lines.append(f"{title} in B: {len(changes)} of {comparison.documents} articles")
        lines += [
            f"  {change.id}: span F1 {change.span_f1[0]:.1%} -> {change.span_f1[1]:.1%}, "
            f"wrong events {change.wrong_events[0]} -> {change.wrong_events[1]}"
            for change in changes[:LISTED]
        ]
        if len(changes) > LISTED:
            lines.append(f"  and {len(changes) - LISTED} more")
    return "\n".join(lines)


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


def _gains(change: Change) -> tuple[float, float]:
    (f1_before, f1_after), (wrong_before, wrong_after) = change.span_f1, change.wrong_events
    return f1_after - f1_before, wrong_before - wrong_after
