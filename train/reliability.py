"""Whether a score of 0.9 is right nine times in ten: reliability diagrams, calibration error, Brier score.

A span is right when gold has it with the same label, start and end; an event when gold has it. Only what
was predicted is judged here (a span that was missed has no score), so this says nothing about recall.
"Before" is the model's own probability, got back from the calibrated one by inverting its map. No torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infer.config import DecodingSettings
from infer.confidence import uncalibrate
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
    """Answers with scores next to each other: how many, their mean score, the share that was right."""

    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Diagram:
    """Reliability of one sample; `ece` is the expected calibration error over the bins, 0 is perfect."""

    count: int
    ece: float
    brier: float
    bins: tuple[Bin, ...]  # of about equally many answers, by rising score


@dataclass(frozen=True, slots=True)
class Change:
    """The same answers with the model's own probabilities and with the calibrated ones."""

    before: Diagram
    after: Diagram


@dataclass(frozen=True, slots=True)
class Reliability:
    """Of spans by label and of events by type; "all" stands beside them. Empty where there are none."""

    spans: Mapping[str, Change]
    events: Mapping[str, Change]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "spans": {name: asdict(change) for name, change in self.spans.items()},
            "events": {name: asdict(change) for name, change in self.events.items()},
        }


def measure_reliability(
    gold: Sequence[Document], predicted: Sequence[Document], schema: Schema, decoding: DecodingSettings
) -> Reliability:
    """Reliability of an extractor's answers; `decoding` is that of its bundle, which calibrated them."""
    raise NotImplementedError
