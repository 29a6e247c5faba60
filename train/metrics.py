"""Scores with their 95% intervals, from gold and predicted Documents; no torch.

`figures` is the one place where a figure is computed: from documents' counts (`train/tally.py`) and weights,
so the same line gives its value, its bootstrap interval, its difference between two models and its spread
over folds. A figure's name is its path in `metrics.json`. What is undefined (nothing found, nothing to find)
is 0, as in scikit-learn, and its support says so; average precision without gold is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from infer.document import Document
from infer.schema import Schema
from train.bootstrap import Estimate, Weights, draw, estimate
from train.matching import KINDS, MISSED, SPURIOUS
from train.scores import Curve, EventSets, Part, Score, Scores
from train.tally import GROUPS, Ranking, Tally, tally

LENGTHS = (1000, 2000, 4000)  # characters; where the length groups meet
POINTS = 100  # of a curve, at most
CHUNK = 4_000_000  # weights at once, to bound memory


def score(gold: Sequence[Document], predicted: Sequence[Document], schema: Schema) -> Scores:
    """Every score of predictions against gold. Raises ValueError when they are not of the same texts."""
    return summarize(tally(gold, predicted, schema))


def summarize(counted: Tally) -> Scores:
    """Every score of counted documents."""
    estimates = {name: estimate(values) for name, values in figures(counted, draw(len(counted.ids))).items()}
    groups = {group: _scores(counted, group, estimates) for group in GROUPS}
    return Scores(
        documents=len(counted.ids),
        spans=groups["spans"],
        spans_partial=groups["spans_partial"],
        entities=groups["entities"],
        events=groups["events"],
        macro_f1={group: estimates[f"{group}.macro_f1"] for group in GROUPS if counted.names(group)},
        events_exact=estimates["events.exact"],
        errors=count_errors(counted),
        confusion=count_confusion(counted),
        event_sets=count_event_sets(counted),
        curves={
            group: {name: curve(ranking) for (of, name), ranking in counted.rankings.items() if of == group}
            for group in ("spans", "events")
        },
    )


def figures(counted: Tally, weights: Weights) -> dict[str, NDArray[np.float64]]:
    """Every figure at each row of weights [draws, documents]; keys like "spans.PARTNER.f1"."""
    found: dict[str, NDArray[np.float64]] = {}
    for group in GROUPS:
        found[f"{group}.micro.f1"] = f1(weights @ counted.counts[group].sum(axis=1))
        names = [f"{group}.{name}.f1" for name in counted.names(group)]
        for column, name in enumerate(names):
            found[name] = f1(weights @ counted.counts[group][:, column])
        if names:
            found[f"{group}.macro_f1"] = np.mean([found[name] for name in names], axis=0)
    found["events.exact"] = weights @ counted.exact / weights.sum(axis=1)
    for (group, name), ranking in counted.rankings.items():
        found[f"{group}.{name}.average_precision"] = average_precision(ranking, weights)
    return found


def f1(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of counts [..., 3]: hits, predicted, gold. Two empty sides give 0."""
    scores: NDArray[np.float64] = 2 * counts[..., 0] / np.maximum(counts[..., 1] + counts[..., 2], 1)
    return scores


