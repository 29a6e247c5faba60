"""Logits to scored spans and events.

Each label has its own chain of O, B, I over a document's units. I never follows O or the start, so the best
path (Viterbi) needs no repair afterwards, and a span's score is its exact marginal probability under the
constrained chain (forward-backward): the probability that a span of this label begins here, runs on and
ends there. A span with half a pair of quotes or brackets can't be, unless annotators marked such: it is
mended (`pairs`), and what it should be gets its probability, too. Overlaps are settled first, then scores
are calibrated and held against the thresholds, so a threshold never changes which other spans there are.
Plain Python floats: with three states that is faster than arrays.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, inf

import numpy as np
from numpy.typing import NDArray

from infer.align import Units, to_span
from infer.confidence import calibrate, sigmoid
from infer.config import DecodingSettings
from infer.document import Document, Span
from infer.pairs import mend
from infer.schema import Schema

Chain = Sequence[Sequence[float]]  # [units][O, B, I]


@dataclass(frozen=True, slots=True, eq=False)
class Logits:
    """What the model says of a document, whole: rows of its windows merged, events pooled."""

    document: Document
    units: Units
    spans: NDArray[np.float32]  # [units, labels, 3]
    events: NDArray[np.float32]  # [events]


def decode(logits: Logits, schema: Schema, settings: DecodingSettings) -> Document:
    """The document with spans, events and their probabilities."""
    events, scores = decode_events(logits.events.tolist(), schema, settings)
    spans = decode_spans(logits.spans, logits.document.text, logits.units, schema, settings)
    return replace(logits.document, spans=spans, events=events, event_scores=scores)


def decode_spans(
    logits: NDArray[np.float32], text: str, units: Units, schema: Schema, settings: DecodingSettings
) -> tuple[Span, ...]:
    """Spans of one document from logits [units, labels, 3], sorted, with their probabilities."""
    words = [text[start:end] for start, end in units.spans]
    found = []
    for label, chain in zip(schema.labels, make_chains(logits), strict=True):
        ranges = best_ranges(chain)
        scores = range_probabilities(chain, ranges)
        if not settings.half_pairs:
            ranges, scores = _mend(chain, ranges, scores, words)
        for (first, stop), score in zip(ranges, scores, strict=True):
            found.append(to_span(first, stop, label, units, score))
    return judge_spans(sorted(found if settings.overlapping else _drop_overlaps(found)), settings)


def _mend(
    chain: Chain, ranges: Sequence[tuple[int, int]], scores: Sequence[float], words: Sequence[str]
) -> tuple[list[tuple[int, int]], list[float]]:
    """Ranges without halves of pairs, still disjoint, and their probabilities."""
    mended: list[tuple[int, int]] = []
    for place, own in enumerate(ranges):
        first, stop = mend(*own, words)
        earliest = mended[-1][1] if mended else 0
        latest = ranges[place + 1][0] if place + 1 < len(ranges) else len(words)
        mended.append((first, stop) if earliest <= first and stop <= latest else own)
    changed = [place for place, own in enumerate(ranges) if mended[place] != own]
    gained = range_probabilities(chain, [mended[place] for place in changed])
    summed = list(scores)
    for place, score in zip(changed, gained, strict=True):
        summed[place] = min(1.0, summed[place] + score)
    return mended, summed


def make_chains(logits: NDArray[np.float32]) -> list[Chain]:
    """Log-probabilities of each label's chain, from logits [units, labels, 3]."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    chains: list[Chain] = log_probabilities.swapaxes(0, 1).tolist()
    return chains


def judge_spans(spans: Iterable[Span], settings: DecodingSettings) -> tuple[Span, ...]:
    """Spans with the model's own probabilities, calibrated; those below their threshold dropped or marked."""
    judged = []
    for span in spans:
        score = calibrate(span.score or 0.0, settings.span_calibration)
        uncertain = score < settings.span_thresholds.get(span.label, 0.0)
        if not uncertain or settings.below == "mark":
            judged.append(replace(span, score=score, uncertain=uncertain))
    return tuple(judged)


