"""Label Studio task JSON and our types, both directions.

Reading accepts the JSON and the JSON_MIN export. Nothing is dropped silently: what can't be used becomes
a `Problem` with file, task and reason. Cancelled annotations, drafts and predictions are no annotations
and are ignored; an empty annotation is kept, it says "nothing here".

Offsets are checked by slicing. Exports count in code points (today's server), in UTF-16 units (older
ones) or in a text whose CRLF had been collapsed; `value.text`, where given, tells which. A task is
accepted only when the readings that fit every one of its spans agree, so a repair is never a guess.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infer.document import Document, Span
from infer.schema import Schema

SPAN_TYPES = frozenset({"labels", "hypertextlabels"})
RECORD_KEYS = frozenset({"annotator", "annotation_id", "created_at", "updated_at", "lead_time"})


class LabelStudioError(ValueError):
    """The whole file is unusable; the message names it and the fix."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in an export that is not used, or was read with a repair."""

    file: str
    task: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}, task {self.task}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotator's answer for one task."""

    annotator: str
    updated: str  # ISO 8601, sorts by time
    spans: tuple[Span, ...] = ()
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """A text with every annotation made of it."""

    id: str
    text: str
    annotations: tuple[Annotation, ...]
    meta: Mapping[str, Any] = field(default_factory=dict)


def read_tasks(path: Path, schema: Schema) -> tuple[list[Task], list[Problem]]:
    """All tasks of an export, and all that is wrong with it.

    Raises LabelStudioError when the file can't be parsed, or names labels that the schema lacks.
    """
    tasks: dict[str, Task] = {}
    problems: list[Problem] = []
    for position, raw in enumerate(_load(path, schema), 1):
        name = str(raw["data"].get("id", raw.get("id", position)))
        try:
            task, reasons = _read_task(name, raw, schema, path)
        except (AttributeError, KeyError, TypeError) as error:  # valid JSON of another shape
            task, reasons = None, [f"is not written as Label Studio writes tasks ({error}); it is left out"]
        if task and name in tasks:
            task, reasons = None, ["a task with this id stands earlier in the file; this one is left out"]
        if task:
            tasks[name] = task
        problems += [Problem(path.name, name, reason) for reason in reasons]
    return list(tasks.values()), problems


def _read_task(name: str, raw: dict[str, Any], schema: Schema, path: Path) -> tuple[Task | None, list[str]]:
    """One task with its finished annotations, None when it has no text; and what is wrong, with reasons."""
    data = raw["data"]
    text = data.get(schema.text_key)
    reason = reject_text(text, schema.text_key)
    if reason:
        return None, [reason]
    annotations, reasons = [], []
    for raw_annotation in raw.get("annotations") or []:
        if not raw_annotation or raw_annotation.get("was_cancelled"):
            continue
        annotation, remarks = _read_annotation(raw_annotation, text, schema, f"{path}, task {name}")
        reasons += remarks
        if annotation:
            annotations.append(annotation)
    meta = {key: value for key, value in data.items() if key not in (schema.text_key, "id")}
    return Task(name, text, tuple(annotations), meta), reasons


def to_task(document: Document, schema: Schema, model_version: str | None = None) -> dict[str, Any]:
    """A task that Label Studio imports: pre-annotated when `model_version` is given, else annotated."""
    tags = {"to_name": schema.text_name}
    result: list[dict[str, Any]] = []
    for index, span in enumerate(document.spans):
        value = {"start": span.start, "end": span.end, "text": document.quote(span), "labels": [span.label]}
        region = {"id": f"s{index}", "from_name": schema.spans_name, **tags, "type": "labels", "value": value}
        result.append(region if span.score is None else {**region, "score": span.score})
    if document.events:
        choices = {"choices": list(document.events)}
        result.append(
            {"id": "e", "from_name": schema.events_name, **tags, "type": "choices", "value": choices}
        )
    task: dict[str, Any] = {"data": {**document.meta, schema.text_key: document.text, "id": document.id}}
    if model_version is None:
        return {**task, "annotations": [{"result": result}]}
    scores = [span.score for span in document.spans if span.score is not None]
    prediction = {"model_version": model_version, "score": min(scores, default=1.0), "result": result}
    return {**task, "predictions": [prediction]}


