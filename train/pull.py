"""Annotated articles from a Label Studio project into the files that training reads.

`train.json` takes them and, beside it, `heldout.json` those that are held out. Both are memory as well: an
article leaves neither because the project lacks it, or lacks its annotation; the project's annotations take
the place of older ones. Invariants: an article held out stays held out, and its near-duplicates follow it,
out of `train.json` too; one that was trained on is not drawn any more; the draw depends on text and seed
alone, so that an empty folder gives the same split again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from infer.files import replacing
from infer.labelstudio import load_export
from infer.schema import Schema
from train.corpus import near_duplicates
from train.server import Server, StudioError, digest_of, persist

HELDOUT = "heldout.json"

Raw = dict[str, Any]  # a task as the JSON export has it


@dataclass(frozen=True, slots=True)
class Changes:
    """Names of articles, as a pull changed the files."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    kept: tuple[str, ...]  # in the files, and not or no longer annotated in the project


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull has come to: counts of the project's articles, and of those in the files now."""

    tasks: int
    annotated: int
    skipped: int
    changes: Changes
    train: int
    heldout: int


def pull(server: Server, project: int, schema: Schema, output: Path, fraction: float, seed: int) -> Pulled:
    """Bring `output` and `heldout.json` beside it up to date; `fraction` of new articles is held out.

    Raises StudioError, LabelStudioError or OSError; the files are then whole, as they were or renewed.
    """
    beside = output.with_name(HELDOUT)
    if beside == output:
        raise StudioError(f"{HELDOUT} is where held-out articles go; give another file with --output")
    held = [name_task(task, schema) for task in load_export(beside, schema)] if beside.exists() else []
    trained = [name_task(task, schema) for task in load_export(output, schema)] if output.exists() else []
    exported = [name_task(task, schema) for task in persist(lambda: server.export(project))]
    annotated = [task for task in exported if answers(task)]
    apart = _ids(held)
    kept = [*held, *(task for task in trained if id_of(task) not in apart)]
    merged, changes = merge(kept, annotated, schema)
    train, heldout = split(merged, apart, _ids(trained), schema, fraction, seed)
    if heldout:
        write(beside, heldout)  # first: where the second write fails, the next pull takes them out of train
    if train or output.exists():
        write(output, train)
    skipped = sum(bool(task.get("annotations")) and not answers(task) for task in exported)
    return Pulled(len(exported), len(annotated), skipped, changes, len(train), len(heldout))


def name_task(task: Raw, schema: Schema) -> Raw:
    """The task with an id of our own in its data; made of its text where somebody else imported it.

    The server's own ids are no names: those of deleted tasks come back.
    """
    data = task["data"]
    if data.get("id") not in (None, ""):
        return task
    text = data.get(schema.text_key)
    made = f"text-{digest_of(text)}" if isinstance(text, str) else f"task-{task.get('id')}"
    return {**task, "data": {**data, "id": made}}


def answers(task: Raw) -> list[Any]:
    """The results of a task's finished annotations."""
    given = task.get("annotations") or []
    return [one.get("result") or [] for one in given if one and not one.get("was_cancelled")]


def merge(old: Sequence[Raw], pulled: Sequence[Raw], schema: Schema) -> tuple[list[Raw], Changes]:
    """The old tasks in their order, renewed where the project has them, then the new ones.

    Raises StudioError when an id stands for one text in the files and for another in the project.
    """
    before, found = _by_id(old), _by_id(pulled)
    both = [own for own in before if own in found]
    for own in both:
        texts = {digest_of(task["data"].get(schema.text_key)) for task in (*before[own], *found[own])}
        if len(texts) > 1:
            raise StudioError(
                f"article {own} has another text in the files than in the project; pull into another folder "
                "with --output, or delete one of the two"
            )
    merged = [task for tasks in {**before, **found}.values() for task in tasks]
    return merged, Changes(
        new=tuple(own for own in found if own not in before),
        changed=tuple(own for own in both if _all_answers(found[own]) != _all_answers(before[own])),
        kept=tuple(own for own in before if own not in found),
    )


def split(
    tasks: Sequence[Raw], held: set[str], trained: set[str], schema: Schema, fraction: float, seed: int
) -> tuple[list[Raw], list[Raw]]:
    """Tasks to train on and to hold out; `held` and `trained` are ids of those that were there before."""
    texts = [str(task["data"].get(schema.text_key, "")) for task in tasks]
    groups = near_duplicates(texts)
    parted = list(zip(tasks, groups, strict=True))
    chosen = {group for task, group in parted if id_of(task) in held}
    settled = {group for task, group in parted if id_of(task) in trained}
    first: dict[int, str] = {}  # by the alphabet: a group is drawn by one text, in whatever order they come
    for text, group in zip(texts, groups, strict=True):
        first[group] = min(first.get(group, text), text)
    chosen |= {g for g, text in first.items() if g not in settled and draw(text, seed) < fraction}
    train = [task for task, group in parted if group not in chosen]
    return train, [task for task, group in parted if group in chosen]


def draw(text: str, seed: int) -> float:
    """A number in [0, 1) that depends on text and seed alone."""
    digest = sha256(f"{seed} {text}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8]) / 2**64


def write(path: Path, tasks: Sequence[Raw]) -> None:
    """An export's file, complete or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps(tasks, ensure_ascii=False, indent=1)
    try:
        encoded = content.encode("utf-8")
    except UnicodeEncodeError:  # half a surrogate pair, cut out by a browser
        encoded = json.dumps(tasks, indent=1).encode("utf-8")
    with replacing(path) as partial:
        partial.write_bytes(encoded)


def id_of(task: Raw) -> str:
    """The name of an article."""
    return str(task["data"]["id"])


def _ids(tasks: Iterable[Raw]) -> set[str]:
    return {id_of(task) for task in tasks}


def _by_id(tasks: Iterable[Raw]) -> dict[str, list[Raw]]:
    found: dict[str, list[Raw]] = {}
    for task in tasks:
        found.setdefault(id_of(task), []).append(task)
    return found


def _all_answers(tasks: Iterable[Raw]) -> list[Any]:
    return [result for task in tasks for result in answers(task)]
