"""Extractions as rows of four tables.

| table | a row is | columns |
| --- | --- | --- |
| extractions | an article | id, title, date, url, source, events, event scores, keys of each label, length |
| mentions | a marked span | id, label, text, normal, key, start, end, score, uncertain (0 or 1) |
| entities | a label and key | forms, mentions, articles, first and last date, what it stands with, events |
| summary | a month | articles, those of each event, those of no event |

Title, date, url and source come out of an article's `meta`, under whichever of the usual names they have
there; where there is no title, the text's first line is it, unless it is long. A key is the entity's fullest
normal form in its article (`normal.keys`). Uncertain spans stand in `mentions` alone. Articles and mentions
pass by one at a time; entities and months are counted in memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infer.dates import parse_date
from infer.entities import EntityCounts, MonthCounts
from infer.records import Extraction
from infer.schema import Schema

Cell = str | int | float | None
Columns = tuple[tuple[str, type], ...]
FACTS = {  # what meta may call them, the likeliest first
    "title": ("title", "headline", "заголовок", "название"),
    "date": ("date", "published", "published_at", "datetime", "pubdate", "дата", "дата публикации"),
    "url": ("url", "link", "href", "ссылка", "адрес"),
    "source": ("source", "site", "sitename", "hostname", "источник", "сайт", "сми"),
}
LONGEST_TITLE = 140  # characters of a first line that can be a title, as on the page (page.model.js)
_FIRST_LINE = re.compile(r"\S[^\r\n]*")


@dataclass(frozen=True, slots=True)
class Table:
    """A table's name and its columns, each with the type of its values; any value may be None."""

    name: str
    columns: Columns


def make_tables(schema: Schema) -> tuple[Table, ...]:
    """The four tables, in the order in which a reader wants them."""
    groups = [label.lower() for label in schema.labels]
    scores = [f"{event}_score" for event in schema.events]
    return (
        _table(
            "extractions",
            *_typed(str, "id", *FACTS, "events"),
            *_typed(float, *scores),
            *_typed(str, *groups),
            ("length", int),
        ),
        _table(
            "mentions",
            *_typed(str, "id", "label", "text", "normal", "key"),
            *_typed(int, "start", "end"),
            ("score", float),
            ("uncertain", int),
        ),
        _table(
            "entities",
            *_typed(str, "label", "key", "forms"),
            *_typed(int, "mentions", "articles"),
            *_typed(str, "first_date", "last_date", *(f"with_{group}" for group in groups), "with_events"),
        ),
        _table("summary", ("month", str), *_typed(int, "articles", *schema.events, "no_event")),
    )


def make_rows(extractions: Iterable[Extraction], schema: Schema) -> Iterator[tuple[str, list[Cell]]]:
    """The rows of all tables, each with its table's name, in one pass."""
    entities, months = EntityCounts(schema), MonthCounts(schema)
    for extraction in extractions:
        facts = find_facts(extraction.record["meta"])
        date = parse_date(facts["date"])
        entities.add(extraction, date)
        months.add(extraction, date)
        yield "extractions", _article_row(extraction, facts, schema)
        for row in _mention_rows(extraction):
            yield "mentions", row
    for row in entities.rows():
        yield "entities", row
    for row in months.rows():
        yield "summary", row


def find_facts(meta: Mapping[str, Any]) -> dict[str, str | None]:
    """Title, date, url and source, None where not known; a date that can be read is in ISO 8601."""
    known = {key.strip().lower(): value for key, value in meta.items() if value not in (None, "")}
    facts = {}
    for fact, names in FACTS.items():
        value = next((known[name] for name in names if name in known), None)
        date = parse_date(value) if fact == "date" else None
        facts[fact] = date or (None if value is None else str(value))
    return facts


def _article_row(extraction: Extraction, facts: Mapping[str, str | None], schema: Schema) -> list[Cell]:
    record = extraction.record
    title = facts["title"] or _first_line(record["text"])
    spans = zip(record["spans"], extraction.keys, strict=True)
    sure = [(span["label"], key) for span, key in spans if not span.get("uncertain")]
    groups = ["; ".join(dict.fromkeys(key for of, key in sure if of == label)) for label in schema.labels]
    scores = [record["event_scores"].get(event) for event in schema.events]
    known = {**facts, "title": title}.values()
    return [record["id"], *known, "; ".join(record["events"]), *scores, *groups, len(record["text"])]


def _first_line(text: str) -> str | None:
    """The first line that isn't blank, None when it is too long for a title."""
    line = _FIRST_LINE.search(text)
    return line[0].rstrip() if line and len(line[0].rstrip()) <= LONGEST_TITLE else None


def _mention_rows(extraction: Extraction) -> Iterator[list[Cell]]:
    for span, key in zip(extraction.record["spans"], extraction.keys, strict=True):
        words = [span[name] for name in ("label", "text", "normal")]
        numbers = [span["start"], span["end"], span["score"], int(span.get("uncertain", False))]
        yield [extraction.record["id"], *words, key, *numbers]


def _table(name: str, *columns: tuple[str, type]) -> Table:
    """A table whose columns differ in name, whatever the schema calls its labels and events."""
    unique: dict[str, type] = {}
    for column, kind in columns:
        unique[column + "_" * sum(other.rstrip("_") == column for other in unique)] = kind
    return Table(name, tuple(unique.items()))


def _typed(kind: type, *names: str) -> Iterator[tuple[str, type]]:
    return ((name, kind) for name in names)
