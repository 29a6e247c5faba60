"""Calibration, learnt on dev once the model is trained: which line on the logit scale makes scores honest.

Spans get one line for all labels (Platt scaling), events one temperature for all types. Of the usual maps
these did best on articles that they were not fitted on: a few dozen dev articles are too few for a line a
label or for isotonic regression, and a temperature alone can't make up for spans' too high scores
throughout (`python -m benchmarks.calibration`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp

from infer.config import Calibration, DecodingSettings
from infer.document import Document
from infer.schema import Schema
from train.reliability import Sample, event_samples, pool, span_samples

TINY = 1e-9  # probabilities are kept so far from 0 and 1 while fitting
PULL = 0.1  # far less than what a single answer weighs, unless all answers agree
BOUNDS = ((-5.0, 5.0), (-20.0, 20.0))  # of the slope's logarithm and of the intercept


def fit_calibration(
    gold: Sequence[Document], predicted: Sequence[Document], schema: Schema, decoding: DecodingSettings
) -> DecodingSettings:
    """`decoding` with calibrations for spans and events; `predicted` were extracted without any."""
    if schema.multiple:
        events = fit_temperature(pool(event_samples(gold, predicted, schema)))
    else:
        events = fit_choice(gold, predicted, schema)
    spans = fit_line(pool(span_samples(gold, predicted, schema)))
    return decoding.model_copy(update={"span_calibration": spans, "event_calibration": events})


def fit_line(sample: Sample) -> Calibration:
    """Platt scaling: the slope and intercept under which what is right is likeliest."""
    return _fit(lambda slope, intercept: _surprise(sample, slope, intercept), free=2)


def fit_temperature(sample: Sample) -> Calibration:
    """Temperature scaling: as `fit_line`, with intercept 0."""
    return _fit(lambda slope, _: _surprise(sample, slope, 0.0), free=1)


def fit_choice(gold: Sequence[Document], predicted: Sequence[Document], schema: Schema) -> Calibration:
    """Temperature scaling of a single choice, over the documents for which gold has made one."""
    events = {document.id: document.events for document in gold}
    answered = [document for document in predicted if events[document.id]]
    rows = [[document.event_scores[event] for event in schema.events] for document in answered]
    logits = np.log(np.clip(np.array(rows).reshape(-1, len(schema.events)), TINY, 1))
    right = [schema.events.index(events[document.id][0]) for document in answered]

    def surprise(slope: float, _: float) -> float:
        return float((logsumexp(slope * logits, axis=1) - slope * logits[range(len(right)), right]).sum())

    return _fit(surprise, free=1) if answered else Calibration()


def _surprise(sample: Sample, slope: float, intercept: float) -> float:
    """Minus the log-likelihood of the truth."""
    scores: NDArray[np.float64] = np.clip(sample.scores, TINY, 1 - TINY)
    logits = slope * np.log(scores / (1 - scores)) + intercept
    return float(np.logaddexp(0, np.where(sample.right, -logits, logits)).sum())


def _fit(surprise: Callable[[float, float], float], free: int) -> Calibration:
    """The least surprising line.

    A weak pull towards the line that changes nothing: without it, a dev set on which all answers are right
    would have no best line.
    """

    def loss(values: NDArray[np.float64]) -> float:
        slope, intercept = exp(values[0]), float(values[1]) if free == 2 else 0.0
        return surprise(slope, intercept) + PULL * float(np.square(values).sum())

    found = minimize(loss, np.zeros(free), method="L-BFGS-B", bounds=BOUNDS[:free]).x
    return Calibration(slope=exp(found[0]), intercept=float(found[1]) if free == 2 else 0.0)
