"""The values that evaluation ends in: what is in `metrics.json`, computed by `train/metrics.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from train.bootstrap import Estimate, Interval
from train.tally import GROUPS


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and F1 with F1's 95% interval; support is the number of gold items.

    `average_precision` ranks answers by their probability; None where they have none, or nothing is gold.
    """

    precision: float
    recall: float
    f1: float
    support: int
    f1_interval: Interval
    predicted: int
    hits: int
    average_precision: Estimate | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        values = asdict(self) | {"f1_interval": list(self.f1_interval)}
        del values["average_precision"]
        return values | _named("average_precision", self.average_precision)


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision and recall of the answers that are at least as probable as each threshold, falling."""

    thresholds: tuple[float, ...]
    precision: tuple[float, ...]
    recall: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {name: [round(value, 4) for value in values] for name, values in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class EventSets:
    """How many documents have these events in gold and those predicted, both in the schema's order."""

    gold: tuple[str, ...]
    predicted: tuple[str, ...]
    documents: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {"gold": list(self.gold), "predicted": list(self.predicted), "documents": self.documents}


@dataclass(frozen=True, slots=True)
class Scores:
    """All scores of one set of documents; "micro" stands beside the labels and events."""

    documents: int
    spans: Mapping[str, Score]
    spans_partial: Mapping[str, Score]
    entities: Mapping[str, Score]
    events: Mapping[str, Score]
    macro_f1: Mapping[str, Estimate]  # by group: spans, spans_partial, entities, events
    events_exact: Estimate  # share of documents whose whole set of events is right
    errors: Mapping[str, Mapping[str, int]]  # by label and "all", then by kind; see train/matching.py
    confusion: Mapping[str, Mapping[str, int]]  # gold label or "spurious", predicted label or "missed"
    event_sets: tuple[EventSets, ...]  # the most frequent first
    curves: Mapping[str, Mapping[str, Curve]]  # spans and events, then by class

    def group(self, name: str) -> Mapping[str, Score]:
        """The scores of one of GROUPS."""
        groups: dict[str, Mapping[str, Score]] = {
            "spans": self.spans,
            "spans_partial": self.spans_partial,
            "entities": self.entities,
            "events": self.events,
        }
        return groups[name]

    def to_dict(self) -> dict[str, Any]:
        """The contract's `metrics.json`."""
        groups = {
            name: {label: score.to_dict() for label, score in self.group(name).items()}
            | _named("macro_f1", self.macro_f1.get(name))
            for name in GROUPS
        }
        groups["events"] |= _named("exact", self.events_exact)
        return groups | {
            "errors": self.errors,
            "confusion": self.confusion,
            "event_sets": [sets.to_dict() for sets in self.event_sets],
            "curves": {
                group: {name: curve.to_dict() for name, curve in curves.items()}
                for group, curves in self.curves.items()
            },
            "documents": self.documents,
        }


@dataclass(frozen=True, slots=True)
class Part:
    """The micro scores of the documents that have something in common; keys are GROUPS."""

    name: str
    documents: int
    scores: Mapping[str, Score]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        scores = {group: score.to_dict() for group, score in self.scores.items()}
        return {"name": self.name, "documents": self.documents, **scores}


def _named(name: str, figure: Estimate | None) -> dict[str, Any]:
    """A figure and its interval under two keys; nothing where there is none."""
    return {} if figure is None else {name: figure.value, f"{name}_interval": list(figure.interval)}
