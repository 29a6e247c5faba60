"""Tables to csv, xlsx and parquet files, row by row.

csv is what Excel with Russian settings opens at a double click, and R's `read.csv2`: UTF-8 with a mark,
semicolons, decimal commas. xlsx has the tables as sheets. What a spreadsheet would run or refuse is made
harmless in both: text never becomes a formula (a string cell in xlsx, an apostrophe before it in csv),
control characters are left out, and past Excel's limits a cell of xlsx is cut and a sheet continued in
another. parquet has the values as they are. A lone surrogate has no UTF-8 and becomes U+FFFD in all
three.

Files appear, `extractions.<format>` and others beside it, when all rows are written. The same rows give
the same bytes.
"""

from __future__ import annotations

import csv
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from infer.files import replacing
from infer.tabulation import Cell, Table

Append = Callable[[str, Sequence[Cell]], None]  # takes a table's name and a row

FORMULA = re.compile(r"[=+\-@\t\r]")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
SURROGATE = re.compile(r"[\ud800-\udfff]")
CELL_UNITS = 32_767  # UTF-16 units in a cell, at most: Excel's limit
CUT = f"cells cut at {CELL_UNITS} characters in xlsx, Excel's limit (csv and parquet have them whole)"
SHEET_ROWS = 1_048_576  # rows in a sheet, at most, its header among them: Excel's limit
WIDTHS = {str: 28, int: 10, float: 12}  # of a sheet's columns, in digits
BATCH = 5_000  # rows that parquet compresses together


def name_files(kind: str, tables: Sequence[Table]) -> list[str]:
    """The files in which a format has the tables."""
    return ["extractions.xlsx"] if kind == "xlsx" else [f"{table.name}.{kind}" for table in tables]


@contextmanager
def open_sheets(kind: str, folder: Path, tables: Sequence[Table], remarks: Counter[str]) -> Iterator[Append]:
    """A function that adds rows to the tables as `csv`, `xlsx` or `parquet`.

    `remarks` counts the cells that had to be changed, by what was done to them.
    """
    openers = {"csv": _open_csv, "xlsx": _open_xlsx, "parquet": _open_parquet}
    with ExitStack() as stack:
        paths = [stack.enter_context(replacing(folder / name)) for name in name_files(kind, tables)]
        with openers[kind](paths, tables, remarks) as append:
            yield append


@contextmanager
def _open_csv(paths: Sequence[Path], tables: Sequence[Table], remarks: Counter[str]) -> Iterator[Append]:
    with ExitStack() as stack:
        writers = {}
        for path, table in zip(paths, tables, strict=True):
            file = stack.enter_context(path.open("w", encoding="utf-8-sig", newline=""))
            writers[table.name] = csv.writer(file, delimiter=";")
            writers[table.name].writerow([name for name, _ in table.columns])

        def append(table: str, row: Sequence[Cell]) -> None:
            writers[table].writerow([_csv_cell(value, remarks) for value in row])

        yield append


def _csv_cell(value: Cell, remarks: Counter[str]) -> Cell:
    if isinstance(value, float):
        return str(value).replace(".", ",")
    if not isinstance(value, str):
        return value
    text = _printable(value, "csv", remarks)
    return f"'{text}" if FORMULA.match(text) else text


@contextmanager
def _open_xlsx(paths: Sequence[Path], tables: Sequence[Table], remarks: Counter[str]) -> Iterator[Append]:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    sheets: dict[str, Any] = {}
    rows: Counter[str] = Counter()

    def start(table: Table, title: str) -> None:
        sheet = book.create_sheet(title)
        sheet.freeze_panes = "B2"
        header = []
        for number, (name, kind) in enumerate(table.columns, 1):
            sheet.column_dimensions[get_column_letter(number)].width = WIDTHS[kind]
            header.append(WriteOnlyCell(sheet, name))
            header[-1].font = Font(bold=True)
        sheet.append(header)
        sheets[table.name] = sheet

    def cell(sheet: Any, value: Cell) -> Any:
        if not isinstance(value, str):
            return value
        text = _printable(value, "xlsx", remarks)
        if len(text.encode("utf-16-le")) > 2 * CELL_UNITS:
            remarks[CUT] += 1
            text = text.encode("utf-16-le")[: 2 * CELL_UNITS].decode("utf-16-le", "ignore")
        made = WriteOnlyCell(sheet, text)
        made.data_type = "s"  # openpyxl would make a formula of "=..."
        return made

    def append(table: str, row: Sequence[Cell]) -> None:
        full, over = divmod(rows[table], SHEET_ROWS - 1)
        if full and not over:
            start(known[table], f"{table} {full + 1}")
        rows[table] += 1
        sheets[table].append([cell(sheets[table], value) for value in row])

    known = {table.name: table for table in tables}
    for table in tables:
        start(table, table.name)
    try:
        yield append
    except BaseException:
        for sheet in book.worksheets:
            sheet.close()  # or openpyxl complains when it is cleared away
        raise
    (path,) = paths
    raw = path.with_name(f"{path.name}.zip")
    try:
        book.save(raw)
        _drop_times(raw, path)
    finally:
        raw.unlink(missing_ok=True)


def _drop_times(book: Path, target: Path) -> None:
    """Copy an xlsx file without the moment of its making, so that equal contents are equal bytes."""
    with ZipFile(book) as source, ZipFile(target, "w", ZIP_DEFLATED) as archive:
        for name in source.namelist():
            info = ZipInfo(name)  # dated 1980
            info.compress_type = ZIP_DEFLATED
            with source.open(name) as old, archive.open(info, "w", force_zip64=True) as new:
                if name == "docProps/core.xml":
                    new.write(re.sub(rb"\d{4}-\d\d-\d\dT[\d:]+Z", b"1980-01-01T00:00:00Z", old.read()))
                else:
                    shutil.copyfileobj(old, new)


@contextmanager
def _open_parquet(paths: Sequence[Path], tables: Sequence[Table], remarks: Counter[str]) -> Iterator[Append]:
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    types = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64()}
    schemas = {
        table.name: pyarrow.schema([(name, types[kind]) for name, kind in table.columns]) for table in tables
    }
    waiting: dict[str, list[list[Cell]]] = {table.name: [] for table in tables}

    def write(table: str) -> None:
        columns = zip(*waiting[table], strict=True) if waiting[table] else [()] * len(schemas[table])
        arrays = [
            pyarrow.array(column, field.type) for column, field in zip(columns, schemas[table], strict=True)
        ]
        writers[table].write_table(pyarrow.Table.from_arrays(arrays, schema=schemas[table]))
        waiting[table].clear()

    def append(table: str, row: Sequence[Cell]) -> None:
        waiting[table].append([_encodable(value) if isinstance(value, str) else value for value in row])
        if len(waiting[table]) == BATCH:
            write(table)

    with ExitStack() as stack:
        writers = {
            table.name: stack.enter_context(ParquetWriter(path, schemas[table.name], compression="zstd"))
            for path, table in zip(paths, tables, strict=True)
        }
        yield append
        for table in tables:
            write(table.name)


def _printable(text: str, kind: str, remarks: Counter[str]) -> str:
    clean = CONTROL.sub("", text)
    if clean != text:
        remarks[f"cells without their control characters in {kind}"] += 1
    return _encodable(clean)


def _encodable(text: str) -> str:
    return SURROGATE.sub("\ufffd", text)
