"""Which annotation is gold, and what becomes of tasks that the adjudicator hasn't annotated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infer.document import Span
from infer.labelstudio import Annotation, LabelStudioError, Task
from infer.schema import Schema
from train.config import load_config
from train.corpus import load_corpus
from train.policy import Choice, choose

TEXT = "Посол Индии Шарма и посол Ирана Рази"
SHARMA, RAZI, INDIA = Span(12, 17, "OFFICIAL"), Span(32, 36, "OFFICIAL"), Span(6, 11, "PARTNER")
TASK = Task(
    "t",
    TEXT,
    (
        Annotation("1", "2024-01-03", (SHARMA, RAZI), ("visit",)),
        Annotation("2", "2024-01-02", (SHARMA, INDIA), ("visit", "agreement")),
        Annotation("3", "2024-01-01", (SHARMA, INDIA), ()),
    ),
)


def gold(choice: Choice) -> tuple[tuple[Span, ...], tuple[str, ...]]:
    (document,) = choice.documents
    return document.spans, document.events


def test_latest_takes_the_newest_annotation(schema: Schema) -> None:
    assert gold(choose(TASK, schema, "latest")) == ((SHARMA, RAZI), ("visit",))


def test_latest_without_dates_takes_the_last_in_the_export(schema: Schema) -> None:
    task = Task("t", TEXT, (Annotation("1", "", (SHARMA,)), Annotation("2", "", (RAZI,))))
    assert gold(choose(task, schema, "latest"))[0] == (RAZI,)


def test_majority_keeps_what_more_than_half_gave(schema: Schema) -> None:
    assert gold(choose(TASK, schema, "majority")) == ((INDIA, SHARMA), ("visit",))


def test_all_gives_a_document_an_annotation(schema: Schema) -> None:
    found = choose(TASK, schema, "all").documents
    assert [document.id for document in found] == ["t@1", "t@2", "t@3"]


def test_no_annotation_is_said(schema: Schema) -> None:
    assert choose(Task("t", TEXT, ()), schema, "all") == Choice((), "has no finished annotation")


def test_the_adjudicator_overrules_all(schema: Schema) -> None:
    choice = choose(TASK, schema, "adjudicator:2")
    assert gold(choice) == ((INDIA, SHARMA), ("visit", "agreement"))
    assert choice.remark is None


def test_the_adjudicators_newest_annotation_counts(schema: Schema) -> None:
    task = Task("t", TEXT, (Annotation("7", "2024-02", (SHARMA,)), Annotation("7", "2024-01", (RAZI,))))
    assert gold(choose(task, schema, "adjudicator:7"))[0] == (SHARMA,)


def test_without_the_adjudicator_annotators_who_agree_are_believed(schema: Schema) -> None:
    same = tuple(Annotation(name, "", (SHARMA, INDIA), ("visit",)) for name in ("1", "2"))
    for given in (same, same[:1]):
        choice = choose(Task("t", TEXT, given), schema, "adjudicator:9")
        assert gold(choice) == ((INDIA, SHARMA), ("visit",))
        assert choice.remark is None


def test_without_the_adjudicator_a_majority_decides_each_conflict(schema: Schema) -> None:
    choice = choose(TASK, schema, "adjudicator:9")
    assert gold(choice) == ((INDIA, SHARMA), ("visit",))
    # India, Razi, visit, agreement
    assert choice.remark == (
        "9 has not annotated it and 4 of its annotators' answers conflict; the majority decides"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Annotation("1", "", (SHARMA, RAZI)), Annotation("2", "", (SHARMA,))),
        (Annotation("1", "", (SHARMA,), ("visit",)), Annotation("2", "", (SHARMA,))),
    ],
)
def test_without_the_adjudicator_a_tie_leaves_the_article_out(
    one: Annotation, other: Annotation, schema: Schema
) -> None:
    choice = choose(Task("t", TEXT, (one, other)), schema, "adjudicator:9")
    assert choice == Choice(
        (),
        "9 has not annotated it and 1 of its annotators' answers conflict, not all with a majority; "
        "it is left out",
    )


def raw(name: str, *annotators: object, **annotation: Any) -> dict[str, Any]:
    made = [{"completed_by": annotator, "result": [], **annotation} for annotator in annotators]
    return {"id": 1, "data": {"id": name, "text": TEXT}, "annotations": made}


def test_an_adjudicator_whom_the_export_lacks_is_an_error_that_names_the_others(
    tmp_path: Path, schema: Schema
) -> None:
    path = tmp_path / "export.json"
    tasks = [raw("a", {"email": "anna@example.org"}, 2), raw("b", {"email": "anna@example.org"})]
    path.write_text(json.dumps(tasks), encoding="utf-8")
    with pytest.raises(LabelStudioError) as caught:
        load_corpus(path, schema, "adjudicator:vera@example.org")
    assert str(caught.value) == (
        f"{path}: no annotation by the adjudicator vera@example.org; "
        "its annotators are anna@example.org (2), 2 (1)"
    )
    corpus = load_corpus(path, schema, "adjudicator:anna@example.org")
    assert [document.id for document in corpus.documents] == ["a", "b"]
    assert not corpus.problems


def test_disputed_articles_without_the_adjudicator_are_listed(tmp_path: Path, schema: Schema) -> None:
    visit = {"type": "choices", "value": {"choices": ["visit"]}}
    open_task = raw("open", 1, 2)
    open_task["annotations"][0]["result"] = [visit]
    path = tmp_path / "export.json"
    path.write_text(json.dumps([open_task, raw("settled", 3)]), encoding="utf-8")
    corpus = load_corpus(path, schema, "adjudicator:3")
    assert [document.id for document in corpus.documents] == ["settled"]
    (problem,) = corpus.problems
    assert str(problem).startswith("export.json, task open: 3 has not annotated it and 1 of")


def test_a_config_names_the_adjudicator() -> None:
    config = load_config(Path("configs/default.yaml"), ["data.annotators=adjudicator:anna@example.org"])
    assert config.data.annotators == "adjudicator:anna@example.org"
    assert config.model_dump(mode="json")["data"]["annotators"] == "adjudicator:anna@example.org"
