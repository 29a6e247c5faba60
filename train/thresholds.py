"""Thresholds of calibrated probabilities, chosen on dev: for the best F1, or for a precision asked for.

Invariant: a threshold lies between two scores seen on dev, or on a round number, never on a score, so float
noise moves no answer across it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from infer.confidence import calibrate
from infer.config import Calibration, DecodingSettings
from infer.document import Document
from infer.schema import Schema
from train.config import TargetSettings
from train.reliability import Sample, event_samples, span_samples

GRID = np.arange(0.05, 0.96, 0.05).round(2)
SLACK = 0.01  # of F1
CLOSE = 1e-6  # scores nearer than this are one to a threshold
SUPPORT = 10  # answers a threshold has to keep on dev for their precision to mean something


def choose_thresholds(
    gold: Sequence[Document],
    predicted: Sequence[Document],
    schema: Schema,
    decoding: DecodingSettings,
    target: TargetSettings,
) -> tuple[DecodingSettings, list[str]]:
    """`decoding`, already calibrated, with thresholds; and a sentence for each precision not reached.

    `predicted` still have the model's own probabilities. A single choice of events takes the most probable
    one, whatever its score, so it has no thresholds, and a precision asked for says nothing about it.
    """
    events = event_samples(gold, predicted, schema) if schema.multiple else {}
    events = {name: _calibrate(sample, decoding.event_calibration) for name, sample in events.items()}
    event_thresholds = {name: find_best_f1(sample) for name, sample in events.items()}
    span_thresholds: dict[str, float] = {}
    unreached: list[str] = []
    if target.target_precision is not None:
        spans = span_samples(gold, predicted, schema)
        spans = {name: _calibrate(sample, decoding.span_calibration) for name, sample in spans.items()}
        for samples, thresholds in ((spans, span_thresholds), (events, event_thresholds)):
            for name, sample in samples.items():
                threshold, sentence = _aim(name, sample, target.target_precision)
                if threshold is not None:
                    thresholds[name] = threshold
                if sentence:
                    unreached.append(sentence)
        if schema.events and not schema.multiple:
            unreached.append(
                f"events: precision {target.target_precision:g} was asked, but they are a single choice: the "
                "most probable one is always given, however sure; filter by event_scores"
            )
    chosen = {"span_thresholds": span_thresholds, "event_thresholds": event_thresholds, "below": target.below}
    return decoding.model_copy(update=chosen), unreached


def find_best_f1(sample: Sample) -> float:
    """The threshold nearest to 0.5 whose F1 is within 0.01 of the best.

    Nearest to 0.5, because on a small dev set the best threshold itself is mostly chance.
    """
    kept = sample.scores >= GRID[:, None]  # [thresholds, answers]
    f1 = 2 * (kept & sample.right).sum(axis=1) / np.maximum(kept.sum(axis=1) + sample.right.sum(), 1)
    good = GRID[f1 >= f1.max() - SLACK]
    return float(good[np.abs(good - 0.5).argmin()])


def find_precision(sample: Sample, target: float) -> tuple[float, float] | None:
    """The lowest threshold whose precision reaches the target, else the most precise; and its precision.

    Only thresholds that keep at least SUPPORT answers count; None when there are fewer answers.
    """
    order = np.argsort(-sample.scores, kind="stable")
    scores = np.append(sample.scores[order], -np.inf)
    kept = np.flatnonzero(scores[:-1] - scores[1:] > CLOSE) + 1  # how many answers each threshold keeps
    kept = kept[kept >= SUPPORT]
    if not len(kept):
        return None
    precision = np.cumsum(sample.right[order])[kept - 1] / kept
    reaching = np.flatnonzero(precision >= min(target, precision.max()))
    count = int(kept[reaching[-1]])
    threshold = (scores[count - 1] + scores[count]) / 2 if count < len(order) else 0.0
    return float(threshold), float(precision[reaching[-1]])


def _aim(name: str, sample: Sample, target: float) -> tuple[float | None, str]:
    """The threshold for a precision, and the sentence that says why it falls short."""
    found = find_precision(sample, target)
    if found is None:
        return None, (
            f"{name}: precision {target:g} was asked, but {len(sample.scores)} answers on dev are too few to "
            f"choose a threshold by (at least {SUPPORT}); annotate more or raise data.dev_fraction"
        )
    threshold, reached = found
    if reached >= target:
        return threshold, ""
    return threshold, (
        f"{name}: precision {target:g} was asked, but on dev no threshold reaches more than {reached:.3f} "
        f"({threshold:.3f} does and is taken)"
    )


def _calibrate(sample: Sample, calibration: Calibration) -> Sample:
    return Sample(np.array([calibrate(score, calibration) for score in sample.scores]), sample.right)
