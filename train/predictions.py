"""The out-of-fold answers of a cross-validation, as a file of the contract's records."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from infer.document import Document
from infer.normal import Normalizer
from infer.records import to_document, to_record
from train.report import write_text

PREDICTIONS = "predictions.jsonl"


def write_answers(path: Path, documents: Sequence[Document]) -> None:
    """The contract's records, one a line; complete or not there at all."""
    normalizer = Normalizer()
    lines = [json.dumps(to_record(document, normalizer)) + "\n" for document in documents]
    write_text(path, "".join(lines))


def read_answers(path: Path) -> list[Document]:
    """Documents from the records that `write_answers` wrote."""
    with path.open(encoding="utf-8") as lines:
        return [to_document(json.loads(line)) for line in lines]
