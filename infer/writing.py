"""Extractions to files: `extractions.<format>` in the output folder, each renamed there when it is complete.

Every writer passes once over what the parts hold; the model is not asked again. `csv`, `xlsx` and
`parquet` hold the tables of `tabulation` and are written in one pass together. `labelstudio` is a JSON
list of tasks with predictions, under the name `extractions.labelstudio` and, because Label Studio's
import insists on the ending, once more as `extractions.labelstudio.json` (a link to the same bytes).
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # imported where needed: the command's --help asks this module for FORMATS
    from infer.records import Extraction
    from infer.schema import Schema

FORMATS = ("jsonl", "csv", "xlsx", "parquet", "labelstudio", "html")
TABLES = ("csv", "xlsx", "parquet")


def name_files(format: str) -> list[str]:
    """The files of a format, the one to open first."""
    if format in TABLES:
        from infer.schema import Schema
        from infer.sheets import name_files as name_sheets
        from infer.tabulation import make_tables

        return name_sheets(format, make_tables(Schema((), ())))  # named alike whatever the schema
    plain = f"extractions.{format}"
    return [f"{plain}.json", plain] if format == "labelstudio" else [plain]


def write_formats(
    formats: Iterable[str],
    folder: Path,
    extractions: Callable[[], Iterator[Extraction]],
    schema: Schema,
    model_version: str,
) -> list[str]:
    """Write the formats; `extractions` gives them anew at each call. Returns remarks for the user."""
    formats = list(dict.fromkeys(formats))
    remarks: Counter[str] = Counter()
    for format in formats:
        if format == "jsonl":
            write_lines((extraction.record for extraction in extractions()), folder / "extractions.jsonl")
        elif format == "labelstudio":
            _write_tasks(extractions(), folder / "extractions.labelstudio.json", schema, model_version)
        elif format == "html":
            from infer.page import write_page

            write_page(extractions(), folder / "extractions.html")
    tables = [format for format in formats if format in TABLES]
    if tables:
        _write_tables(tables, folder, extractions(), schema, remarks)
    return [f"{remark}: {count}" for remark, count in remarks.items()]


def write_lines(records: Iterable[Mapping[str, Any]], path: Path) -> int:
    """JSON lines; how many."""
    from infer.files import replacing
    from infer.records import to_line

    count = 0
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        for record in records:
            file.write(to_line(record))
            count += 1
    return count


def _write_tables(
    kinds: Sequence[str],
    folder: Path,
    extractions: Iterator[Extraction],
    schema: Schema,
    remarks: Counter[str],
) -> None:
    from infer.sheets import open_sheets
    from infer.tabulation import make_rows, make_tables

    tables = make_tables(schema)
    with ExitStack() as stack:
        appends = [stack.enter_context(open_sheets(kind, folder, tables, remarks)) for kind in kinds]
        for table, row in make_rows(extractions, schema):
            for append in appends:
                append(table, row)


def _write_tasks(extractions: Iterator[Extraction], path: Path, schema: Schema, model_version: str) -> None:
    from infer.files import replacing
    from infer.labelstudio import to_task
    from infer.records import to_document

    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        before = "[\n"
        for extraction in extractions:
            task = to_task(to_document(extraction.record), schema, model_version)
            file.write(before + json.dumps(task, ensure_ascii=True))
            before = ",\n"
        file.write("\n]\n" if before != "[\n" else "[]\n")
    with replacing(path.with_suffix("")) as partial:
        partial.unlink(missing_ok=True)
        try:
            os.link(path, partial)
        except OSError:  # a file system without links
            shutil.copyfile(path, partial)
