"""Held-out articles as data for the report's script: texts, and what became of every span and event.

An outcome is what `train.matching` found: its kind and the mention on each side. Offsets here are UTF-16 code
units, which is how JavaScript counts, so an emoji before a mention shifts nothing. The JSON is safe inside a
script element whatever the texts hold, and valid UTF-8: what neither can hold becomes U+FFFD, one for one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from infer.document import Document, Span
from infer.schema import Schema
from train.matching import MISSED, RIGHT, SPURIOUS, match_spans
from train.wording import clean

LONGEST_NOTE = 60  # characters of a meta value
BREAKING = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}

Outcome = dict[str, Any]


def list_articles(
    gold: Sequence[Document], predicted: Mapping[str, Document], schema: Schema
) -> list[dict[str, Any]]:
    """An entry for each gold document, those with the most errors first; equals in gold's order."""
    articles = [_compare(document, predicted[document.id], schema) for document in gold]
    return sorted(articles, key=lambda article: -sum(o["kind"] != RIGHT for o in article["outcomes"]))


def to_json(values: object) -> str:
    """JSON that can stand inside a script element."""
    return clean(json.dumps(values, ensure_ascii=False, separators=(",", ":"))).translate(BREAKING)


def _compare(gold: Document, predicted: Document, schema: Schema) -> dict[str, Any]:
    text = clean(gold.text)
    units = [0, *accumulate(2 if character > "\uffff" else 1 for character in text)]

    def mention(span: Span | None) -> Mapping[str, Any] | None:
        if span is None:
            return None
        return {"start": units[span.start], "end": units[span.end], "name": span.label, "score": span.score}

    outcomes: list[Outcome] = [
        {"kind": match.kind, "of": "label", "gold": mention(match.gold), "model": mention(match.predicted)}
        for match in match_spans(gold.spans, predicted.spans)
    ]
    outcomes.sort(key=lambda outcome: (outcome["gold"] or outcome["model"])["start"])
    notes = [clean(str(value)) for value in gold.meta.values() if isinstance(value, str | int | float)]
    return {
        "id": clean(gold.id),
        "notes": [note for note in notes if 0 < len(note) <= LONGEST_NOTE],
        "length": len(text),
        "text": text,
        "outcomes": _compare_events(gold, predicted, schema) + outcomes,
    }


def _compare_events(gold: Document, predicted: Document, schema: Schema) -> list[Outcome]:
    """An outcome for each event that either side has."""
    outcomes = []
    for event in schema.events:
        in_gold, in_model = event in gold.events, event in predicted.events
        if in_gold or in_model:
            kind = RIGHT if in_gold and in_model else MISSED if in_gold else SPURIOUS
            side = {"name": event, "score": predicted.event_scores.get(event)}
            sides = {"gold": side if in_gold else None, "model": side if in_model else None}
            outcomes.append({"kind": kind, "of": "event", **sides})
    return outcomes
