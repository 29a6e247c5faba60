"""Tasks as a Label Studio server holds them, and predictions in the names of its project."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from infer.backend import differences, read_task, restrict, shares_nothing, to_prediction
from infer.document import Document, Span
from infer.failure import Failure
from infer.schema import Schema

TEXT = "Губернатор 👍 принял посла Индии"
FOUND = Document(
    "7",
    TEXT,
    (Span(0, 10, "OFFICIAL", 0.75), Span(26, 31, "PARTNER", 0.5)),
    ("visit", "agreement"),
    {"visit": 0.6, "agreement": 0.9, "exhibition": 0.1},
)


def test_the_text_of_a_task_is_untouched(schema: Schema) -> None:
    text = " \r\nДа 👍\n"
    assert read_task({"id": 7, "data": {"text": text}, "predictions": []}, schema) == Document("7", text)
    assert read_task({"data": {"body": "Да"}}, replace(schema, text_key="body")) == Document("?", "Да")


@pytest.mark.parametrize(
    ("task", "says"),
    [
        ({"id": 7, "data": {"text": "s3://bucket/a.txt"}}, "an address"),
        ({"id": 7, "data": {"text": "https://example.com/a"}}, "an address"),
        ({"id": 7, "data": {"text": " \n"}}, "empty"),
        ({"id": 7, "data": {"text": ""}}, "empty"),
        ({"id": 7, "data": {"text": None}}, "no text"),
        ({"id": 7, "data": {"text": ["Да"]}}, "no text"),
        ({"id": 7, "data": {"txt": "Да"}}, "no text"),
        ({"id": 7, "data": []}, "no text"),
        ({"id": 7}, "no text"),
    ],
)
def test_a_task_without_a_usable_text_says_why(task: Any, says: str, schema: Schema) -> None:
    found = read_task(task, schema)
    assert isinstance(found, Failure)
    assert found.id == "7"
    assert says in found.reason
    prediction = to_prediction(found, schema, "v1")
    assert prediction == {"model_version": "v1", "score": 0.0, "result": [], "reason": found.reason}


@pytest.mark.parametrize("task", [None, 7, "Да", [], {}])
def test_what_is_no_task_at_all_is_a_failure_too(task: Any, schema: Schema) -> None:
    assert isinstance(read_task(task, schema), Failure)


def test_a_prediction_is_in_the_names_of_the_project(schema: Schema) -> None:
    project = replace(schema, spans_name="who", events_name="what", text_name="article")
    prediction = to_prediction(FOUND, project, "v1")
    assert (prediction["model_version"], prediction["score"]) == ("v1", 0.5)
    official, partner, events = prediction["result"]
    assert (official["from_name"], official["to_name"], official["type"]) == ("who", "article", "labels")
    assert partner["value"] == {"start": 26, "end": 31, "text": "Индии", "labels": ["PARTNER"]}
    assert [official["score"], partner["score"]] == [0.75, 0.5]
    assert (events["from_name"], events["value"]) == ("what", {"choices": ["visit", "agreement"]})


def test_what_the_project_has_no_label_for_is_left_out(schema: Schema) -> None:
    project = replace(schema, labels=("PARTNER", "PLACE"), events=("agreement", "visit"))
    assert restrict(FOUND, project) == replace(FOUND, spans=FOUND.spans[1:])
    assert restrict(FOUND, replace(schema, events=())) == replace(FOUND, events=())
    assert restrict(FOUND, schema) == FOUND


def test_a_project_of_one_choice_gets_the_most_probable(schema: Schema) -> None:
    single = replace(schema, multiple=False)
    assert restrict(FOUND, single).events == ("agreement",)
    assert restrict(FOUND, replace(single, events=("visit", "other"))).events == ("visit",)
    assert restrict(replace(FOUND, events=()), single).events == ()


def test_differences_are_said_each_way(schema: Schema) -> None:
    assert differences(schema, schema) == []
    renamed = replace(schema, spans_name="who", events_name="what", text_name="article", text_key="body")
    assert differences(schema, renamed) == []
    labels, unknown, choice, single = differences(
        schema,
        replace(
            schema, labels=("PARTNER", "OFFICIAL", "PLACE"), events=("visit", "agreement"), multiple=False
        ),
    )
    assert "no label SECTOR: left out" in labels
    assert "the model knows no label PLACE" in unknown
    assert "no choice exhibition" in choice
    assert "takes one choice" in single


def test_one_common_name_is_enough(schema: Schema) -> None:
    assert not shares_nothing(schema, replace(schema, labels=()))
    assert not shares_nothing(schema, replace(schema, labels=("PLACE", "SECTOR"), events=()))
    assert shares_nothing(schema, replace(schema, labels=("PLACE",), events=("PARTNER",)))
