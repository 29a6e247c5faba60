"""Where the annotators of a task differ, place by place: what is to be settled.

Spans of whichever annotators that overlap, directly or through others, make one place; marking nothing there
is an answer, too. A place where all gave the same spans is no conflict, nor is an event that all or none
gave. An annotator with several annotations of a task counts with the newest (`train.agreement` takes the
earliest: it measures blind work, this lists what is still open).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from infer.document import Span
from infer.labelstudio import Task
from infer.schema import Schema
from train.agreement import Answers, by_annotator

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch `[start, end)` of a text, and what each annotator marked in it."""

    start: int
    end: int
    answers: Mapping[str, tuple[Span, ...]]

    def holds(self, span: Span) -> bool:
        """Whether a span lies in it; an annotator's spans lie in a place or outside."""
        return self.start <= span.start < self.end


@dataclass(frozen=True, slots=True)
class Conflicts:
    """What the annotators of one task differ in; never empty."""

    task: str
    text: str
    annotators: tuple[str, ...]
    places: tuple[Place, ...]
    events: Mapping[str, Mapping[str, bool]]  # who gave the event, and who did not

    @property
    def count(self) -> int:
        """Places and events together."""
        return len(self.places) + len(self.events)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON, with the text of each place in place of the whole."""
        places = [{"text": self.text[place.start : place.end], **asdict(place)} for place in self.places]
        return {"task": self.task, "annotators": self.annotators, "places": places, "events": self.events}


def list_conflicts(tasks: Sequence[Task], schema: Schema, adjudicator: str | None = None) -> list[Conflicts]:
    """The conflicts of all tasks, most first; tasks that the adjudicator has annotated are settled."""
    open_tasks = (task for task in tasks if not any(one.annotator == adjudicator for one in task.annotations))
    found = [conflicts for task in open_tasks if (conflicts := find_conflicts(task, schema))]
    return sorted(found, key=lambda conflicts: -conflicts.count)


def find_conflicts(task: Task, schema: Schema) -> Conflicts | None:
    """Where a task's annotators differ; None where they don't, or where there is one."""
    answers = by_annotator(task, newest=True)
    places = tuple(place for place in _places(answers) if len(set(place.answers.values())) > 1)
    votes = {event: {name: event in one.events for name, one in answers.items()} for event in schema.events}
    events = {event: given for event, given in votes.items() if len(set(given.values())) > 1}
    return Conflicts(task.id, task.text, tuple(answers), places, events) if places or events else None


def majority_of(answers: Mapping[str, T]) -> T | None:
    """The answer that more than half of the annotators gave, None when there is none."""
    answer, count = Counter(answers.values()).most_common(1)[0]
    return answer if count > len(answers) / 2 else None


def _places(answers: Answers) -> Iterator[Place]:
    """All places of a task, in the text's order."""
    bounds: list[tuple[int, int]] = []
    for span in sorted({span for annotation in answers.values() for span in annotation.spans}):
        if bounds and span.start < bounds[-1][1]:
            bounds[-1] = (bounds[-1][0], max(bounds[-1][1], span.end))
        else:
            bounds.append((span.start, span.end))
    for start, end in bounds:
        inside = {
            name: tuple(span for span in annotation.spans if start <= span.start < end)
            for name, annotation in answers.items()
        }
        yield Place(start, end, inside)
