"""Records to numbered files, `extractions/00001.jsonl` or `.parquet`, of about SHARD bytes of JSON each.

A .parquet has the record's keys as columns; `meta`, whose keys differ, is JSON in a string, and a lone
surrogate, which has no UTF-8, becomes U+FFFD. The same records give the same files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from infer.records import to_line
from infer.schema import Schema
from infer.sheets import SURROGATE
from infer.storage import Store

FORMATS = ("jsonl", "parquet")
FOLDER = "extractions"
SHARD = 64 * 2**20

Records = Sequence[Mapping[str, Any]]


def write_shards(
    formats: Iterable[str], store: Store, records: Iterable[Mapping[str, Any]], schema: Schema
) -> int:
    """Write the records in each format, in place of all files of that format; how many records."""
    formats = list(formats)
    old = store.list(FOLDER)
    new, articles = set(), 0
    for number, lines in enumerate(_cut(map(to_line, records)), 1):
        articles += len(lines)
        for format in formats:
            name = f"{number:05}.{format}"
            new.add(name)
            with store.writing(f"{FOLDER}/{name}") as stream:
                if format == "jsonl":
                    stream.write("".join(lines).encode())
                else:
                    _write_parquet(stream, lines, schema)
    for name in old - new:
        if name.endswith((*formats, ".partial")):
            store.delete(f"{FOLDER}/{name}")
    return articles


def _cut(lines: Iterable[str]) -> Iterator[list[str]]:
    """The lines in order, as many together as fill a shard; one empty shard when there are none."""
    shard: list[str] = []
    size = 0
    for line in lines:
        if shard and size + len(line) > SHARD:
            yield shard
            shard, size = [], 0
        shard.append(line)
        size += len(line)
    yield shard


def _write_parquet(stream: Any, lines: Iterable[str], schema: Schema) -> None:
    import pyarrow
    from pyarrow.parquet import write_table

    text, number, place = pyarrow.string(), pyarrow.float64(), pyarrow.int64()
    span = {"start": place, "end": place, "label": text, "text": text, "normal": text, "score": number}
    columns = {
        "id": text,
        "text": text,
        "events": pyarrow.list_(text),
        # A struct without fields can't be written.
        "event_scores": pyarrow.struct([(event, number) for event in schema.events or ("none",)]),
        "spans": pyarrow.list_(pyarrow.struct([*span.items(), ("uncertain", pyarrow.bool_())])),
        "meta": text,
    }
    rows = [_to_row(line) for line in lines]
    write_table(
        pyarrow.Table.from_pylist(rows, pyarrow.schema(list(columns.items()))), stream, compression="zstd"
    )


def _to_row(line: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(line)
    for span in record["spans"]:
        span.setdefault("uncertain", False)
    row: dict[str, Any] = record | {"meta": json.dumps(record["meta"], ensure_ascii=False)}
    return {key: _encodable(cell) for key, cell in row.items()} if "\\ud" in line else row


def _encodable(value: Any) -> Any:
    """A JSON value without lone surrogates."""
    if isinstance(value, str):
        return SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    if isinstance(value, dict):
        return {key: _encodable(item) for key, item in value.items()}
    return value
