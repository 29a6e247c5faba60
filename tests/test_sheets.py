"""Tables in csv, xlsx and parquet, read back by the libraries that others read them with."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from infer import sheets
from infer.sheets import open_sheets
from infer.tabulation import Cell, Table

TABLES = (
    Table("extractions", (("id", str), ("score", float), ("length", int))),
    Table("mentions", (("text", str),)),
)
KINDS = ("csv", "xlsx", "parquet")


def write(folder: Path, kind: str, *rows: tuple[Cell, ...], table: str = "extractions") -> Counter[str]:
    remarks: Counter[str] = Counter()
    with open_sheets(kind, folder, TABLES, remarks) as append:
        for row in rows:
            append(table, row)
    return remarks


def write_texts(folder: Path, kind: str, *texts: str) -> Counter[str]:
    return write(folder, kind, *((text,) for text in texts), table="mentions")


def read(folder: Path, kind: str, table: str = "extractions") -> pd.DataFrame:
    if kind == "csv":
        return pd.read_csv(folder / f"{table}.csv", sep=";", decimal=",", keep_default_na=False, na_values={})
    if kind == "xlsx":
        return pd.read_excel(folder / "extractions.xlsx", sheet_name=table, keep_default_na=False)
    return pd.read_parquet(folder / f"{table}.parquet")


@pytest.mark.parametrize("kind", KINDS)
def test_values_come_back_as_they_were(tmp_path: Path, kind: str) -> None:
    rows = [("папка/a.txt", 0.9713, 12), ('«Ку»; "к", 🤝\nстрока', 1.0, 0), ("б", 0.00005, 10**6)]
    assert not write(tmp_path, kind, *rows)
    found = read(tmp_path, kind)
    assert list(found.columns) == ["id", "score", "length"]
    assert [tuple(row) for row in found.itertuples(index=False)] == rows


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_that_is_missing_is_an_empty_cell(tmp_path: Path, kind: str) -> None:
    write(tmp_path, kind, ("a", None, 1), (None, 0.5, None))
    if kind == "csv":
        assert (tmp_path / "extractions.csv").read_text(encoding="utf-8-sig").splitlines()[1:] == [
            "a;;1",
            ";0,5;",
        ]
    elif kind == "xlsx":
        sheet = openpyxl.load_workbook(tmp_path / "extractions.xlsx")["extractions"]
        assert [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)] == [
            ["a", None, 1],
            [None, 0.5, None],
        ]
    else:
        assert read(tmp_path, kind).isna().to_numpy().tolist() == [[False, True, False], [True, False, True]]


@pytest.mark.parametrize("kind", KINDS)
def test_tables_without_rows_have_their_columns(tmp_path: Path, kind: str) -> None:
    write(tmp_path, kind)
    assert list(read(tmp_path, kind).columns) == ["id", "score", "length"]
    assert list(read(tmp_path, kind, "mentions").columns) == ["text"]


FORMULAS = (
    "=1+1",
    "+7 495",
    "-5",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    '=HYPERLINK("http://x")',
    "=cmd|' /C calc'!A0",
)


def test_text_never_is_a_formula_in_csv(tmp_path: Path) -> None:
    write_texts(tmp_path, "csv", *FORMULAS, "5 = 5", "'=1")
    found = read(tmp_path, "csv", "mentions")["text"].tolist()
    assert [text.replace("\r", "\n") for text in found] == [
        *(f"'{text}".replace("\r", "\n") for text in FORMULAS),
        "5 = 5",
        "'=1",
    ]


def test_text_never_is_a_formula_in_xlsx(tmp_path: Path) -> None:
    texts = [*FORMULAS, "#N/A", "#REF!"]
    write_texts(tmp_path, "xlsx", *texts)
    sheet = openpyxl.load_workbook(tmp_path / "extractions.xlsx")["mentions"]
    cells = [row[0] for row in sheet.iter_rows(min_row=2)]
    assert [str(cell.value).replace("\n", "\r") for cell in cells] == texts
    assert "f" not in {cell.data_type for cell in cells}


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_control_characters_are_left_out_and_said(tmp_path: Path, kind: str) -> None:
    remarks = write_texts(tmp_path, kind, "a\x00b\x1f\ufffe", "a\tb\nc", "\x0c=1")
    assert read(tmp_path, kind, "mentions")["text"].tolist() == [
        "ab",
        "a\tb\nc",
        "'=1" if kind == "csv" else "=1",
    ]
    assert remarks == {f"cells without their control characters in {kind}": 2}


@pytest.mark.parametrize("kind", KINDS)
def test_a_lone_surrogate_becomes_the_replacement_character(tmp_path: Path, kind: str) -> None:
    write_texts(tmp_path, kind, "Мэр \ud800")
    assert read(tmp_path, kind, "mentions")["text"].tolist() == ["Мэр \ufffd"]


def test_a_huge_cell_is_cut_in_xlsx_and_said_and_whole_elsewhere(tmp_path: Path) -> None:
    huge, emoji = "ж" * 40_000, "🤝" * 20_000
    for kind in KINDS:
        remarks = write_texts(tmp_path, kind, huge, emoji, "ж" * sheets.CELL_UNITS)
        lengths = [len(text) for text in read(tmp_path, kind, "mentions")["text"]]
        if kind == "xlsx":
            assert lengths == [32_767, 16_383, 32_767]
            assert remarks == {sheets.CUT: 2}
        else:
            assert lengths == [40_000, 20_000, 32_767]
            assert not remarks


def test_a_full_sheet_is_continued_in_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "SHEET_ROWS", 4)
    write_texts(tmp_path, "xlsx", *map(str, range(7)))
    book = openpyxl.load_workbook(tmp_path / "extractions.xlsx")
    assert book.sheetnames == ["extractions", "mentions", "mentions 2", "mentions 3"]
    found = [[row[0].value for row in book[name].iter_rows()] for name in book.sheetnames[1:]]
    assert found == [["text", "0", "1", "2"], ["text", "3", "4", "5"], ["text", "6"]]


def test_parquet_keeps_rows_over_several_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "BATCH", 3)
    write_texts(tmp_path, "parquet", *map(str, range(7)))
    assert read(tmp_path, "parquet", "mentions")["text"].tolist() == list(map(str, range(7)))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_rows_give_the_same_bytes(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for year in ("2001", "2011"):
        folder = tmp_path / year
        folder.mkdir()
        import openpyxl.packaging.core as core
        import openpyxl.writer.excel as excel

        class Clock(core.datetime.datetime):  # type: ignore[misc,name-defined]
            """A clock that stands in another year each time."""

            at = int(year)

            @classmethod
            def now(cls, tz: object = None) -> Clock:
                return cls(cls.at, 1, 1)

        monkeypatch.setattr(excel.datetime, "datetime", Clock)
        write(folder, kind, ("a", 0.5, 1), ("b", 0.25, 2))
        found.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert found[0] == found[1]


@pytest.mark.parametrize("kind", KINDS)
def test_what_breaks_off_leaves_nothing_and_the_files_of_before(tmp_path: Path, kind: str) -> None:
    def break_off() -> None:
        with open_sheets(kind, tmp_path, TABLES, Counter()) as append:
            append("mentions", ("a",))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert list(tmp_path.iterdir()) == []
    write_texts(tmp_path, kind, "a")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