def pool_events(
    attention: NDArray[np.float32], evidence: NDArray[np.float32], bias: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Event logits [events] from a document's units [n, events], n may be 0; as `Model.pool_events`."""
    if not len(attention):
        return bias
    weights = np.exp(attention - attention.max(axis=0))
    pooled: NDArray[np.float32] = (weights / weights.sum(axis=0) * evidence).sum(axis=0) + bias
    return pooled


def decode_events(
    logits: Sequence[float], schema: Schema, settings: DecodingSettings
) -> tuple[tuple[str, ...], Mapping[str, float]]:
    """Event types chosen, and the calibrated probability of every type, from one document's event logits."""
    if not schema.events:
        return (), {}
    calibration = settings.event_calibration
    logits = [calibration.slope * logit + calibration.intercept for logit in logits]
    if schema.multiple:
        scores = {event: sigmoid(logit) for event, logit in zip(schema.events, logits, strict=True)}
        chosen = tuple(e for e, score in scores.items() if score >= settings.event_thresholds.get(e, 0.5))
        return chosen, scores
    weights = [exp(logit - max(logits)) for logit in logits]
    scores = {event: weight / sum(weights) for event, weight in zip(schema.events, weights, strict=True)}
    return (max(scores, key=lambda event: scores[event]),), scores


def best_ranges(chain: Chain) -> list[tuple[int, int]]:
    """Unit ranges `[first, stop)` on the best path through log-probabilities of O, B, I."""
    outside, begin, inside = 0.0, -inf, -inf  # best score of a path that ends in each state
    came_from: list[tuple[int, int]] = []  # per unit: the state before O or B, the state before I
    for log_o, log_b, log_i in chain:
        previous = (outside, begin, inside)
        best = max(range(3), key=previous.__getitem__)
        entity = 1 if begin >= inside else 2
        came_from.append((best, entity))
        outside, begin, inside = previous[best] + log_o, previous[best] + log_b, previous[entity] + log_i
    state = max(range(3), key=(outside, begin, inside).__getitem__)
    ranges = []
    stop = len(chain)
    for index in range(len(chain) - 1, -1, -1):
        if state == 1:
            ranges.append((index, stop))
        before = came_from[index][1] if state == 2 else came_from[index][0]
        if state != 2:
            stop = index
        state = before
    return ranges[::-1]


def range_probabilities(chain: Chain, ranges: Sequence[tuple[int, int]]) -> list[float]:
    """The marginal probability of each range as a span of the constrained chain."""
    if not ranges:
        return []
    weights = [(exp(o), exp(b), exp(i)) for o, b, i in chain]
    scales = []  # each unit's factor of the weight of all paths; dividing by it keeps that weight at 1
    opened = 0.0  # the share of paths that end in B or I, where I may follow
    for o, b, i in weights:
        grown = b + opened * i
        scales.append(o + grown or 1.0)
        opened = grown / scales[-1]
    count = len(weights)
    any_after = [1.0] * (count + 1)  # weight of all continuations from a unit on, after B or I
    not_inside = [1.0] * (count + 1)  # ... of those that don't begin with I: what may follow O, or end a span
    for index in range(count - 1, -1, -1):
        o, b, i = weights[index]
        closed = (o * not_inside[index + 1] + b * any_after[index + 1]) / scales[index]
        not_inside[index] = closed
        any_after[index] = closed + i * any_after[index + 1] / scales[index]
    probabilities = []
    for first, stop in ranges:
        product = weights[first][1] / scales[first]
        for index in range(first + 1, stop):
            product *= weights[index][2] / scales[index]
        probabilities.append(min(1.0, product * not_inside[stop]))
    return probabilities


def _drop_overlaps(spans: Sequence[Span]) -> list[Span]:
    """Of overlapping spans (they have different labels) the most probable stays."""
    kept: list[Span] = []  # disjoint and sorted, so only the neighbours can overlap
    for span in sorted(spans, key=lambda span: (-(span.score or 0.0), span)):
        place = bisect(kept, span)
        if not any(span.overlaps(other) for other in kept[max(0, place - 1) : place + 1]):
            kept.insert(place, span)
    return kept
