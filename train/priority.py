"""Which articles to annotate next: those that the model doubts, and that are unlike each other.

A span's doubt is the entropy of its calibrated probability, whether it was found or nearly found (it is on
the best path once "outside" counts EAGER less); an event type's is the entropy of its distance from its
threshold. An article's spans count by their doubts a word, so that length doesn't win (as token entropy in
Settles & Craven 2008), its events by their mean. The two have no common scale, and either's changes with
the model, so an article's uncertainty is the weighted mean of its two ranks among the candidates.

The queue is built greedily by maximal marginal relevance (Carbonell & Goldstein 1998): the next article is
the one of largest priority, which is its uncertainty times one minus its similarity (cosine of TF-IDF) to the
most similar one before it.

Invariants: the order in which articles come changes nothing; of near-duplicates one at most is chosen, and
none of an article that is known already; priorities are in [0, 1] and never rise along the queue, so sorting
by them gives the queue again. They compare articles of one queue, not of two.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import log2
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.feature_extraction.text import TfidfVectorizer
from tqdm import tqdm

from infer.align import to_span
from infer.confidence import calibrate, logit, sigmoid
from infer.config import DecodingSettings
from infer.decode import Logits, best_ranges, decode_events, make_chains, range_probabilities
from infer.document import Document
from infer.extractor import Extractor
from infer.schema import Schema
from train.corpus import near_duplicates

EAGER = 3.0  # nats; a span that the model gives a twentieth of the odds of "outside" is still looked at
DIGITS = 4  # of a priority; as text, too, such numbers sort as they should
REASONS, QUOTE = 3, 40  # questions that are shown; characters of a span's words there
TINY = 1e-6
SPANS_SHARE = 2 / 3  # of the uncertainty; the rest is events'
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Question:
    """An answer that might be otherwise: an event type, or a label with the words in question."""

    name: str
    words: str
    probability: float  # calibrated
    bits: float  # of entropy, 0 to 1

    def __str__(self) -> str:
        words = " ".join(self.words.split())
        words = f" «{words[:QUOTE]}{'…' if len(words) > QUOTE else ''}»" if words else ""
        return f"{self.name}{words} {self.probability:.2f}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article that might be annotated."""

    document: Document
    spans: float  # bits of doubt a word
    events: float  # bits of doubt, 0 to 1
    questions: tuple[Question, ...]  # the greatest first


@dataclass(frozen=True, slots=True)
class Queued:
    """An article in the queue."""

    candidate: Candidate
    priority: float  # 0 to 1

    @property
    def reason(self) -> str:
        """What is doubtful about it, in few words."""
        return ", ".join(map(str, self.candidate.questions[:REASONS]))


def rank(
    extractor: Extractor, documents: Sequence[Document], known: Iterable[str], count: int
) -> list[Queued]:
    """The queue by a model's doubts, of at most `count` documents; `known` as in `choose`."""
    schema, settings = extractor.bundle.schema, extractor.bundle.settings.decoding
    ordered = sorted(documents, key=lambda document: document.id)  # batches round alike, whatever the order
    answers = tqdm(extractor.answer_many(ordered), total=len(ordered), unit=" articles", disable=None)
    return choose((weigh(logits, schema, settings) for logits in answers), known, count)


def weigh(logits: Logits, schema: Schema, settings: DecodingSettings) -> Candidate:
    """How unsure a model is of an article, from its logits."""
    spans = list(_question_spans(logits, schema, settings))
    events = list(_question_events(logits, schema, settings))
    questions = sorted(
        [*spans, *events], key=lambda question: (-question.bits, question.name, question.words)
    )
    return Candidate(
        logits.document,
        sum(question.bits for question in spans) / max(len(logits.units), 1),
        sum(question.bits for question in events) / max(len(events), 1),
        tuple(questions),
    )


