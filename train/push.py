"""Articles to a Label Studio project, each once, with a model's pre-annotations.

The server is the only memory: what it holds already (by `data.id`) is not sent again, so the same command
goes on after any interruption. When the answer to a batch is lost, the server is asked what it holds before
the batch is sent again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from infer.document import Document
from infer.failure import Failure
from infer.labelstudio import reject_text, to_task
from infer.schema import Schema
from train.server import Project, Server, StudioError, check_config, digest_of, persist

if TYPE_CHECKING:
    from infer.extractor import Extractor

BATCH = 50  # articles in one request; an interruption costs at most so many predictions


@dataclass(frozen=True, slots=True)
class Model:
    """What pre-annotates, and the name that its predictions go by."""

    extractor: Extractor
    version: str


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push has come to."""

    sent: int
    present: int
    failures: tuple[Failure, ...]


def load_model(folder: Path, project: Project | None) -> Model:
    """Raises StudioError, also when the model's labels are not the project's, if there is one."""
    from infer.bundle import BundleError, fingerprint_of
    from infer.extractor import Extractor

    try:
        extractor = Extractor.load(folder)
    except BundleError as error:
        raise StudioError(str(error)) from None
    if project:
        check_config(project, extractor.bundle.schema, f"the model {folder}")
    return Model(extractor, f"vizitka-{fingerprint_of(folder)}")


def push(
    server: Server,
    project: int,
    schema: Schema,
    found: Iterable[Document | Failure],
    model: Model | None = None,
) -> Pushed:
    """Send what the project lacks. Raises StudioError; the same push goes on from there."""
    present = persist(lambda: server.list_articles(project, schema.text_key))
    documents, failures, known = select(found, present, schema)
    predicted = model.extractor.extract_many(documents) if model else iter(documents)
    version = model.version if model else None
    with tqdm(total=len(documents), unit=" articles", disable=None) as bar:
        while batch := list(islice(predicted, BATCH)):
            _send(server, project, [make_task(document, schema, version) for document in batch], schema)
            bar.update(len(batch))
    if version and documents:
        persist(lambda: server.show_predictions(project, version))
    return Pushed(len(documents), known, tuple(failures))


def select(
    found: Iterable[Document | Failure], present: Mapping[str, str], schema: Schema
) -> tuple[list[Document], list[Failure], int]:
    """The documents to send, what can't be sent, and how many the project has already.

    `present` are digests of texts by id. A second text under an id that is taken is a failure.
    """
    taken = dict(present)
    chosen: list[Document] = []
    failures: list[Failure] = []
    known = 0
    for item in found:
        if isinstance(item, Failure):
            failures.append(item)
        elif failure := reject(item, schema):
            failures.append(failure)
        elif taken.setdefault(item.id, digest_of(item.text)) != digest_of(item.text):
            reason = "another text has this id, in the project or among the inputs"
            failures.append(Failure(item.id, reason, "rename its file, or delete the other task"))
        elif item.id in present:
            known += 1
        else:
            chosen.append(item)
    return list({document.id: document for document in chosen}.values()), failures, known


def reject(document: Document, schema: Schema) -> Failure | None:
    """Why a document can't be a task, None if it can."""
    if reason := reject_text(document.text, schema.text_key):
        return Failure(document.id, reason, "give the article itself")
    if not document.text.strip():
        return Failure(document.id, "it has no text", "leave it out")
    if "\x00" in document.text:
        return Failure(document.id, "it holds a NUL, which databases don't keep", "take the character out")
    try:
        json.dumps(make_task(document, schema), ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (TypeError, ValueError) as error:
        return Failure(document.id, f"it can't be sent as JSON ({error})", "correct its text and columns")
    return None


def make_task(document: Document, schema: Schema, version: str | None = None) -> dict[str, Any]:
    """A task for the import, with predictions when `version` is given."""
    task = to_task(document, schema, version)
    return task if version else {"data": task["data"]}


def _send(server: Server, project: int, tasks: Sequence[dict[str, Any]], schema: Schema) -> None:
    """Import a batch; from the second attempt on, only what the server doesn't hold by then."""
    attempts = 0

    def attempt() -> None:
        nonlocal attempts
        held = server.list_articles(project, schema.text_key) if attempts else {}
        attempts += 1
        missing = [task for task in tasks if task["data"]["id"] not in held]
        if missing:
            server.import_tasks(project, missing)

    persist(attempt)
