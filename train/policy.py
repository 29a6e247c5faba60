"""Which annotation of a task is its gold: what `data.annotators` names.

latest            the newest annotation
majority          the spans and events that more than half of the annotations have
all               every annotation, each as an article of its own
adjudicator:NAME  the newest annotation of that annotator. A task that the adjudicator has not annotated is
                  taken as it is where its annotators agree. Where they differ, each conflict is decided by
                  the answer that more than half of them gave; when one has no such answer, the task is left
                  out, since half an annotation would teach that the rest is nothing. Both are said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from infer.document import Document, Span
from infer.labelstudio import Annotation, LabelStudioError, Task
from infer.schema import Schema
from train.agreement import Answers, by_annotator
from train.conflicts import Conflicts, find_conflicts, majority_of

POLICY = re.compile(r"latest|majority|all|adjudicator:\S.*")


@dataclass(frozen=True, slots=True)
class Choice:
    """The gold of a task: one Document, several by the policy `all`, or none; and what must be said of it."""

    documents: tuple[Document, ...]
    remark: str | None = None


def check_policy(policy: object) -> str:
    """The policy itself. Raises ValueError, saying what there is, when there is no such policy."""
    if not isinstance(policy, str) or not POLICY.fullmatch(policy):
        raise ValueError("must be latest, majority, all or adjudicator:NAME")
    return policy


def adjudicator_of(policy: str) -> str | None:
    """The annotator whom a policy names."""
    return policy.partition(":")[2] or None


def check_adjudicator(tasks: Sequence[Task], policy: str, file: str) -> None:
    """Raise LabelStudioError when the adjudicator has no annotation, naming those who have."""
    name = adjudicator_of(policy)
    found = Counter(annotation.annotator for task in tasks for annotation in task.annotations)
    if name and name not in found:
        others = ", ".join(f"{other or 'no name'} ({count})" for other, count in found.most_common())
        raise LabelStudioError(
            f"{file}: no annotation by the adjudicator {name}; its annotators are {others or 'none'}"
        )


def choose(task: Task, schema: Schema, policy: str) -> Choice:
    """The gold of a task."""
    if not task.annotations:
        return Choice((), "has no finished annotation")
    if policy == "all" and len(task.annotations) > 1:
        documents = (
            _to_document(task, annotation, f"{task.id}@{index}")
            for index, annotation in enumerate(task.annotations, 1)
        )
        return Choice(tuple(documents))
    if policy == "majority":
        return _choice(task, _majority(task.annotations, schema))
    if name := adjudicator_of(policy):
        return _adjudicate(task, schema, name)
    return _choice(task, _newest(task.annotations))


def _adjudicate(task: Task, schema: Schema, name: str) -> Choice:
    own = [annotation for annotation in task.annotations if annotation.annotator == name]
    if own:
        return _choice(task, _newest(own))
    found = find_conflicts(task, schema)
    if not found:
        return _choice(task, _newest(task.annotations))
    said = f"{name} has not annotated it and {found.count} of its annotators' answers conflict"
    settled = _decide(by_annotator(task, newest=True), found, schema)
    if settled is None:
        return Choice((), f"{said}, not all with a majority; it is left out")
    return _choice(task, settled, f"{said}; the majority decides")


def _decide(answers: Answers, found: Conflicts, schema: Schema) -> Annotation | None:
    """What the annotators agree on, and each conflict's majority; None where one has none."""
    agreed = next(iter(answers.values()))  # outside the conflicts anybody's will do
    spans = {span for span in agreed.spans if not any(place.holds(span) for place in found.places)}
    events = set(agreed.events)
    for place in found.places:
        marked = majority_of(place.answers)
        if marked is None:
            return None
        spans.update(marked)
    for event, votes in found.events.items():
        given = majority_of(votes)
        if given is None:
            return None
        events = events | {event} if given else events - {event}
    ordered = tuple(event for event in schema.events if event in events)
    return Annotation("majority", "", tuple(sorted(spans)), ordered)


def _newest(annotations: Sequence[Annotation]) -> Annotation:
    # max returns the first of equals; reversed, that is the one that stands last in the export
    return max(reversed(annotations), key=lambda annotation: annotation.updated)


def _majority(annotations: Sequence[Annotation], schema: Schema) -> Annotation:
    """Spans and events that more than half of the annotations have."""
    spans: Counter[Span] = Counter()
    events: Counter[str] = Counter()
    for annotation in annotations:
        spans.update(set(annotation.spans))
        events.update(set(annotation.events))
    needed = len(annotations) / 2
    return Annotation(
        "majority",
        "",
        tuple(sorted(span for span, count in spans.items() if count > needed)),
        tuple(event for event in schema.events if events[event] > needed),
    )


def _choice(task: Task, annotation: Annotation, remark: str | None = None) -> Choice:
    return Choice((_to_document(task, annotation, task.id),), remark)


def _to_document(task: Task, annotation: Annotation, name: str) -> Document:
    return Document(name, task.text, annotation.spans, annotation.events, meta=task.meta)
