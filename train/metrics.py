"""Gold and predicted Documents to scores; no torch.

Strict: same label, start and end. Partial: same label and at least one shared character, each gold and
each predicted span matched at most once. Gold is taken as annotated, spans the model can't represent
included. Documents are joined by id; predictions for other texts are an error. Intervals are 95%
percentile bootstraps over documents, since spans of one article are not independent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from infer.document import Document, Span
from infer.schema import Schema

Counts = NDArray[np.int64]  # [documents, classes, 3]: true positives, predicted, gold
RESAMPLES = 2000
INTERVAL = (2.5, 97.5)  # percentiles


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and F1 with F1's 95% interval; support is the number of gold items."""

    precision: float
    recall: float
    f1: float
    support: int
    f1_interval: tuple[float, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "support": self.support,
            "f1_interval": list(self.f1_interval),
        }


@dataclass(frozen=True, slots=True)
class Scores:
    """All scores of one set of documents; "micro" stands beside the labels and events."""

    documents: int
    spans: Mapping[str, Score]
    spans_partial: Mapping[str, Score]
    events: Mapping[str, Score]
    events_macro_f1: float
    events_exact: float  # share of documents whose whole set of events is right

    def to_dict(self) -> dict[str, Any]:
        """The contract's `metrics.json`."""
        return {
            "spans": {name: score.to_dict() for name, score in self.spans.items()},
            "spans_partial": {name: score.to_dict() for name, score in self.spans_partial.items()},
            "events": {
                **{name: score.to_dict() for name, score in self.events.items()},
                "macro_f1": self.events_macro_f1,
                "exact": self.events_exact,
            },
            "documents": self.documents,
        }


def score(gold: Sequence[Document], predicted: Sequence[Document], schema: Schema) -> Scores:
    """Every score of predictions against gold. Raises ValueError when they are not of the same texts."""
    pairs = _pair(gold, predicted)
    strict = np.zeros((len(pairs), len(schema.labels), 3), dtype=np.int64)
    partial = np.zeros_like(strict)
    events = np.zeros((len(pairs), len(schema.events), 3), dtype=np.int64)
    for row, (truth, guess) in enumerate(pairs):
        for column, label in enumerate(schema.labels):
            right = {span for span in truth.spans if span.label == label}
            found = {span for span in guess.spans if span.label == label}
            strict[row, column] = len(right & found), len(found), len(right)
            partial[row, column] = count_overlapping(sorted(right), sorted(found)), len(found), len(right)
        for column, event in enumerate(schema.events):
            is_right, is_found = event in truth.events, event in guess.events
            events[row, column] = is_right and is_found, is_found, is_right
    exact = [set(truth.events) == set(guess.events) for truth, guess in pairs]
    event_scores = _scores(events, schema.events)
    return Scores(
        documents=len(pairs),
        spans=_scores(strict, schema.labels),
        spans_partial=_scores(partial, schema.labels),
        events=event_scores,
        events_macro_f1=float(np.mean([event_scores[event].f1 for event in schema.events] or [0.0])),
        events_exact=float(np.mean(exact)) if exact else 0.0,
    )


def count_overlapping(gold: Sequence[Span], found: Sequence[Span]) -> int:
    """The largest number of gold spans that can be matched with a found span each, any overlap counting."""
    overlaps = np.array([[left.overlaps(right) for right in found] for left in gold], dtype=np.int64)
    if overlaps.size == 0:
        return 0
    rows, columns = linear_sum_assignment(overlaps, maximize=True)
    return int(overlaps[rows, columns].sum())


def _pair(gold: Sequence[Document], predicted: Sequence[Document]) -> list[tuple[Document, Document]]:
    by_id = {document.id: document for document in predicted}
    if len(by_id) != len(predicted) or {document.id for document in gold} != set(by_id):
        raise ValueError("gold and predictions are not of the same documents")
    pairs = [(document, by_id[document.id]) for document in gold]
    for truth, guess in pairs:
        if truth.text != guess.text:
            raise ValueError(f"document {truth.id}: the predictions were made on another text")
    return pairs


def _scores(counts: Counts, names: Sequence[str]) -> dict[str, Score]:
    """Scores per class and their micro average, from counts per document."""
    documents = len(counts)
    draws = np.random.default_rng(0).multinomial(
        documents, np.full(documents, 1 / max(documents, 1)), RESAMPLES
    )
    columns = {"micro": counts.sum(axis=1), **{name: counts[:, i] for i, name in enumerate(names)}}
    scores = {}
    for name, column in columns.items():
        hit, found, right = (int(value) for value in column.sum(axis=0))
        sampled = draws @ column  # [resamples, 3]
        f1 = 2 * sampled[:, 0] / np.maximum(sampled[:, 1] + sampled[:, 2], 1)
        low, high = np.percentile(f1, INTERVAL)
        scores[name] = Score(
            precision=hit / found if found else 0.0,
            recall=hit / right if right else 0.0,
            f1=2 * hit / (found + right) if found + right else 0.0,
            support=right,
            f1_interval=(float(low), float(high)),
        )
    return scores
