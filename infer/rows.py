"""Rows of a table to Documents: which column is the text, which the id; the others go into meta.

The text column is the one asked for, or one with a usual name (`NAMES`, in any case), or else the only one
of long strings. An `id` column gives the id, a row without one goes by its place; an id that came before in
the same file gets `#2`, `#3` (the ids of one file are all that is kept). Meta holds plain JSON values:
dates in ISO format, numbers as numbers, empty cells left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from itertools import chain
from statistics import median
from typing import Any

from infer.document import Document
from infer.encoding import TEXT_LIMIT
from infer.failure import Failure, ReadError

NAMES = (
    "text",
    "текст",
    "full_text",
    "article_text",
    "полный текст",
    "текст статьи",
    "текст новости",
    "текст публикации",
    "текст сообщения",
    "body",
    "content",
    "article",
    "статья",
    "новость",
    "содержание",
)
SAMPLE = 100  # rows looked at before the text column must be known
LONG = 200  # characters; titles are shorter, articles longer
ANSWERS = frozenset({"events", "event_scores", "spans"})  # of a record of our own, read again


@dataclass(frozen=True, slots=True)
class Row:
    """A row's place in its file, which is its id when it has none, and its cells by column."""

    place: str
    cells: Mapping[str, Any]


def read_rows(
    rows: Iterable[Row | Failure],
    text_column: str | None = None,
    meta: Mapping[str, Any] | None = None,
    seen: dict[str, int] | None = None,
) -> Iterator[Document | Failure]:
    """Every row as a Document with `meta` added, or a Failure. Raises ReadError without a text column.

    `seen` holds the ids so far, where a file has several tables.
    """
    rows = iter(rows)
    head: list[Row] = []
    column = None
    for item in rows:
        if isinstance(item, Failure):
            yield item
            continue
        head.append(item)
        column = _named(item.cells, text_column)
        if column is not None or len(head) == SAMPLE:
            break
    if column is None and text_column is None:
        column = _longest(head)
    if column is None:
        if head:
            raise _no_text_column(head, text_column)
        return
    seen = {} if seen is None else seen
    for item in chain(head, rows):
        yield item if isinstance(item, Failure) else _to_document(item, column, seen, meta or {})


def make_unique(name: str, seen: dict[str, int]) -> str:
    """The name, or with `#2`, `#3` when it came before; `seen` is kept for the next call."""
    unique = name
    while unique in seen:
        seen[name] += 1
        unique = f"{name}#{seen[name]}"
    seen[unique] = 1
    return unique


def _named(cells: Mapping[str, Any], text_column: str | None) -> str | None:
    """The column asked for or, when none is, the first with a usual name."""
    columns: dict[str, str] = {}
    for column in cells:
        columns.setdefault(column.strip().casefold(), column)
    names = NAMES if text_column is None else (text_column.strip().casefold(),)
    return next((columns[name] for name in names if name in columns), None)


def _longest(rows: list[Row]) -> str | None:
    """The only column of long strings."""
    lengths: dict[str, list[int]] = {}
    for row in rows:
        for column, cell in row.cells.items():
            if isinstance(cell, str) and " " in cell:  # an address may be long too
                lengths.setdefault(column, []).append(len(cell))
    long = [column for column, found in lengths.items() if median(found) >= LONG]
    return long[0] if len(long) == 1 else None


def _no_text_column(rows: list[Row], text_column: str | None) -> ReadError:
    columns = list(dict.fromkeys(column for row in rows for column in row.cells))
    listed = ", ".join(columns[:20]) + (" ..." if len(columns) > 20 else "")
    if text_column is None:
        return ReadError(
            f"no column is obviously the text; the columns are {listed}", "name it: --text-column NAME"
        )
    return ReadError(f'no column "{text_column}"; the columns are {listed}', "correct --text-column")


def _to_document(row: Row, column: str, seen: dict[str, int], meta: Mapping[str, Any]) -> Document | Failure:
    text = row.cells.get(column)
    if not isinstance(text, str) or not text.strip():
        return Failure(row.place, f'no text under "{column}"', "fill it in, or leave the row out")
    if len(text) > TEXT_LIMIT:
        return Failure(row.place, f"longer than {TEXT_LIMIT >> 20} MiB, too long for one text", "split it")
    id_column = next((key for key in row.cells if key.strip().casefold() == "id" and key != column), None)
    others = {
        key: cell for key, cell in row.cells.items() if key not in (column, id_column) and cell is not None
    }
    if others.keys() >= ANSWERS:
        others = {key: cell for key, cell in others.items() if key not in ANSWERS}
    nested = others.pop("meta") if isinstance(others.get("meta"), dict) else {}
    plain = {key: _to_json(cell) for key, cell in {**others, **nested}.items()}
    return Document(
        make_unique(_to_id(row.cells.get(id_column or "")) or row.place, seen),
        text,
        meta={**meta, **{key: cell for key, cell in plain.items() if cell not in (None, "")}},
    )


def _to_id(cell: object) -> str | None:
    """An id as text; a whole number goes without the `.0` that a column with gaps gives it."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell) if isinstance(cell, str | int | float | Decimal) and cell == cell else None


def _to_json(cell: Any) -> Any:
    """A cell as JSON has it, None when it is empty."""
    if isinstance(cell, Decimal):
        cell = int(cell) if cell.is_finite() and cell == cell.to_integral_value() else float(cell)
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else None
    if cell is None or isinstance(cell, str | int):
        return cell
    if isinstance(cell, datetime) and cell.time() == time() and cell.tzinfo is None:
        return cell.date().isoformat()  # Excel has no type for a date without a time
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, Mapping):
        return {str(key): _to_json(value) for key, value in cell.items()}
    if isinstance(cell, list | tuple):
        return [_to_json(value) for value in cell]
    return str(cell)
