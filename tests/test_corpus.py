"""What of an export is used, and what a split keeps together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infer.document import Document, Span
from infer.labelstudio import LabelStudioError
from infer.schema import Schema
from train.corpus import load_corpus, near_duplicates, split_dev, strip

TEXT = "Посол Индии Шарма и посол Ирана Рази"
SHARMA = Span(12, 17, "OFFICIAL")


def test_empty_annotation_is_gold_and_no_annotation_is_a_problem(tmp_path: Path, schema: Schema) -> None:
    path = tmp_path / "export.json"
    tasks = [
        {"id": 1, "data": {"text": "Снег."}, "annotations": [{"result": [], "was_cancelled": False}]},
        {"id": 2, "data": {"text": "Дождь."}, "annotations": [{"result": [], "was_cancelled": True}]},
    ]
    path.write_text(json.dumps(tasks), encoding="utf-8")
    corpus = load_corpus(path, schema)
    assert [document.id for document in corpus.documents] == ["1"]
    assert [str(problem) for problem in corpus.problems] == [
        "export.json, task 2: has no finished annotation"
    ]


def test_export_without_usable_tasks_is_an_error(tmp_path: Path, schema: Schema) -> None:
    path = tmp_path / "export.json"
    path.write_text("[]")
    with pytest.raises(LabelStudioError, match=r"export\.json: no usable annotated task"):
        load_corpus(path, schema)


def _articles() -> list[Document]:
    words = ["завод", "порт", "сыр", "лес", "театр", "мост", "школа", "банк", "рейс", "форум", "музей", "вуз"]
    return [
        Document(f"d{i}", " ".join(f"{word}{(i + 1) * (j + 3)}" for j, word in enumerate(words)))
        for i in range(20)
    ]


def test_reprints_share_a_group_and_a_side_of_the_split() -> None:
    articles = _articles()
    reprint = Document("reprint", articles[0].text + " Фото автора")
    groups = near_duplicates([document.text for document in [*articles, reprint]])
    assert groups[0] == groups[-1]
    assert len(set(groups)) == 20
    for seed in range(10):
        train, dev = split_dev([*articles, reprint], 0.3, seed)
        ids = {document.id for document in dev}
        assert ("d0" in ids) == ("reprint" in ids)
        assert len(train) + len(dev) == 21


def test_split_is_the_same_for_the_same_seed() -> None:
    first, second = (split_dev(_articles(), 0.2, 5) for _ in range(2))
    assert first == second
    assert first != split_dev(_articles(), 0.2, 6)


def test_split_needs_two_different_articles() -> None:
    with pytest.raises(ValueError, match="at least two different"):
        split_dev([Document("a", "Одно и то же. " * 5), Document("b", "Одно и то же. " * 5)], 0.5, 1)


def test_texts_of_less_than_four_words_are_never_near_duplicates() -> None:
    assert len(set(near_duplicates(["Да", "Да", "Нет"]))) == 3


def test_strip_leaves_text_only() -> None:
    (bare,) = strip([Document("a", TEXT, (SHARMA,), ("visit",), meta={"k": 1})])
    assert (bare.text, bare.spans, bare.events) == (TEXT, (), ())


def test_an_id_that_an_annotation_needs_and_a_task_has_is_listed(tmp_path: Path, schema: Schema) -> None:
    twice = {"id": 1, "data": {"id": "a", "text": TEXT}, "annotations": [{"result": []}, {"result": []}]}
    other = {"id": 2, "data": {"id": "a@1", "text": "Другой"}, "annotations": [{"result": []}]}
    (tmp_path / "e.json").write_text(json.dumps([twice, other]), encoding="utf-8")
    corpus = load_corpus(tmp_path / "e.json", schema, "all")
    assert [document.id for document in corpus.documents] == ["a@1", "a@2"]
    assert [str(problem) for problem in corpus.problems] == [
        "e.json, task a@1: its annotation goes by the id a@1, which is taken; it is left out"
    ]