def read_data(items: list[Any]) -> list[dict[str, Any]] | None:
    """The data of an export's tasks without their annotations, each with its id; None for other JSON."""
    if all(isinstance(item, dict) and isinstance(item.get("data"), dict) for item in items):
        tasks = items
    elif all(isinstance(item, dict) and item.keys() >= {"annotation_id", "annotator"} for item in items):
        tasks = list(_merge_records(items, Schema(labels=(), events=())))
    else:
        return None
    return [{"id": task.get("id", number), **task["data"]} for number, task in enumerate(tasks, 1)]


def _load(path: Path, schema: Schema) -> Iterator[dict[str, Any]]:
    """Raw tasks in the JSON export's shape, whichever of the two the file has."""
    try:
        raw = json.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise LabelStudioError(
            f"{path}: no such file; export the project from Label Studio as JSON"
        ) from None
    except UnicodeDecodeError as error:
        raise LabelStudioError(f"{path}: not UTF-8 ({error}); export it again as JSON") from None
    except json.JSONDecodeError as error:
        raise LabelStudioError(
            f"{path}, line {error.lineno}, column {error.colno}: not valid JSON ({error.msg}); "
            "was the download cut off? Export it again as JSON"
        ) from None
    except (RecursionError, ValueError) as error:
        raise LabelStudioError(f"{path}: not an export ({error}); export it again as JSON") from None
    items = raw if isinstance(raw, list) else [raw]
    if not all(isinstance(item, dict) for item in items):
        raise LabelStudioError(f"{path}: expected a list of tasks; export it from Label Studio as JSON")
    if any("data" in item for item in items):
        for item in items:
            if not isinstance(item.get("data"), dict):
                raise LabelStudioError(f'{path}, task {item.get("id", "?")}: has no "data"; export it again')
            yield item
        return
    yield from _merge_records(items, schema)


def _merge_records(records: Iterable[dict[str, Any]], schema: Schema) -> Iterator[dict[str, Any]]:
    """JSON_MIN has a flat record per annotation; those of one task are one task again."""
    merged: dict[Any, dict[str, Any]] = {}
    for position, record in enumerate(records, 1):
        results = []
        data = {}
        for key, value in record.items():
            if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
                results += [{"type": "labels", "value": item} for item in value]
            elif isinstance(value, dict) and "choices" in value:
                results.append({"type": "choices", "value": value})
            elif key == schema.events_name and isinstance(value, str):  # one choice stands there bare
                results.append({"type": "choices", "value": {"choices": [value]}})
            elif key not in RECORD_KEYS and key != "id":
                data[key] = value
        name = record.get("id", position)
        annotation = {
            "completed_by": record.get("annotator", ""),
            "updated_at": record.get("updated_at", ""),
            "result": results,
        }
        merged.setdefault(name, {"id": name, "data": data, "annotations": []})["annotations"].append(
            annotation
        )
    yield from merged.values()


def reject_text(text: object, key: str) -> str | None:
    """Why a task's text can't be used, None if it can."""
    if not isinstance(text, str):
        return f'its data has no text under "{key}"'
    if text.startswith(("http://", "https://", "s3://", "gs://", "/data/")) and len(text.split()) == 1:
        return f"its text is an address ({text}), not a text; import the tasks with the text itself"
    return None


