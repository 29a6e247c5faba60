"""Counts over all articles: of each entity, and of each month's events.

An entity is a label and a key; keys that differ only in capitals, spaces or ё are one
(`nominative.fold`), shown as they are written most often. Counts do not depend on the order of articles;
equal ones go by name. Uncertain spans are not counted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from infer.nominative import fold
from infer.normal import clean
from infer.records import Extraction
from infer.schema import Schema

UNDATED = "undated"
MOST = 50  # forms and neighbours listed of an entity; the mentions have them all

Name = tuple[str, str]  # label and folded key


@dataclass(slots=True)
class _Entity:
    articles: int = 0
    first: str | None = None
    last: str | None = None
    keys: Counter[str] = field(default_factory=Counter)
    forms: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    neighbours: Counter[Name] = field(default_factory=Counter)


class EntityCounts:
    """A counter for every entity, fed article by article."""

    def __init__(self, schema: Schema) -> None:
        self._labels = schema.labels
        self._entities: defaultdict[Name, _Entity] = defaultdict(_Entity)

    def add(self, extraction: Extraction, date: str | None) -> None:
        """Count an article's mentions; `date` is its ISO 8601 date, if it has one."""
        names: dict[Name, Name] = {}
        for span, key in zip(extraction.record["spans"], extraction.keys, strict=True):
            if span.get("uncertain"):
                continue
            name = (span["label"], fold(key))
            entity = self._entities[name]
            entity.keys[key] += 1
            entity.forms[clean(span["text"])] += 1
            names.setdefault(name, name)
        for name in names:
            entity = self._entities[name]
            entity.articles += 1
            entity.events.update(extraction.record["events"])
            entity.neighbours.update(other for other in names if other != name)
            if date:
                entity.first = min(entity.first or date, date)
                entity.last = max(entity.last or date, date)

    def rows(self) -> Iterator[list[str | int | float | None]]:
        """A row an entity, by label and then the most frequent first."""
        shown = {name: _most(entity.keys)[0][0] for name, entity in self._entities.items()}
        for label in self._labels:
            found = [(name, entity) for name, entity in self._entities.items() if name[0] == label]
            for name, entity in sorted(found, key=lambda item: (-item[1].articles, shown[item[0]])):
                counts = [entity.keys.total(), entity.articles]
                together: dict[str, Counter[str]] = {other: Counter() for other in self._labels}
                for other, count in entity.neighbours.items():
                    together[other[0]][shown[other]] += count
                lists = [_list(together[other]) for other in self._labels]
                yield [
                    *(label, shown[name], _list(entity.forms)),
                    *counts,
                    *(entity.first, entity.last),
                    *lists,
                    _list(entity.events),
                ]


class MonthCounts:
    """Articles of each month by event; those without a date are counted apart."""

    def __init__(self, schema: Schema) -> None:
        self._events = schema.events
        self._articles: Counter[str] = Counter()
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def add(self, extraction: Extraction, date: str | None) -> None:
        """Count an article."""
        month = date[:7] if date else UNDATED
        self._articles[month] += 1
        self._counts[month].update(extraction.record["events"] or [""])

    def rows(self) -> Iterator[list[str | int | float | None]]:
        """A row a month, in order of time; a year alone stands before its months, `undated` last."""
        for month in sorted(self._articles):
            counts = self._counts[month]
            yield [month, self._articles[month], *(counts[event] for event in self._events), counts[""]]


def _most(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _list(counts: Counter[str]) -> str:
    return "; ".join(f"{name} ({count})" for name, count in _most(counts)[:MOST])
