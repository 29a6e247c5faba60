"""Agreement between the annotators of one export, on the tasks that two or more of them annotated.

Spans: strict F1 (same label, start and end) between each pair of annotators, over the tasks that both
annotated; it is symmetric, so neither of them is gold. Events: each type is a yes or no for each task;
Krippendorff's alpha over all annotators, Cohen's kappa for each pair. A measure that its data leave
undefined (no such span, one answer everywhere) is None, never a made-up 0 or 1.

An annotator with several annotations of a task counts with the earliest: later ones may be settled with
the others. Annotations without an annotator's name are told apart by their order in the task.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from infer.labelstudio import Annotation, Task
from infer.schema import Schema

Answers = Mapping[str, Annotation]  # of one task, by annotator


@dataclass(frozen=True, slots=True)
class Pair:
    """How far two annotators agree; "micro" stands beside the labels."""

    annotators: tuple[str, str]
    tasks: int
    span_f1: Mapping[str, float | None]
    event_kappa: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Agreement:
    """All measures of one export."""

    tasks: int  # with two or more annotators
    pairs: tuple[Pair, ...]
    event_alpha: Mapping[str, float | None]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


def agreement(tasks: Sequence[Task], schema: Schema) -> Agreement | None:
    """The agreement between annotators; None when no task has two."""
    shared = [answers for answers in map(by_annotator, tasks) if len(answers) > 1]
    if not shared:
        return None
    alphas = {
        event: krippendorff_alpha([[event in one.events for one in answers.values()] for answers in shared])
        for event in schema.events
    }
    names = sorted({name for answers in shared for name in answers})
    pairs = [
        _pair((first, second), both, schema)
        for first, second in combinations(names, 2)
        if (both := [answers for answers in shared if first in answers and second in answers])
    ]
    return Agreement(len(shared), tuple(pairs), alphas)


def by_annotator(task: Task, newest: bool = False) -> Answers:
    """One annotation for each annotator of a task, the earliest or the newest of theirs."""
    answers: dict[str, Annotation] = {}
    for position, annotation in enumerate(task.annotations, 1):
        name = annotation.annotator or f"annotation {position}"
        known = answers.get(name)
        if known is None or (
            annotation.updated >= known.updated if newest else annotation.updated < known.updated
        ):
            answers[name] = annotation
    return answers


def span_f1(pairs: Sequence[tuple[Annotation, Annotation]], labels: Sequence[str]) -> float | None:
    """Strict F1 over all tasks together, 2 |A and B| / (|A| + |B|), of the spans with these labels."""
    same = total = 0
    for first, second in pairs:
        left = {span for span in first.spans if span.label in labels}
        right = {span for span in second.spans if span.label in labels}
        same += len(left & right)
        total += len(left) + len(right)
    return 2 * same / total if total else None


def krippendorff_alpha(units: Sequence[Sequence[object]]) -> float | None:
    """Nominal alpha of the values that each unit was given, in any number; None when undefined.

    alpha = 1 - (n - 1) * sum of o_ck / sum of n_c n_k, both over c != k, where o are the coincidences:
    each ordered pair of values within a unit of m values counts 1 / (m - 1), n_c is the number of
    values c in units with two or more values, and n is their sum.
    Source: K. Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C.
    """
    disagreeing = 0.0
    totals: Counter[object] = Counter()
    for values in units:
        if len(values) < 2:
            continue
        counts = Counter(values)
        totals.update(counts)
        disagreeing += sum(count * (len(values) - count) for count in counts.values()) / (len(values) - 1)
    n = sum(totals.values())
    expected = sum(count * (n - count) for count in totals.values())
    return 1 - (n - 1) * disagreeing / expected if expected else None


def cohen_kappa(answers: Sequence[tuple[bool, bool]]) -> float | None:
    """Cohen's kappa of two annotators' answers; None when both gave one and the same throughout."""
    if len({answer for pair in answers for answer in pair}) < 2:
        return None
    from sklearn.metrics import cohen_kappa_score

    return float(cohen_kappa_score([first for first, _ in answers], [second for _, second in answers]))


def _pair(names: tuple[str, str], shared: Sequence[Answers], schema: Schema) -> Pair:
    pairs = [(answers[names[0]], answers[names[1]]) for answers in shared]
    kappas = {
        event: cohen_kappa([(event in one.events, event in two.events) for one, two in pairs])
        for event in schema.events
    }
    f1 = {
        "micro": span_f1(pairs, schema.labels),
        **{label: span_f1(pairs, [label]) for label in schema.labels},
    }
    return Pair(names, len(pairs), f1, kappas)
