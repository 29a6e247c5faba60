"""The rival that training is compared with is an honest one: it is taught right and read right."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from benchmarks.tutorial import (
    IGNORED,
    Lesson,
    answer_events,
    answer_spans,
    read_tags,
    tag_tokens,
    train_events,
    train_spans,
)
from infer.align import to_span, tokenize
from infer.document import Document, Span
from infer.schema import Schema


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 3), st.integers(0, 2)), max_size=8))
def test_tags_are_read_back_as_the_spans_they_say(drawn: list[tuple[bool, int, int]]) -> None:
    tags: list[int] = []
    spans = []
    for gap, length, label in drawn:
        tags += [0] * gap
        spans.append((len(tags), len(tags) + length, label))
        tags += [2 * label + 1, *[2 * label + 2] * (length - 1)]
    assert list(read_tags(tags)) == spans


def test_an_inside_that_continues_nothing_begins_a_span() -> None:
    assert list(read_tags([0, 2, 2, 4, 0])) == [(1, 3, 0), (3, 4, 1)]


def test_the_rival_is_taught_the_first_piece_of_each_word(backbone: Path, schema: Schema) -> None:
    text = "Посол Индии Раджеш Шарма осмотрел стенды."
    document = Document("a", text, (Span(12, 24, "OFFICIAL"), Span(6, 11, "PARTNER")))
    tokenizer = AutoTokenizer.from_pretrained(backbone)
    [row] = tag_tokens([document], tokenizer, schema)
    [units] = tokenize([text], tokenizer)
    assert len(row["input_ids"]) == len(row["labels"]) == len(units.ids) + 2
    tags = [row["labels"][first + 1] for first, _ in units.tokens]
    assert sum(tag != IGNORED for tag in row["labels"]) == len(units)
    found = {to_span(a, b, schema.labels[label], units) for a, b, label in read_tags(tags)}
    assert found == set(document.spans)


@pytest.mark.slow
def test_the_rival_learns_and_answers_every_article(backbone: Path, schema: Schema) -> None:
    documents = [
        Document(str(number), f"Посол {name} приехал", (Span(6, 6 + len(name), "PARTNER"),), ("visit",))
        for number, name in enumerate(("Индии", "Китая", "Омана", "Чехии") * 3)
    ]
    lesson = Lesson(str(backbone), documents, documents[:4], schema, 30, 3e-3, 13, 4, False)
    spans = answer_spans(train_spans(lesson), documents, schema)
    events = answer_events(train_events(lesson), documents, schema)
    assert [document.spans for document in spans] == [document.spans for document in documents]
    assert [document.events for document in events] == [("visit",)] * len(documents)
