"""Inline markup to documents and tasks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infer.labelstudio import read_tasks
from infer.schema import Schema
from train.markup import MarkupError, main, parse, read_articles

ARTICLE = """%%% a-1
source: wire
year: 2019
events: agreement, visit

Посол [[OFFICIAL|Шарма]] 😀 и
«[[PARTNER|Фуяо]]».

%%% a-2
source: blog
events:

Снег.
"""


def test_offsets_are_those_of_the_text_without_markup() -> None:
    text, spans = parse("Посол [[OFFICIAL|Шарма]] и «[[PARTNER|Фуяо]]».")
    assert text == "Посол Шарма и «Фуяо»."
    assert [(text[span.start : span.end], span.label) for span in spans] == [
        ("Шарма", "OFFICIAL"),
        ("Фуяо", "PARTNER"),
    ]


def test_articles_have_header_spans_and_events_in_schema_order(tmp_path: Path, schema: Schema) -> None:
    path = tmp_path / "a.txt"
    path.write_text(ARTICLE, encoding="utf-8")
    first, second = read_articles(path, schema)
    assert (first.id, first.events, first.meta) == (
        "a-1",
        ("visit", "agreement"),
        {"source": "wire", "year": "2019"},
    )
    assert [first.quote(span) for span in first.spans] == ["Шарма", "Фуяо"]
    assert (second.text, second.spans, second.events) == ("Снег.", (), ())


def test_command_writes_tasks_that_read_back(
    tmp_path: Path, schema: Schema, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.txt"
    path.write_text(ARTICLE, encoding="utf-8")
    assert main([str(path)]) == 0
    export = tmp_path / "tasks.json"
    export.write_text(capsys.readouterr().out, encoding="utf-8")
    assert json.loads(export.read_text(encoding="utf-8"))[0]["data"]["source"] == "wire"
    tasks, problems = read_tasks(export, schema)
    assert not problems
    article = next(read_articles(path, schema))
    assert (tasks[0].text, tasks[0].annotations[0].spans) == (article.text, article.spans)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Снег.\n" + ARTICLE, "text before the first"),
        (ARTICLE.replace("OFFICIAL", "PERSON"), "a-1: PERSON is not in the schema"),
        (ARTICLE.replace("visit", "picnic"), "a-1: picnic is not in the schema"),
        (ARTICLE.replace("Шарма]]", "Шарма"), "a-1"),
    ],
)
def test_wrong_markup_is_named(tmp_path: Path, schema: Schema, text: str, message: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MarkupError, match=message):
        list(read_articles(path, schema))
