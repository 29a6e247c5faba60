"""What a Label Studio project asks of a model: the project's tasks in, predictions in its own names out.

The project's labeling config needn't be the model's. Predictions use the project's tag names and hold only
labels and choices that the project has; `differences` says what that leaves out. Every task gets a
prediction: one whose text can't be used gets an empty one with the reason.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from infer.document import Document
from infer.failure import Failure
from infer.labelstudio import reject_text, to_task
from infer.schema import Schema


def read_task(task: Any, schema: Schema) -> Document | Failure:
    """The text of a task as the server sends it, or why there is none."""
    name = str(task.get("id", "?")) if isinstance(task, dict) else "?"
    data = task.get("data") if isinstance(task, dict) else None
    text: Any = data.get(schema.text_key) if isinstance(data, dict) else None
    reason = reject_text(text, schema.text_key)
    if reason is None and not text.strip():
        reason = f'its text under "{schema.text_key}" is empty'
    if reason:
        return Failure(name, reason, "import the task with a text")
    return Document(name, text)


def to_prediction(found: Document | Failure, schema: Schema, version: str) -> dict[str, Any]:
    """The prediction for a task: an extracted document in the project's names, or an empty one."""
    if isinstance(found, Failure):
        return {"model_version": version, "score": 0.0, "result": [], "reason": found.reason}
    prediction: dict[str, Any] = to_task(restrict(found, schema), schema, version)["predictions"][0]
    return prediction


def restrict(document: Document, schema: Schema) -> Document:
    """The document without what the project has no label or choice for; one event where it takes one."""
    events = [event for event in document.events if event in schema.events]
    if not schema.multiple:
        events = sorted(events, key=lambda event: -document.event_scores[event])[:1]
    spans = tuple(span for span in document.spans if span.label in schema.labels)
    return replace(document, spans=spans, events=tuple(events))


def shares_nothing(model: Schema, project: Schema) -> bool:
    """Whether no prediction of the model could ever stand in the project."""
    return not (set(model.labels) & set(project.labels) or set(model.events) & set(project.events))


def differences(model: Schema, project: Schema) -> list[str]:
    """In sentences, where a project and a model disagree; none when predictions lose nothing."""
    found = []
    for kind, ours, theirs in (
        ("label", model.labels, project.labels),
        ("choice", model.events, project.events),
    ):
        absent = [name for name in ours if name not in theirs]
        unknown = [name for name in theirs if name not in ours]
        if absent:
            found.append(f"the project has no {kind} {', '.join(absent)}: left out of predictions")
        if unknown:
            found.append(f"the model knows no {kind} {', '.join(unknown)}: never predicted")
    if model.multiple and not project.multiple and model.events and project.events:
        found.append("the project takes one choice, the model gives several: the most probable is predicted")
    return found
