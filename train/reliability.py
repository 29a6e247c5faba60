"""Whether a score of 0.9 is right nine times in ten: reliability diagrams, calibration error, Brier score.

A span is right when gold has it with the same label, start and end; an event when gold has it. Only what
was predicted is judged here (a span that was missed has no score), so this says nothing about recall.
"Before" is the model's own probability, got back from the calibrated one by inverting its map. No torch.

A diagram's bins hold about equally many answers, since most scores are close to 0 or 1. The expected
calibration error (ECE) is the mean over answers of their bin's |mean score - share right|; with few answers
chance alone keeps it above 0. The Brier score is the mean squared difference of score and truth.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infer.confidence import uncalibrate
from infer.config import DecodingSettings
from infer.document import Document
from infer.schema import Schema

BINS = 10
IN_A_BIN = 10  # items at least; with fewer the diagram would show chance
ALL = "all"  # the name of all labels, or all events, together


@dataclass(frozen=True, slots=True)
class Sample:
    """Scored answers and whether each was right: two arrays [n]."""

    scores: NDArray[np.float64]
    right: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers with scores next to each other: how many, their mean score, the share that is right."""

    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Diagram:
    """Reliability of one sample; 0 is the best `ece` and `brier`."""

    count: int
    ece: float
    brier: float
    bins: tuple[Bin, ...]  # by rising score


@dataclass(frozen=True, slots=True)
class Change:
    """The same answers with the model's own probabilities and with the calibrated ones."""

    before: Diagram
    after: Diagram


@dataclass(frozen=True, slots=True)
class Reliability:
    """Of spans by label and of events by type, "all" first; a name without answers is left out."""

    spans: Mapping[str, Change]
    events: Mapping[str, Change]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON: {"spans": {name: {"before": {...}, "after": {...}}}, ...}."""
        return asdict(self)


def measure_reliability(
    gold: Sequence[Document], predicted: Sequence[Document], schema: Schema, decoding: DecodingSettings
) -> Reliability:
    """Reliability of an extractor's answers; `decoding` is that of its bundle, which calibrated them."""
    own = [restore_scores(document, schema, decoding) for document in predicted]
    return Reliability(
        _compare(span_samples(gold, own, schema), span_samples(gold, predicted, schema)),
        _compare(event_samples(gold, own, schema), event_samples(gold, predicted, schema)),
    )


def restore_scores(document: Document, schema: Schema, decoding: DecodingSettings) -> Document:
    """The document with the probabilities that the model itself gave, before calibration."""
    spans = tuple(
        replace(span, score=uncalibrate(span.score or 0.0, decoding.span_calibration))
        for span in document.spans
    )
    calibration = decoding.event_calibration
    if schema.multiple:
        events = {name: uncalibrate(score, calibration) for name, score in document.event_scores.items()}
    else:
        weights = {name: score ** (1 / calibration.slope) for name, score in document.event_scores.items()}
        events = {name: weight / sum(weights.values()) for name, weight in weights.items()}
    return replace(document, spans=spans, event_scores=events)


def span_samples(
    gold: Sequence[Document], predicted: Sequence[Document], schema: Schema
) -> dict[str, Sample]:
    """Per label, every predicted span: its score, and whether gold has the very same one."""
    spans = {document.id: set(document.spans) for document in gold}
    return {
        label: _sample(
            (span.score or 0.0, span in spans[document.id])
            for document in predicted
            for span in document.spans
            if span.label == label
        )
        for label in schema.labels
    }


def event_samples(
    gold: Sequence[Document], predicted: Sequence[Document], schema: Schema
) -> dict[str, Sample]:
    """Per event, every document: the event's score, and whether gold has the event."""
    events = {document.id: document.events for document in gold}
    return {
        event: _sample((document.event_scores[event], event in events[document.id]) for document in predicted)
        for event in schema.events
    }


def pool(samples: Mapping[str, Sample]) -> Sample:
    """All samples as one."""
    parts = list(samples.values()) or [_sample(())]
    return Sample(
        np.concatenate([part.scores for part in parts]), np.concatenate([part.right for part in parts])
    )


def draw_diagram(sample: Sample) -> Diagram:
    """The reliability diagram of a sample of at least one answer."""
    count = len(sample.scores)
    bins = max(1, min(BINS, count // IN_A_BIN))
    edges = np.percentile(sample.scores, np.linspace(0, 1, bins + 1) * 100)
    places = np.searchsorted(edges[1:-1], sample.scores)  # equal scores share a bin
    drawn = []
    for place in np.unique(places):
        inside = places == place
        confidence, accuracy = sample.scores[inside].mean(), sample.right[inside].mean()
        drawn.append(Bin(int(inside.sum()), float(confidence), float(accuracy)))
    return Diagram(
        count=count,
        ece=sum(bin.count * abs(bin.confidence - bin.accuracy) for bin in drawn) / count,
        brier=float(np.mean((sample.scores - sample.right) ** 2)),
        bins=tuple(drawn),
    )


def _compare(before: Mapping[str, Sample], after: Mapping[str, Sample]) -> dict[str, Change]:
    pairs = {ALL: (pool(before), pool(after)), **{name: (before[name], after[name]) for name in before}}
    return {
        name: Change(draw_diagram(own), draw_diagram(calibrated))
        for name, (own, calibrated) in pairs.items()
        if len(own.scores)
    }


def _sample(answers: Iterable[tuple[float, bool]]) -> Sample:
    table = np.array(list(answers), dtype=np.float64).reshape(-1, 2)
    return Sample(table[:, 0], table[:, 1] == 1)
