"""Extractions made by hand, for the tests of what is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infer.document import Document, Span
from infer.normal import Normalizer
from infer.records import Extraction, to_record
from infer.schema import Schema

SCHEMA = Schema(("PARTNER", "OFFICIAL", "SECTOR"), ("visit", "agreement", "exhibition"))


def make_extraction(
    name: str,
    text: str,
    marks: Mapping[str, str] | None = None,
    events: tuple[str, ...] = (),
    meta: Mapping[str, Any] | None = None,
) -> Extraction:
    """An article with the first place of each string in `marks` under its label."""
    spans = tuple(
        Span(text.index(part), text.index(part) + len(part), label, 0.875)
        for part, label in (marks or {}).items()
    )
    scores = {event: 0.75 if event in events else 0.25 for event in SCHEMA.events}
    document = Document(name, text, spans, events, scores, meta or {})
    return Extraction(to_record(document, Normalizer()), Normalizer().keys(document))


ARTICLES = (
    make_extraction(
        "a.txt",
        "Губернатор Алексей Островский принял делегацию провинции Хэйлунцзян. Островского ждут.",
        {"Алексей Островский": "OFFICIAL", "провинции Хэйлунцзян": "PARTNER", "Островского": "OFFICIAL"},
        ("visit",),
        {"title": "Гости", "date": "12.03.2018", "url": "https://example.org/a", "source": "Вести"},
    ),
    make_extraction(
        "b.txt",
        "С провинцией Хэйлунцзян договорились о туризме.",
        {"провинцией Хэйлунцзян": "PARTNER", "туризме": "SECTOR"},
        ("visit", "agreement"),
        {"Дата": "2018-03-30T10:00:00", "Источник": "Вести"},
    ),
    make_extraction("c.txt", "Пусто.", meta={"date": "давно"}),
    make_extraction("d.txt", "Туризм растёт.", {"Туризм": "SECTOR"}, ("exhibition",), {"date": "2017"}),
)
