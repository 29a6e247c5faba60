"""Rows of .jsonl, .json, .csv, .tsv and .parquet files; all but .json, which is parsed whole, are streamed.

A row without an id goes by `<file>#<number>`: the line of a .jsonl, the position in a .json or .parquet from
1, and in a .csv the row that a spreadsheet shows (the header is row 1, a cell with line breaks is one row).
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, BinaryIO, TextIO

from infer.document import Document
from infer.encoding import TEXT_LIMIT, decode, describe, explain, open_text
from infer.failure import Failure, ReadError, foreign_parser
from infer.labelstudio import read_data
from infer.rows import Row, make_unique, read_rows

JSON_LIMIT = 256 * 2**20  # bytes; parsed whole, it takes about ten times that
SAMPLE = 2**16  # characters that the delimiter is told from
DELIMITERS = ",;\t|"
SEPARATOR = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)  # a first line for Excel, which doesn't show it
NO_DELIMITER = "\x1f"  # of a table with one column, whose texts may hold every other
TOO_LONG = f"longer than {TEXT_LIMIT >> 20} MiB, too long for one text"


def read_jsonl(name: str, stream: BinaryIO, text_column: str | None) -> Iterator[Document | Failure]:
    """The objects of a JSON lines file."""
    return read_lines(name, iterate_lines(stream), text_column)


def read_lines(
    name: str, lines: Iterable[bytes | None], text_column: str | None
) -> Iterator[Document | Failure]:
    """One JSON object a line; None stands for a line that is too long. Raises ReadError without lines."""
    found = False
    for item in read_rows(_parse_lines(name, lines), text_column):
        found = True
        yield item
    if not found:
        raise ReadError("the file has no lines", "leave it out, or write one JSON object a line")


def iterate_lines(stream: BinaryIO) -> Iterator[bytes | None]:
    """The lines of a file in bounded memory; None for one longer than TEXT_LIMIT."""
    while line := stream.readline(TEXT_LIMIT + 1):
        if len(line) <= TEXT_LIMIT:
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(TEXT_LIMIT)
        yield None


def _parse_lines(name: str, lines: Iterable[bytes | None]) -> Iterator[Row | Failure]:
    for number, raw in enumerate(lines, 1):
        place = f"{name}#{number}"
        if raw is None:
            yield Failure(place, TOO_LONG, "split it into articles, one a line")
        elif raw.strip():
            try:
                record = json.loads(raw.decode("utf-8-sig"))
            except (RecursionError, ValueError) as error:
                yield Failure(place, f"not valid JSON in UTF-8 ({error})", "correct the line")
                continue
            yield _to_row(place, record)


def read_json(name: str, stream: BinaryIO, text_column: str | None) -> Iterator[Document | Failure]:
    """A list of objects (or one), or the tasks of a Label Studio export. Raises ReadError."""
    raw = stream.read(JSON_LIMIT + 1)
    if len(raw) > JSON_LIMIT:
        raise ReadError(
            f"longer than {JSON_LIMIT >> 20} MiB, too long for JSON in one piece",
            "write it as .jsonl, one object a line, which may be of any size",
        )
    text, encoding = decode(raw) or (None, "")
    if text is None:
        raise ReadError(*explain(raw))
    hint = "was the download cut off? Objects one a line belong in a .jsonl"
    with foreign_parser("not valid JSON", hint):
        loaded = json.loads(text)
        items = loaded if isinstance(loaded, list) else [loaded]
        items = read_data(items) or items
    if not items:
        raise ReadError("an empty list", "leave it out, or export the articles again")
    rows = (_to_row(f"{name}#{number}", item) for number, item in enumerate(items, 1))
    yield from read_rows(rows, text_column, describe(encoding))


def _to_row(place: str, record: Any) -> Row | Failure:
    if isinstance(record, dict):
        return Row(place, record)
    return Failure(place, "not a JSON object", 'give each article as {"text": "..."}')


def read_csv(
    name: str, stream: BinaryIO, text_column: str | None, delimiter: str | None = None
) -> Iterator[Document | Failure]:
    """A table with a header, its encoding and delimiter found out. Raises ReadError."""
    text, meta = open_text(stream)
    yield from read_rows(_parse_csv(name, text, delimiter), text_column, meta)


def _parse_csv(name: str, text: TextIO, delimiter: str | None) -> Iterator[Row | Failure]:
    csv.field_size_limit(TEXT_LIMIT)  # the default of 128 KiB is shorter than a long read
    number = 0
    header: list[str] = []
    empty = True
    try:
        sample = text.read(SAMPLE)
        text.seek(0)
        if said := SEPARATOR.match(sample):
            delimiter = said[1]
            text.readline()
        else:
            delimiter = delimiter or find_delimiter(sample)
        for number, cells in enumerate(csv.reader(_bounded_lines(text), delimiter=delimiter), 1):
            place = f"{name}#{number}"
            if not any(cells):
                continue
            if not header:
                header = name_columns(cells)
                continue
            empty = False
            if len(cells) < len(header) or any(cells[len(header) :]):
                yield Failure(
                    place,
                    f"the row has {len(cells)} cells, the header {len(header)}",
                    "put a cell that holds the delimiter or a line break in double quotes",
                )
            else:
                yield Row(place, dict(zip(header, cells, strict=False)))
    except UnicodeDecodeError:
        raise ReadError(f"after row {number}: not {text.encoding}", "save it as UTF-8") from None
    except csv.Error as error:
        raise ReadError(
            f"after row {number}: {error}", "is a double quote left open, or an article not split?"
        ) from None
    if empty:
        raise ReadError("the table has no rows", "leave it out, or export the table again")


def _bounded_lines(text: TextIO) -> Iterator[str]:
    while line := text.readline(TEXT_LIMIT + 1):
        if len(line) > TEXT_LIMIT:
            raise csv.Error(f"a line {TOO_LONG}")
        yield line


def find_delimiter(sample: str) -> str:
    """The delimiter that gives the first rows the header's width most often, NO_DELIMITER when none does."""
    best, delimiter = (0.0, 1), NO_DELIMITER
    for candidate in DELIMITERS:
        try:
            rows = [row for row in csv.reader(io.StringIO(sample, newline=""), delimiter=candidate) if row]
        except csv.Error:
            continue
        width = len(rows[0]) if rows else 0
        alike = sum(len(row) == width for row in rows) / max(len(rows), 1)
        if width > 1 and (alike, width) > best:
            best, delimiter = (alike, width), candidate
    return delimiter


