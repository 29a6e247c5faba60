from __future__ import annotations

import re
import tracemalloc
import zipfile
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from infer.document import Document
from infer.reading import Failure, read_file

ARTICLE = "Губернатор Калужской области встретился с делегацией провинции Хэйлунцзян. " * 4


def save(tmp_path: Path, **sheets: list[list[Any]]) -> Path:
    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    for title, rows in sheets.items():
        sheet = workbook.create_sheet(title)
        for row in rows:
            sheet.append(row)
    path = tmp_path / "t.xlsx"
    workbook.save(path)
    return path


def rewrite(path: Path, member: str, pattern: str, replacement: str) -> None:
    """Change a part of the workbook as another program would have written it."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    changed = re.sub(pattern, replacement, parts[member].decode(), flags=re.DOTALL)
    assert changed != parts[member].decode()
    parts[member] = changed.encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in parts.items():
            archive.writestr(name, raw)


def share_strings(path: Path, strings: list[str]) -> None:
    """Put strings into the common list, as Excel does; cells that hold `@N` refer to string N."""
    rewrite(path, "xl/worksheets/sheet1.xml", r't="inlineStr"><is><t>@(\d+)</t></is>', r't="s"><v>\1</v>')
    items = "".join(f"<si><r><t>{text[:3]}</t></r><r><t>{text[3:]}</t></r></si>" for text in strings)
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/sharedStrings.xml", f'<sst xmlns="{space}">{items}</sst>')
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    part = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
    rewrite(path, "[Content_Types].xml", "</Types>", part)


def read(path: Path, column: str | None = None) -> list[Document | Failure]:
    return list(read_file("t.xlsx", path, column))


def only_failure(items: list[Document | Failure]) -> Failure:
    (item,) = items
    assert isinstance(item, Failure)
    assert item.hint
    return item


def test_rows_go_by_excels_number_and_keep_their_types(tmp_path: Path) -> None:
    rows = [
        [],
        ["Дата", "Текст", "n", None, "x"],
        [datetime(2024, 3, 5), "Мэр", 3, None, None],
        [None, None, None, None, None],
        [datetime(2024, 3, 5, 12, 30), "Калуга", 2.5, "сбоку", True],
    ]
    assert read(save(tmp_path, Лист1=rows)) == [
        Document("t.xlsx#3", "Мэр", meta={"Дата": "2024-03-05", "n": 3}),
        Document(
            "t.xlsx#5",
            "Калуга",
            meta={"Дата": "2024-03-05T12:30:00", "n": 2.5, "column 4": "сбоку", "x": True},
        ),
    ]


def test_every_sheet_with_a_text_column_is_read(tmp_path: Path) -> None:
    path = save(
        tmp_path,
        Март=[["id", "текст"], ["a", "Мэр"]],
        Справка=[["код", "имя"], [1, "Калуга"]],
        Пусто=[],
        Апрель=[["body", "id"], ["Китай", None], ["Вьетнам", "a"]],
    )
    assert read(path) == [
        Document("a", "Мэр"),
        Document("t.xlsx/Апрель#2", "Китай"),
        Document("a#2", "Вьетнам"),
    ]


def test_a_workbook_without_a_text_column_names_its_columns(tmp_path: Path) -> None:
    path = save(tmp_path, a=[["код", "имя"], [1, "Калуга"]])
    assert only_failure(read(path)).reason == "no column is obviously the text; the columns are код, имя"
    assert read(path, "имя") == [Document("t.xlsx#2", "Калуга", meta={"код": 1})]


@pytest.mark.parametrize("rows", [[], [["text"]]])
def test_a_workbook_without_rows_is_a_failure(tmp_path: Path, rows: list[list[Any]]) -> None:
    assert only_failure(read(save(tmp_path, a=rows))).reason == "the workbook has no rows"


def test_formulas_are_read_by_their_saved_values(tmp_path: Path) -> None:
    path = save(tmp_path, a=[["text", "n"], ['=CONCAT("М";"эр")', "=1+1"], ["=1+1", 5]])
    sheet = "xl/worksheets/sheet1.xml"
    rewrite(path, sheet, r'<c r="A2"[^>]*>(<f>[^<]*</f>)<v ?/?>(</v>)?', r'<c r="A2" t="str">\1<v>Мэр</v>')
    rewrite(path, sheet, r'<c r="B2"[^>]*>(<f>[^<]*</f>)<v ?/?>(</v>)?', r'<c r="B2">\1<v>2</v>')
    first, second = read(path)
    assert first == Document("t.xlsx#2", "Мэр", meta={"n": 2})
    assert isinstance(second, Failure)
    assert (second.id, second.reason) == ("t.xlsx#3", 'no text under "text"')


def test_a_wrong_dimension_cuts_nothing_off(tmp_path: Path) -> None:
    path = save(tmp_path, a=[["n", "text"], [1, "Мэр"]])
    rewrite(path, "xl/worksheets/sheet1.xml", 'ref="A1:B2"', 'ref="A1"')
    assert read(path) == [Document("t.xlsx#2", "Мэр", meta={"n": 1})]


def test_strings_that_excel_shares_are_read(tmp_path: Path) -> None:
    path = save(tmp_path, a=[["text", "n"], ["@1", "@0"], ["@9", "@0"], ["@2", None]])
    share_strings(path, ["тег", "Мэр 🤝\nгорода", "Калуга"])
    found = read(path)
    assert found[0] == Document("t.xlsx#2", "Мэр 🤝\nгорода", meta={"n": "тег"})
    assert isinstance(found[1], Failure)


def test_a_long_workbook_is_read_in_little_memory(tmp_path: Path) -> None:
    texts = [f"{number} {ARTICLE * 7}"[:2000] for number in range(1500)]  # 6 MB in memory
    path = save(tmp_path, a=[["text"], *([f"@{number}"] for number in range(1500))])
    share_strings(path, texts)
    list(islice(read(path), 1))  # imports
    tracemalloc.start()
    found = [len(item.text) for item in read_file("t", path) if isinstance(item, Document)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [2000] * 1500
    assert peak < 2_500_000


def test_rows_are_read_as_they_are_asked_for(tmp_path: Path) -> None:
    path = save(tmp_path, a=[["text"], ["Мэр"], *[["Калуга"]] * 20_000])
    tracemalloc.start()
    assert next(read_file("t", path)) == Document("t#2", "Мэр")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_500_000


@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_a_broken_workbook_is_a_failure(tmp_path: Path, keep: float) -> None:
    path = save(tmp_path, a=[["text"], ["Мэр"]])
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * keep)])
    assert only_failure(read(path)).reason.startswith("damaged or not an Office file")


def test_a_workbook_broken_halfway_keeps_the_rows_before(tmp_path: Path) -> None:
    path = save(tmp_path, a=[["text"], *[["Мэр"]] * 2000])
    rewrite(path, "xl/worksheets/sheet1.xml", r'<row r="1500".*', "<row")
    found = read(path)
    assert len(found) > 1000
    assert isinstance(found[-1], Failure)
    assert found[-1].reason.startswith("not a readable workbook")


def test_a_workbook_without_its_parts_is_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "Мэр")
    assert only_failure(read(path)).reason.startswith("not a readable workbook")


def test_an_encrypted_or_old_workbook_is_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000))
    assert "password" in only_failure(read(path)).reason


def test_a_workbook_that_grows_like_a_bomb_is_a_failure(tmp_path: Path) -> None:
    path = save(tmp_path, a=[["text"], ["Мэр"]])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/image1.xml", bytes(30_000_000))
    assert "zip bomb" in only_failure(read(path)).reason
