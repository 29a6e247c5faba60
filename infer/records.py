"""Extracted documents as JSON lines: the contract's record, keys in its order.

A span that a model was asked to mark as below its wanted precision has one key more, `"uncertain": true`.
Invariants: `text[start:end] == span["text"]` for every span of a record; a line is UTF-8 whatever the text
holds, and reading it back gives the same record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infer.document import Document, Span
from infer.normal import Normalizer

DIGITS = 4  # of a probability; more would only differ from machine to machine


@dataclass(frozen=True, slots=True)
class Extraction:
    """A document's record, and the entity key of each of its spans."""

    record: Mapping[str, Any]
    keys: tuple[str, ...]


def to_record(document: Document, normalizer: Normalizer) -> dict[str, Any]:
    """The contract's record of an extracted document."""
    return {
        "id": document.id,
        "text": document.text,
        "events": list(document.events),
        "event_scores": {event: round(score, DIGITS) for event, score in document.event_scores.items()},
        "spans": [
            {
                "start": span.start,
                "end": span.end,
                "label": span.label,
                "text": document.quote(span),
                "normal": normal,
                "score": None if span.score is None else round(span.score, DIGITS),
                **({"uncertain": True} if span.uncertain else {}),
            }
            for span, normal in zip(document.spans, normalizer.normal_forms(document), strict=True)
        ],
        "meta": dict(document.meta),
    }


def to_document(record: Mapping[str, Any]) -> Document:
    """The document that a record was made of, but for rounded scores."""
    spans = (
        Span(span["start"], span["end"], span["label"], span["score"], span.get("uncertain", False))
        for span in record["spans"]
    )
    events, scores = tuple(record["events"]), record["event_scores"]
    return Document(record["id"], record["text"], tuple(spans), events, scores, record["meta"])


def rename(extraction: Extraction, normalizer: Normalizer) -> Extraction:
    """With the user's aliases in place of the normal forms and keys that they override."""
    record, spans, keys = extraction.record, [], []
    for span, key in zip(record["spans"], extraction.keys, strict=True):
        spans.append({**span, "normal": normalizer.alias(span["text"], span["normal"]) or span["normal"]})
        keys.append(normalizer.alias(span["text"], span["normal"], key) or key)
    return Extraction({**record, "spans": spans}, tuple(keys))


def to_line(record: Mapping[str, Any]) -> str:
    """One line of JSON, letters as letters."""
    # A lone surrogate (from broken JSON input) has no UTF-8; escaped, it survives.
    try:
        text = json.dumps(record, ensure_ascii=False)
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = json.dumps(record)
    return text + "\n"