def name_columns(header: Iterable[object]) -> list[str]:
    """A name for every column: its header, its number where it has none, `#2` where it came before."""
    seen: dict[str, int] = {}
    names = ("" if cell is None else str(cell).strip() for cell in header)
    return [make_unique(name or f"column {number}", seen) for number, name in enumerate(names, 1)]


def read_parquet(name: str, stream: BinaryIO, text_column: str | None) -> Iterator[Document | Failure]:
    """A Parquet file, some rows at a time whatever its row groups. Raises ReadError."""
    rows = _parse_parquet(name, stream)
    first = next(rows, None)
    if first is None:
        raise ReadError("the table has no rows", "leave it out, or export the table again")
    yield from read_rows(chain([first], rows), text_column)


def _parse_parquet(name: str, stream: BinaryIO) -> Iterator[Row]:
    import pyarrow.parquet

    number = 0
    with foreign_parser("not a readable Parquet file", "is it complete? Export the table again"):
        # Unbuffered, a row group's columns would be read whole, and a group may be the whole file.
        table = pyarrow.parquet.ParquetFile(stream, pre_buffer=False, buffer_size=2**16)
        for batch in table.iter_batches(batch_size=64, use_threads=False):
            for cells in batch.to_pylist():
                number += 1
                yield Row(f"{name}#{number}", cells)
