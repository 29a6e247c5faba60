"""Where out-of-fold answers contradict an annotation, the most confident first: pure, Documents to Doubts.

After confident learning: C. Northcutt, L. Jiang and I. Chuang, Confident Learning: Estimating Uncertainty in
Dataset Labels (2021), arXiv 1911.00068. An example annotated i counts as an error when the model, which
hasn't seen it, gives another class j at least t_j, the mean probability that it gives class j on the examples
that are annotated j, and j is the likeliest of the classes that reach theirs (the confident joint). Errors
are ranked by that probability.

Events: as in the paper, each type a yes or no of its own. Spans: `train.matching` pairs them; the model's
answer is a label with bounds, annotated as nothing, as another label or with other bounds. t_j is the mean
over the annotated spans that the model found, since answers tell the probabilities of no others: it is higher
than the paper's, and so more careful. An annotated span that was found, but is likelier wrong than right, is
a doubt as well.

Annotated spans that weren't found come last, unscored: their probability isn't known. They are ordered by how
far the model can be trusted with such words: the share of their other occurrences, in whatever article, that
it marks or leaves as the annotators did, drawn to the label's recall as if by PRIOR occurrences more.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from infer.document import Document, Span
from infer.schema import Schema
from train.audit import Text, stems
from train.matching import MISSED, RIGHT, SPURIOUS, Match, match_spans

Pair = tuple[Document, Document]  # the annotated article, and the answer to it
PRIOR = 2.0
EVEN = 0.5


@dataclass(frozen=True, slots=True)
class Doubt:
    """An annotation and what the model has in its place.

    `kind` is of `train.matching`; right: the same, but improbable. Of an event, missed and spurious alone,
    and `event` is its name. `score` is the model's probability that the annotation is wrong; of annotated
    spans that weren't found (`is_scored` is false), how far it can be trusted with their words.
    """

    article: Document
    kind: str
    score: float
    gold: Span | None = None
    predicted: Span | None = None
    event: str = ""

    @property
    def is_scored(self) -> bool:
        """Whether `score` is a probability of the model's."""
        return bool(self.event) or self.kind != MISSED


def find_doubts(pairs: Sequence[Pair], schema: Schema) -> list[Doubt]:
    """All doubts of articles with their out-of-fold answers, those to look at first in front."""
    matches = [(gold, match) for gold, answer in pairs for match in match_spans(gold.spans, answer.spans)]
    found = [*_doubt_spans(matches), *_doubt_events(pairs, schema), *_doubt_unfound(pairs, matches)]
    return sorted(found, key=lambda doubt: (not doubt.is_scored, -doubt.score))


def confident_class(given: int, probabilities: Sequence[float], thresholds: Sequence[float]) -> int:
    """The class that an example is counted in, by the confident joint; the given one where none is sure."""
    sure = [index for index, share in enumerate(probabilities) if share >= thresholds[index]]
    return max(sure, key=lambda index: (probabilities[index], index == given), default=given)


def _doubt_spans(matches: Sequence[tuple[Document, Match]]) -> Iterator[Doubt]:
    scores: dict[str, list[float]] = defaultdict(list)
    for _, match in matches:
        if match.kind == RIGHT and match.predicted:
            scores[match.predicted.label].append(match.predicted.score or 0.0)
    thresholds = {label: fmean(given) for label, given in scores.items()}
    for article, match in matches:
        guess = match.predicted
        if guess is None or guess.label not in thresholds:  # of a label never found, nothing is known
            continue
        score = guess.score or 0.0
        if match.kind == RIGHT:
            if score < EVEN:
                yield Doubt(article, match.kind, 1 - score, match.gold, guess)
        elif score >= thresholds[guess.label]:
            yield Doubt(article, match.kind, score, match.gold, guess)


def _doubt_events(pairs: Sequence[Pair], schema: Schema) -> Iterator[Doubt]:
    for event in schema.events:
        judged = [
            (gold, int(event in gold.events), answer.event_scores[event])
            for gold, answer in pairs
            if event in answer.event_scores
        ]
        without = [1 - score for _, given, score in judged if not given]
        having = [score for _, given, score in judged if given]
        if not without or not having:  # one answer throughout: there is no other class to compare with
            continue
        thresholds = (fmean(without), fmean(having))
        for article, given, score in judged:
            classes = (1 - score, score)
            if (answer := confident_class(given, classes, thresholds)) != given:
                kind = MISSED if given else SPURIOUS
                yield Doubt(article, kind, classes[answer], event=event)


def _doubt_unfound(pairs: Sequence[Pair], matches: Sequence[tuple[Document, Match]]) -> Iterator[Doubt]:
    texts = [(Text(gold.text), gold, answer) for gold, answer in pairs]
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    for _, match in matches:
        if match.gold:
            kinds[match.gold.label][match.kind] += 1
    for article, match in matches:
        span = match.gold
        if span is None or match.kind != MISSED:
            continue
        words = stems(article.quote(span))
        right = total = 0
        for text, gold, answer in texts:
            for at in text.places(words):
                place = text.span(at, len(words), span.label)
                if gold is article and place.overlaps(span):
                    continue
                right += _marks(gold, place) == _marks(answer, place)
                total += 1
        recall = kinds[span.label][RIGHT] / kinds[span.label].total()
        yield Doubt(article, MISSED, (right + PRIOR * recall) / (total + PRIOR), span)


def _marks(document: Document, place: Span) -> bool:
    """Whether a document has a span of the place's label there."""
    return any(
        span.label == place.label and span.overlaps(place) and not span.uncertain for span in document.spans
    )