def choose(candidates: Iterable[Candidate], known: Iterable[str], count: int) -> list[Queued]:
    """The queue of at most `count` articles; `known` are texts that need no annotation any more."""
    written = [candidate for candidate in candidates if candidate.document.text.strip()]
    distinct, uncertainty = _drop_reprints(written, rank_uncertainty(written), list(known))
    if not distinct:
        return []
    words = TfidfVectorizer(sublinear_tf=True, token_pattern=r"\w+|[^\w\s]")
    vectors = words.fit_transform([candidate.document.text for candidate in distinct])
    nearest = np.zeros(len(distinct))
    left = np.ones(len(distinct), dtype=bool)
    queue = []
    for _ in range(min(count, len(distinct))):
        priorities = np.where(left, uncertainty * (1 - nearest), -1)
        best = int(priorities.argmax())
        queue.append(Queued(distinct[best], round(float(priorities[best]), DIGITS)))
        left[best] = False
        similarity: Floats = (vectors @ vectors[best].T).toarray().ravel()
        nearest = np.maximum(nearest, similarity.clip(0, 1))
    return queue


def rank_uncertainty(candidates: Sequence[Candidate]) -> Floats:
    """The uncertainty of each, between 0 and 1: the share of the others that it is more doubtful than."""
    spans, events = (
        (rankdata([getattr(candidate, part) for candidate in candidates]) - 0.5) / max(len(candidates), 1)
        for part in ("spans", "events")
    )
    uncertainty: Floats = SPANS_SHARE * spans + (1 - SPANS_SHARE) * events
    return uncertainty


def to_record(number: int, queued: Queued) -> dict[str, Any]:
    """A line of the queue as plain values; with its text, so that the file can itself be pushed."""
    document = queued.candidate.document
    place = {"rank": number, "priority": queued.priority, "id": document.id, "why": queued.reason}
    return {**place, "text": document.text}


def with_priority(queued: Queued) -> Document:
    """The document as it is sent: with its priority among its columns."""
    document = queued.candidate.document
    return replace(document, meta={**document.meta, "priority": queued.priority})


def _drop_reprints(
    candidates: Sequence[Candidate], uncertainty: Floats, known: Sequence[str]
) -> tuple[list[Candidate], Floats]:
    """The most uncertain of each group of near-duplicates, unless it has a known text; the greatest first."""
    texts = [*known, *(candidate.document.text for candidate in candidates)]
    names = list(zip(near_duplicates(texts), texts, strict=True))  # texts of a few words are in no group
    taken = {name for pair in names[: len(known)] for name in pair}

    def place(index: int) -> tuple[float, str, str]:
        document = candidates[index].document
        return -uncertainty[index], document.id, document.text

    kept = []
    for index in sorted(range(len(candidates)), key=place):
        if taken.isdisjoint(names[len(known) + index]):
            kept.append(index)
        taken.update(names[len(known) + index])
    return [candidates[index] for index in kept], uncertainty[kept]


def _question_spans(logits: Logits, schema: Schema, settings: DecodingSettings) -> Iterable[Question]:
    """Of the spans on each label's best path, and of those nearly on it that don't overlap these."""
    for label, chain in zip(schema.labels, make_chains(logits.spans), strict=True):
        found = best_ranges(chain)
        eager = best_ranges([(outside - EAGER, begin, inside) for outside, begin, inside in chain])
        inside_found = {unit for first, stop in found for unit in range(first, stop)}
        near = [(first, stop) for first, stop in eager if inside_found.isdisjoint(range(first, stop))]
        ranges = [*found, *near]
        for (first, stop), score in zip(ranges, range_probabilities(chain, ranges), strict=True):
            probability = calibrate(score, settings.span_calibration)
            words = logits.document.quote(to_span(first, stop, label, logits.units))
            yield Question(label, words, probability, entropy(probability))


def _question_events(logits: Logits, schema: Schema, settings: DecodingSettings) -> Iterable[Question]:
    """Of each event type; greatest at its threshold."""
    _, scores = decode_events(logits.events.tolist(), schema, settings)
    for event, score in scores.items():
        threshold = settings.event_thresholds.get(event, 0.5)
        distance = logit(_inner(score)) - logit(_inner(threshold))
        yield Question(event, "", score, entropy(sigmoid(distance)))


def entropy(probability: float) -> float:
    """Of a yes or no, in bits: 1 at a probability of a half, 0 where there is no doubt."""
    return -sum(p * log2(p) for p in (probability, 1 - probability) if p > 0)


def _inner(probability: float) -> float:
    return min(max(probability, TINY), 1 - TINY)