def _read_annotation(
    raw: dict[str, Any], text: str, schema: Schema, place: str
) -> tuple[Annotation | None, list[str]]:
    """One annotation, None when its offsets can't be read; and what was left out, with reasons."""
    reasons: list[str] = []
    marks: list[tuple[Any, str]] = []
    events: list[str] = []
    for item in raw.get("result") or []:
        value = item.get("value") or {}
        if item.get("type") == "choices":
            events += value.get("choices") or []
        elif item.get("type") in SPAN_TYPES:
            labels = value.get("labels") or value.get("hypertextlabels") or []
            if not labels:
                reasons.append(f"a region at {value.get('start')} has no label and is left out")
            marks += [(value, label) for label in labels]
    _check_known(events, schema.events, "choice", schema.events_name, place)
    _check_known([label for _, label in marks], schema.labels, "label", schema.spans_name, place)
    spans, trouble = _read_offsets(marks, text)
    if trouble:
        reasons.append(trouble)
    if spans is None:
        return None, reasons
    annotator = raw.get("completed_by", "")
    if isinstance(annotator, dict):
        annotator = annotator.get("email") or annotator.get("id", "")
    ordered = tuple(event for event in schema.events if event in events)
    return Annotation(str(annotator), str(raw.get("updated_at", "")), spans, ordered), reasons


def _check_known(values: Iterable[str], known: tuple[str, ...], what: str, tag: str, place: str) -> None:
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise LabelStudioError(
            f"{place}: {what} {', '.join(map(repr, unknown))} is not in the labeling config, whose tag "
            f'"{tag}" has {", ".join(known) or "none"}; add it there or correct the task'
        )


def _read_offsets(marks: list[tuple[Any, str]], text: str) -> tuple[tuple[Span, ...] | None, str | None]:
    """The spans of an annotation and a remark; no spans when they can't be read in one way only."""
    fits: dict[tuple[Span, ...], str] = {}
    for name, to_code_point in _readings(text):
        spans = []
        for value, label in marks:
            start, end = to_code_point(value.get("start")), to_code_point(value.get("end"))
            if (
                start is None
                or end is None
                or start >= end
                or not _agrees(value.get("text"), text[start:end])
            ):
                break
            spans.append(Span(start, end, label))
        else:
            fits.setdefault(tuple(sorted(set(spans))), name)
    if len(fits) > 1:
        return None, f"its offsets can be read as {' or as '.join(fits.values())}; mark it again"
    if not fits:
        shown = ", ".join(f"[{value.get('start')}, {value.get('end')})" for value, _ in marks[:3])
        return None, f"its offsets ({shown}, ...) fit its text in no known counting; mark it again"
    spans_read, name = next(iter(fits.items()))
    return spans_read, None if name == "code points" else f"repaired: its offsets count {name}"


def _readings(text: str) -> Iterator[tuple[str, Callable[[Any], int | None]]]:
    """Ways of counting, each a function from an exported offset to a code point (None: not one)."""
    yield "code points", lambda offset: offset if _in_range(offset, len(text)) else None
    units: dict[int, int] = {}
    count = 0
    for point, char in enumerate(text):
        units[count] = point
        count += 2 if ord(char) > 0xFFFF else 1
    units[count] = len(text)
    yield "UTF-16 units", lambda offset: units.get(offset) if _in_range(offset, count) else None
    collapsed = [
        point for point in range(len(text) + 1) if text[point - 1 : point + 1] != "\r\n" or not point
    ]
    yield (
        "a text with CRLF collapsed",
        lambda offset: collapsed[offset] if _in_range(offset, len(collapsed) - 1) else None,
    )


def _in_range(offset: object, length: int) -> bool:
    return isinstance(offset, int) and not isinstance(offset, bool) and 0 <= offset <= length


def _agrees(copy: object, quoted: str) -> bool:
    """Whether `value.text` is the quoted string, but for what Label Studio does to white space."""
    if not isinstance(copy, str):
        return True
    plain = (text.replace("\\r", " ").replace("\\n", " ").split() for text in (copy, quoted))
    return next(plain) == next(plain)
