"""NEREL, or any corpus in brat's stand-off format, as Documents.

An article is `name.txt` beside `name.ann`; a line `T1<TAB>PERSON 0 12<TAB>text` of the latter marks
`[start, end)` code points. Relations, events and notes are left alone. Spans in several pieces
(`PERSON 0 4;8 12`) are read from their first character to their last.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from itertools import chain
from pathlib import Path

from infer.document import Document, Span
from infer.schema import Schema

ENTITY = re.compile(r"T\d+\t(?P<label>\S+) (?P<places>\d+ \d+(?:;\d+ \d+)*)\t(?P<text>.*)")


class BratError(ValueError):
    """The corpus can't be used; the message names the file."""


def read_brat(folder: Path) -> list[Document]:
    """Every article of a folder, sorted by name. Raises BratError."""
    documents = [_read(path) for path in sorted(folder.glob("*.txt"))]
    if not documents:
        raise BratError(f"{folder}: no articles there (name.txt beside name.ann); unpack the corpus first")
    return documents


def label_schema(documents: Iterable[Document]) -> Schema:
    """A schema of the labels that occur, without events."""
    labels = {span.label for span in chain.from_iterable(document.spans for document in documents)}
    return Schema(labels=tuple(sorted(labels)), events=(), multiple=True)


def keep_outermost(document: Document, labels: Container[str]) -> tuple[Span, ...]:
    """The spans of some labels that lie in no other one of them."""
    kept: list[Span] = []
    for span in sorted(document.spans, key=lambda span: (span.start, -span.end)):
        if span.label in labels and not any(outer.end >= span.end for outer in kept):
            kept.append(span)
    return tuple(kept)


def _read(path: Path) -> Document:
    with path.open(encoding="utf-8", newline="") as file:
        text = file.read()
    annotations = path.with_suffix(".ann")
    if not annotations.is_file():
        raise BratError(f"{annotations}: missing; brat keeps an article's annotations beside its text")
    spans = set()
    for number, line in enumerate(annotations.read_text(encoding="utf-8").splitlines(), 1):
        if not line.startswith("T"):
            continue
        match = ENTITY.fullmatch(line)
        if match is None:
            raise BratError(f"{annotations}:{number}: not a brat entity: {line}")
        places = [int(place) for place in re.findall(r"\d+", match["places"])]
        spans.add(Span(min(places), max(places), match["label"]))
    return Document(path.stem, text, tuple(spans))
