"""Documents to files: one JSON record a line, keys in the contract's order.

Invariants: `text[start:end] == spans[i]["text"]` for every span; a file appears under its name only when it
is complete (written as `<name>.partial`, then renamed).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from infer.document import Document
from infer.normal import Normalizer
from infer.reading import Failure

DIGITS = 4  # of a probability; more would only differ from machine to machine


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
            }
            for span, normal in zip(document.spans, normalizer.normal_forms(document), strict=True)
        ],
        "meta": dict(document.meta),
    }


class JsonlWriter:
    """Records and failures of one run, in the order given."""

    def __init__(self, records: TextIO, failures: TextIO) -> None:
        self._records, self._failures = records, failures
        self._normalizer = Normalizer()
        self.written = self.failed = 0

    def write(self, item: Document | Failure) -> None:
        """One line, to the records or to the failures."""
        if isinstance(item, Failure):
            self._failures.write(_line(asdict(item)))
            self.failed += 1
        else:
            self._records.write(_line(to_record(item, self._normalizer)))
            self.written += 1


@contextmanager
def open_writer(folder: Path) -> Iterator[JsonlWriter]:
    """A writer of `extractions.jsonl` and, if anything failed, `failures.jsonl` in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    records, failures = folder / "extractions.jsonl", folder / "failures.jsonl"
    with (
        _partial(records).open("w", encoding="utf-8", newline="") as first,
        _partial(failures).open("w", encoding="utf-8", newline="") as second,
    ):
        writer = JsonlWriter(first, second)
        yield writer
    _partial(records).replace(records)
    failures.unlink(missing_ok=True)
    if writer.failed:
        _partial(failures).replace(failures)
    else:
        _partial(failures).unlink()


def _partial(path: Path) -> Path:
    return path.with_name(f"{path.name}.partial")


def _line(record: dict[str, Any]) -> str:
    # A lone surrogate (from broken JSON input) has no UTF-8; escaped, it survives.
    try:
        text = json.dumps(record, ensure_ascii=False)
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = json.dumps(record)
    return text + "\n"
