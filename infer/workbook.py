"""Rows of an .xlsx workbook, streamed: every sheet with a text column, formulas by their last saved values.

A row without an id goes by `<file>#<row>`, of several sheets by `<file>/<sheet>#<row>`, with the number
that Excel shows. The first row with a value is the header.
"""

from __future__ import annotations

import tempfile
import warnings
from array import array
from collections.abc import Iterator
from typing import Any, BinaryIO

from infer.document import Document
from infer.failure import Failure, ReadError, foreign_parser
from infer.packed import check_office
from infer.rows import Row, read_rows
from infer.tables import name_columns

STRING = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}si"


class SharedStrings:
    """A workbook's strings in a temporary file: Excel keeps all texts in one list, openpyxl in memory."""

    def __init__(self, source: BinaryIO) -> None:
        from openpyxl.cell.text import Text
        from openpyxl.xml.functions import iterparse

        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # goes with the object
        self._ends = array("Q", [0])
        events = iterparse(source, events=("start", "end"))
        _, root = next(events)
        for event, node in events:
            if event == "end" and node.tag == STRING:
                # As openpyxl does it.
                raw = Text.from_tree(node).content.replace("x005F_", "").encode("utf-8", "surrogatepass")
                self._file.write(raw)
                self._ends.append(self._ends[-1] + len(raw))
                root.clear()

    def __getitem__(self, index: int) -> str:
        if not 0 <= index < len(self._ends) - 1:
            raise IndexError(f"no shared string {index}")
        self._file.seek(self._ends[index])
        return self._file.read(self._ends[index + 1] - self._ends[index]).decode("utf-8", "surrogatepass")


def read_workbook(name: str, stream: BinaryIO, text_column: str | None) -> Iterator[Document | Failure]:
    """The rows of every sheet with a text column. Raises ReadError when no sheet has one."""
    hint = "open it in Excel and save it again as .xlsx"
    check_office(stream)
    with foreign_parser("not a readable workbook", hint):
        workbook = _open(stream)
        sheets = workbook.worksheets
        found, without_text = False, []
        seen: dict[str, int] = {}
        for sheet in sheets:
            place = name if len(sheets) == 1 else f"{name}/{sheet.title}"
            try:
                for item in read_rows(_parse_sheet(place, sheet), text_column, seen=seen):
                    found = True
                    yield item
            except ReadError as error:  # a sheet of something else, perhaps
                without_text.append(error)
    if not found:
        raise without_text[0] if without_text else ReadError("the workbook has no rows", "leave it out")


def _open(stream: BinaryIO) -> Any:
    from openpyxl.reader.excel import ExcelReader
    from openpyxl.xml.constants import SHARED_STRINGS

    warnings.filterwarnings("ignore", module="openpyxl")  # of styles and validations, which are not read
    reader = ExcelReader(stream, read_only=True, data_only=True, keep_links=False)

    def read_strings() -> None:
        part = reader.package.find(SHARED_STRINGS)
        if part is not None:
            with reader.archive.open(part.PartName[1:]) as source:
                reader.shared_strings = SharedStrings(source)

    reader.read_strings = read_strings
    reader.read()
    return reader.wb


def _parse_sheet(place: str, sheet: Any) -> Iterator[Row]:
    sheet.reset_dimensions()  # some programs write a wrong one, and rows would be cut off by it
    header: list[str] = []
    for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
        if all(cell is None for cell in cells):
            continue
        if not header:
            header = name_columns(cells)
            continue
        header += [f"column {position}" for position in range(len(header) + 1, len(cells) + 1)]
        yield Row(f"{place}#{number}", dict(zip(header, cells, strict=False)))