def average_precision(ranking: Ranking, weights: Weights) -> NDArray[np.float64]:
    """Precision at each threshold times the recall gained there; equal probabilities are one threshold.

    Gold without a ranked answer counts as never found. One value for each row of weights.
    """
    if not len(ranking.scores):
        return np.zeros(len(weights))
    ends = _threshold_ends(ranking)
    rows = max(1, CHUNK // len(ranking.scores))
    parts = []
    for start in range(0, len(weights), rows):
        part = weights[start : start + rows]
        taken = part[:, ranking.documents]
        hits = (taken * ranking.hits).cumsum(axis=1)[:, ends]
        precision = hits / np.maximum(taken.cumsum(axis=1)[:, ends], 1)
        gained = np.diff(hits, axis=1, prepend=0)
        parts.append((precision * gained).sum(axis=1) / np.maximum(part @ ranking.gold, 1))
    return np.concatenate(parts)


def curve(ranking: Ranking) -> Curve:
    """Precision against recall at no more than POINTS thresholds, evenly spaced by rank."""
    ends = _threshold_ends(ranking)
    ends = ends[np.unique(np.linspace(0, len(ends) - 1, min(POINTS, len(ends))).round().astype(int))]
    hits = ranking.hits.cumsum()[ends]
    return Curve(
        tuple(ranking.scores[ends].tolist()),
        tuple((hits / (ends + 1)).tolist()),
        tuple((hits / ranking.gold.sum()).tolist()),
    )


def _threshold_ends(ranking: Ranking) -> NDArray[np.int64]:
    """The last rank of each distinct probability; none where nothing was answered."""
    return np.flatnonzero(np.append(np.diff(ranking.scores) != 0, True)[: len(ranking.scores)])


def count_errors(counted: Tally) -> dict[str, dict[str, int]]:
    """How often each kind of match happened, by gold label (of spurious spans the predicted) and in all."""
    counts: Counter[tuple[str, str]] = Counter()
    for match in (match for matches in counted.matches for match in matches):
        span = match.gold or match.predicted
        assert span  # a match has a side
        counts[span.label, match.kind] += 1
        counts["all", match.kind] += 1
    return {name: {kind: counts[name, kind] for kind in KINDS} for name in ("all", *counted.schema.labels)}


def count_confusion(counted: Tally) -> dict[str, dict[str, int]]:
    """Matched spans by gold label and predicted label; unmatched ones under "missed" and "spurious"."""
    counts = Counter(
        (match.gold.label if match.gold else SPURIOUS, match.predicted.label if match.predicted else MISSED)
        for matches in counted.matches
        for match in matches
    )
    labels = counted.schema.labels
    return {row: {name: counts[row, name] for name in (*labels, MISSED)} for row in (*labels, SPURIOUS)}


def count_event_sets(counted: Tally) -> tuple[EventSets, ...]:
    """The documents by their gold and their predicted set of events, the largest number first."""
    events = np.array(counted.schema.events)
    counts = Counter(
        (tuple(events[row[:, 2] > 0].tolist()), tuple(events[row[:, 1] > 0].tolist()))
        for row in counted.counts["events"]
    )
    return tuple(EventSets(gold, predicted, count) for (gold, predicted), count in counts.most_common())


def break_down(counted: Tally, names: Sequence[str]) -> tuple[Part, ...]:
    """Micro scores of the documents under each name, the names in their first order; one name a document."""
    parts = []
    for name in dict.fromkeys(names):
        rows = np.flatnonzero([other == name for other in names])
        counts = {group: counted.counts[group][rows].sum(axis=1) for group in GROUPS if counted.names(group)}
        scores = {
            group: make_score(values, estimate(f1(draw(len(rows)) @ values)))
            for group, values in counts.items()
        }
        parts.append(Part(name, len(rows), scores))
    return tuple(parts)


def length_name(document: Document) -> str:
    """The group of a document's length in characters, like "1000-2000"."""
    for low, high in pairwise((0, *LENGTHS)):
        if len(document.text) < high:
            return f"{low}-{high}"
    return f"{LENGTHS[-1]}+"


def make_score(counts: NDArray[np.int64], f1: Estimate, average_precision: Estimate | None = None) -> Score:
    """The score of one class from its counts [documents, 3] and its figures."""
    hits, predicted, support = (int(value) for value in counts.sum(axis=0))
    return Score(
        precision=hits / predicted if predicted else 0.0,
        recall=hits / support if support else 0.0,
        f1=f1.value,
        support=support,
        f1_interval=f1.interval,
        predicted=predicted,
        hits=hits,
        average_precision=average_precision,
    )


def _scores(counted: Tally, group: str, estimates: Mapping[str, Estimate]) -> dict[str, Score]:
    """Scores per class and their micro average."""
    counts = counted.counts[group]
    columns = {
        "micro": counts.sum(axis=1),
        **{name: counts[:, i] for i, name in enumerate(counted.names(group))},
    }
    return {
        name: make_score(
            column, estimates[f"{group}.{name}.f1"], estimates.get(f"{group}.{name}.average_precision")
        )
        for name, column in columns.items()
    }
