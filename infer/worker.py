"""The model that answers requests, and the one thread that calls it.

Invariants: torch is entered from that thread alone; documents are answered in order; whoever took `served`
once gets all of its answers from one model, whichever has been put in place meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from infer.bundle import fingerprint_of
from infer.config import RunSettings
from infer.document import Document
from infer.extractor import Extractor
from infer.normal import Normalizer
from infer.records import to_record

TURN = 8  # documents of one request before another request has its turn

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Served:
    """A loaded model with its name and the real folder that it came from."""

    extractor: Extractor
    version: str
    folder: Path

    def extract(self, documents: Sequence[Document]) -> list[Document]:
        """The documents with spans and events."""
        return list(self.extractor.extract_many(documents))

    def records(self, documents: Sequence[Document]) -> list[dict[str, Any]]:
        """The contract's records of the documents."""
        normalizer = Normalizer()
        return [to_record(document, normalizer) for document in self.extractor.extract_many(documents)]


class Worker:
    """Owns the model in service. `served` may be read from any thread."""

    def __init__(self, folder: Path, run: RunSettings | None = None) -> None:
        self._run = run
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self.served = self._thread.submit(self._load, folder).result()

    async def run(
        self, function: Callable[[Sequence[Document]], list[Answer]], documents: Sequence[Document]
    ) -> list[Answer]:
        """What a function of the served model says of the documents, a few at a time."""
        answers: list[Answer] = []
        for start in range(0, len(documents), TURN):
            turn = self._thread.submit(function, documents[start : start + TURN])
            done: list[Answer] = await asyncio.wrap_future(turn)
            answers += done
        return answers

    def replace(self, folder: Path) -> Served:
        """Put another model folder into service. Raises BundleError, and the old one stays."""
        self.served = self._thread.submit(self._load, folder).result()
        return self.served

    def close(self) -> None:
        """End the thread once what it has begun is done."""
        self._thread.shutdown(cancel_futures=True)

    def _load(self, folder: Path) -> Served:
        folder = folder.resolve()  # `runs/latest` will mean another one after the next training
        return Served(Extractor.load(folder, self._run), f"vizitka-{fingerprint_of(folder)}", folder)
