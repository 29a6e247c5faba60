"""Conflicts between annotators: which there are, how they are put into places, and how they are settled."""

from __future__ import annotations

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from infer.document import Span
from infer.labelstudio import Annotation, Task
from infer.schema import Schema
from train.conflicts import find_conflicts, list_conflicts, majority_of

TEXT = "Делегация провинции Хэнань прибыла в Тулу."
PROVINCE, NAME, TULA = (10, 26, "PARTNER"), (20, 26, "PARTNER"), (37, 41, "PARTNER")


def made(
    annotator: str, *spans: tuple[int, int, str], events: tuple[str, ...] = (), updated: str = ""
) -> Annotation:
    return Annotation(annotator, updated, tuple(Span(*span) for span in spans), events)


def test_a_place_holds_what_each_annotator_marked_there(schema: Schema) -> None:
    task = Task("t", TEXT, (made("anna", PROVINCE, TULA), made("boris", NAME, TULA), made("vera", TULA)))
    found = find_conflicts(task, schema)
    assert found is not None
    (place,) = found.places  # Tula is no conflict
    assert (place.start, place.end) == (10, 26)
    assert place.answers == {"anna": (Span(*PROVINCE),), "boris": (Span(*NAME),), "vera": ()}
    assert found.count == 1
    assert majority_of(place.answers) is None


def test_other_labels_conflict_and_same_nested_spans_do_not(schema: Schema) -> None:
    nested = (PROVINCE, (20, 26, "OFFICIAL"))
    assert find_conflicts(Task("t", TEXT, (made("a", *nested), made("b", *nested))), schema) is None
    found = find_conflicts(Task("t", TEXT, (made("a", PROVINCE), made("b", (10, 26, "SECTOR")))), schema)
    assert found is not None
    assert found.count == 1


def test_spans_that_only_touch_are_two_places(schema: Schema) -> None:
    task = Task("t", TEXT, (made("a", (0, 9, "SECTOR"), (9, 10, "SECTOR")), made("b")))
    found = find_conflicts(task, schema)
    assert found is not None
    assert [(place.start, place.end) for place in found.places] == [(0, 9), (9, 10)]


def test_events_conflict_one_by_one(schema: Schema) -> None:
    task = Task(
        "t", TEXT, (made("a", events=("visit", "agreement")), made("b", events=("visit",)), made("c"))
    )
    found = find_conflicts(task, schema)
    assert found is not None
    assert found.events == {
        "visit": {"a": True, "b": True, "c": False},
        "agreement": {"a": True, "b": False, "c": False},
    }
    assert [majority_of(votes) for votes in found.events.values()] == [True, False]


def test_the_newest_annotation_of_an_annotator_counts(schema: Schema) -> None:
    blind, settled = made("a", NAME, updated="2026-01"), made("a", PROVINCE, updated="2026-02")
    assert find_conflicts(Task("t", TEXT, (settled, blind, made("b", PROVINCE))), schema) is None


def test_most_conflicts_come_first_and_adjudicated_tasks_are_settled(schema: Schema) -> None:
    few = Task("few", TEXT, (made("a", PROVINCE), made("b")))
    many = Task("many", TEXT, (made("a", PROVINCE, events=("visit",)), made("b")))
    alone = Task("alone", TEXT, (made("a", PROVINCE),))
    settled = Task("settled", TEXT, (made("a", PROVINCE), made("b"), made("judge")))
    found = list_conflicts([few, many, alone, settled], schema, "judge")
    assert [(conflicts.task, conflicts.count) for conflicts in found] == [("many", 2), ("few", 1)]
    assert [conflicts.task for conflicts in list_conflicts([settled], schema)] == ["settled"]
    plain = json.loads(json.dumps(found[0].to_dict()))
    assert plain["places"][0]["text"] == "провинции Хэнань"
    assert plain["places"][0]["answers"]["a"][0]["label"] == "PARTNER"


marks = st.sets(
    st.tuples(st.integers(0, 12), st.integers(1, 5), st.sampled_from(["PARTNER", "SECTOR"])), max_size=5
)


@given(st.lists(marks, min_size=1, max_size=4))
def test_every_difference_is_in_exactly_one_place(given_marks: list[set[tuple[int, int, str]]]) -> None:
    schema = Schema(("PARTNER", "SECTOR"), ())
    annotations = [
        made(f"n{number}", *sorted((start, start + size, label) for start, size, label in spans))
        for number, spans in enumerate(given_marks)
    ]
    found = find_conflicts(Task("t", TEXT, tuple(annotations)), schema)
    sets = [set(annotation.spans) for annotation in annotations]
    differing = set.union(*sets) - set.intersection(*sets)
    places = found.places if found else ()
    for span in differing:
        assert sum(place.holds(span) for place in places) == 1
    for place in places:
        assert any(place.holds(span) for span in differing)
        assert all(
            place.start <= span.start and span.end <= place.end
            for spans in place.answers.values()
            for span in spans
        )
    for left, right in pairwise(places):
        assert left.end <= right.start
