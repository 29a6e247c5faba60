"""Gold and predicted Documents to counts per document, of which every score is a weighted sum; no torch.

Groups: `spans` (label and exact bounds), `spans_partial` (label and any overlap, each span matched once),
`entities` (per document the set of a label's normal forms, as `infer.normal` gives them for either side, so
that "was the partner found at all" does not depend on how often it is mentioned), `events`. Gold is taken as
annotated, spans that the model can't represent included. Predicted spans marked uncertain don't count as
answers, only rankings have them. Documents are joined by id; predictions for other texts are an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from infer.document import Document
from infer.nominative import fold
from infer.normal import Normalizer
from infer.schema import Schema
from train.matching import BOUNDS, RIGHT, Match, match_spans

Counts = NDArray[np.int64]  # [documents, classes, 3]: hits, predicted, gold
GROUPS = ("spans", "spans_partial", "entities", "events")


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Answers of one class, most probable first: the document of each, its probability, is it right."""

    documents: NDArray[np.int64]
    scores: NDArray[np.float64]
    hits: NDArray[np.bool_]
    gold: NDArray[np.int64]  # [documents]: how many right answers each document has


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """What scores are made of, document by document; classes in the schema's order."""

    schema: Schema
    ids: tuple[str, ...]
    counts: Mapping[str, Counts]  # by group
    exact: NDArray[np.bool_]  # [documents]: whether the whole set of events is right
    rankings: Mapping[tuple[str, str], Ranking]  # by group (spans, events) and class, where scored
    matches: tuple[tuple[Match, ...], ...]  # of each document's spans

    def names(self, group: str) -> tuple[str, ...]:
        """The classes of a group."""
        return self.schema.events if group == "events" else self.schema.labels


def tally(gold: Sequence[Document], predicted: Sequence[Document], schema: Schema) -> Tally:
    """Count predictions against gold. Raises ValueError when they are not of the same texts."""
    pairs = join(gold, predicted)
    normalizer = Normalizer()
    matches = tuple(tuple(match_spans(truth.spans, guess.spans)) for truth, guess in pairs)
    strict = np.zeros((len(pairs), len(schema.labels), 3), dtype=np.int64)
    partial, entities = np.zeros_like(strict), np.zeros_like(strict)
    events = np.zeros((len(pairs), len(schema.events), 3), dtype=np.int64)
    for row, ((truth, guess), matched) in enumerate(zip(pairs, matches, strict=True)):
        kinds = Counter((match.kind, match.gold.label) for match in matched if match.gold)
        right = Counter(match.gold.label for match in matched if match.gold)
        found = Counter(match.predicted.label for match in matched if match.predicted)
        right_forms, found_forms = (_forms(document, normalizer) for document in (truth, guess))
        for column, label in enumerate(schema.labels):
            totals = found[label], right[label]
            strict[row, column] = kinds[RIGHT, label], *totals
            partial[row, column] = kinds[RIGHT, label] + kinds[BOUNDS, label], *totals
            entities[row, column] = _overlap(right_forms.get(label, set()), found_forms.get(label, set()))
        for column, event in enumerate(schema.events):
            events[row, column] = _overlap({event} & set(truth.events), {event} & set(guess.events))
    counts = dict(zip(GROUPS, (strict, partial, entities, events), strict=True))
    return Tally(
        schema,
        tuple(truth.id for truth, _ in pairs),
        counts,
        np.array([set(truth.events) == set(guess.events) for truth, guess in pairs], dtype=bool),
        {**_rank_spans(pairs, schema, strict), **_rank_events(pairs, schema, events)},
        matches,
    )


def join(gold: Sequence[Document], predicted: Sequence[Document]) -> list[tuple[Document, Document]]:
    """Each gold document with its prediction, in gold's order. Raises ValueError where they don't fit."""
    by_id = {document.id: document for document in predicted}
    if len(by_id) != len(predicted) or {document.id for document in gold} != set(by_id):
        raise ValueError("gold and predictions are not of the same documents")
    pairs = [(document, by_id[document.id]) for document in gold]
    for truth, guess in pairs:
        if truth.text != guess.text:
            raise ValueError(f"document {truth.id}: the predictions were made on another text")
    return pairs


def _forms(document: Document, normalizer: Normalizer) -> dict[str, set[str]]:
    """A document's entities by label."""
    forms: dict[str, set[str]] = {}
    for span, key in zip(document.spans, normalizer.keys(document), strict=True):
        if span.uncertain:
            continue
        forms.setdefault(span.label, set()).add(fold(key))
    return forms


def _overlap(right: set[str], found: set[str]) -> tuple[int, int, int]:
    return len(right & found), len(found), len(right)


def _rank_spans(
    pairs: Sequence[tuple[Document, Document]], schema: Schema, strict: Counts
) -> dict[tuple[str, str], Ranking]:
    """Predicted spans by probability; gold never offered has no rank, so recall ends early."""
    column = {label: index for index, label in enumerate(schema.labels)}
    answers = [
        (row, column[span.label], span.score, span in truth.spans)
        for row, (truth, guess) in enumerate(pairs)
        for span in dict.fromkeys(guess.spans)
        if span.label in column
    ]
    return _rank("spans", schema.labels, answers, strict[:, :, 2])


def _rank_events(
    pairs: Sequence[tuple[Document, Document]], schema: Schema, events: Counts
) -> dict[tuple[str, str], Ranking]:
    answers = [
        (row, column, guess.event_scores.get(event), event in truth.events)
        for row, (truth, guess) in enumerate(pairs)
        for column, event in enumerate(schema.events)
    ]
    return _rank("events", schema.events, answers, events[:, :, 2])


def _rank(
    group: str,
    names: Sequence[str],
    answers: Sequence[tuple[int, int, float | None, bool]],  # document, class, probability, right
    gold: NDArray[np.int64],  # [documents, classes]
) -> dict[tuple[str, str], Ranking]:
    """A ranking per class with gold in it, and one of all; none when an answer has no probability."""
    if not answers or any(score is None for _, _, score, _ in answers):
        return {}
    rows, columns, scores, hits = (np.array(values) for values in zip(*answers, strict=True))
    order = np.argsort(-scores.astype(np.float64), kind="stable")
    rankings = {}
    for name, chosen in (("micro", range(len(names))), *((name, [i]) for i, name in enumerate(names))):
        kept = order[np.isin(columns[order], list(chosen))]
        right = gold[:, list(chosen)].sum(axis=1)
        if right.any():
            rankings[group, name] = Ranking(rows[kept], scores[kept].astype(np.float64), hits[kept], right)
    return rankings
