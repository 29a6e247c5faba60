from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infer.document import Document
from infer.reading import Failure, read_file
from infer.rows import Row, make_unique, read_rows

ARTICLE = "Губернатор Калужской области встретился с делегацией провинции Хэйлунцзян. " * 4


def read(tmp_path: Path, name: str, raw: bytes | str, column: str | None = None) -> list[Document | Failure]:
    path = tmp_path / name
    path.write_bytes(raw.encode() if isinstance(raw, str) else raw)
    return list(read_file(name, path, column))


def only_failure(items: list[Document | Failure]) -> Failure:
    (item,) = items
    assert isinstance(item, Failure)
    assert item.hint
    return item


def texts(items: list[Document | Failure]) -> list[str]:
    return [item.text for item in items if isinstance(item, Document)]


def rows(*cells: dict[str, Any]) -> Iterator[Row]:
    return (Row(f"t#{number}", row) for number, row in enumerate(cells, 1))


# --- which column is the text


@pytest.mark.parametrize(
    "column", ["text", "Текст", " TEXT ", "body", "Content", "статья", "Текст статьи", "article"]
)
def test_a_usual_name_is_the_text_whatever_its_length(column: str) -> None:
    (found,) = read_rows(rows({"n": 1, column: "Мэр", "long": ARTICLE}))
    assert isinstance(found, Document)
    assert found.text == "Мэр"


def test_the_likelier_of_two_names_is_the_text() -> None:
    (found,) = read_rows(rows({"article": "7-12", "Body": "тело", "text": "Мэр"}))
    assert found == Document("t#1", "Мэр", meta={"article": "7-12", "Body": "тело"})


def test_the_only_column_of_long_strings_is_the_text() -> None:
    table = [{"a": "Визит", "b": ARTICLE, "url": "https://example.org/" + "a" * 300, "c": 5}] * 3
    assert texts(list(read_rows(rows(*table)))) == [ARTICLE] * 3


@pytest.mark.parametrize("cells", [{"a": "Визит", "b": "Мэр"}, {"a": ARTICLE, "b": ARTICLE}])
def test_without_an_obvious_column_the_columns_are_named(tmp_path: Path, cells: dict[str, str]) -> None:
    failure = only_failure(read(tmp_path, "t.jsonl", "\n".join(json.dumps(cells) for _ in range(3))))
    assert failure.id == "t.jsonl"
    assert failure.reason == "no column is obviously the text; the columns are a, b"
    assert failure.hint == "name it: --text-column NAME"


def test_a_column_asked_for_is_taken_and_a_wrong_one_named() -> None:
    cells = {"text": "нет", "Lead": "Мэр"}
    (found,) = read_rows(rows(cells), "lead")
    assert found == Document("t#1", "Мэр", meta={"text": "нет"})
    with pytest.raises(Exception, match='no column "body"; the columns are text, Lead'):
        list(read_rows(rows(cells), "body"))


def test_broken_rows_ahead_of_a_missing_column_are_not_lost() -> None:
    items = read_rows([Failure("t#1", "reason", "hint"), *rows({"a": 1})])
    assert next(items) == Failure("t#1", "reason", "hint")
    with pytest.raises(Exception, match="no column"):
        next(items)


def test_rows_after_many_broken_ones_are_read_and_failures_are_told_at_once(tmp_path: Path) -> None:
    items = read(tmp_path, "t.jsonl", "{\n" * 150 + '{"text": "Мэр"}\n' * 5)
    assert texts(items) == ["Мэр"] * 5
    assert len(items) == 155
    assert isinstance(next(read_rows(iter([Failure("t#1", "reason", "hint")]))), Failure)


def test_the_text_column_is_told_from_rows_that_could_be_read() -> None:
    broken = [Failure(f"t#{number}", "reason", "hint") for number in range(150)]
    found = list(read_rows([*broken, *rows({"a": "Визит", "b": ARTICLE})]))
    assert texts(found) == [ARTICLE]


# --- ids and meta


def test_an_id_that_came_before_gets_a_number() -> None:
    table = [
        {"id": "a"},
        {"ID": "a"},
        {"id": "a#2"},
        {"id": "a"},
        {},
        {"id": ""},
        {"id": None},
        {"id": "t#6"},
    ]
    found = list(read_rows(rows(*({"text": "Мэр", **cells} for cells in table))))
    assert [item.id for item in found] == ["a", "a#2", "a#2#2", "a#3", "t#5", "t#6", "t#7", "t#6#2"]


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", "a#2", "a#3", "a#2#2", "b"])))
def test_unique_names_are_unique_and_the_first_stays(names: list[str]) -> None:
    seen: dict[str, int] = {}
    found = [make_unique(name, seen) for name in names]
    assert len(set(found)) == len(names)
    assert all(unique.startswith(name) for unique, name in zip(found, names, strict=True))
    assert found[:1] == names[:1]


@pytest.mark.parametrize(("given_id", "id_"), [(7, "7"), (7.0, "7"), ("007", "007"), (float("nan"), "t#1")])
def test_an_id_is_text(given_id: object, id_: str) -> None:
    assert [item.id for item in read_rows(rows({"id": given_id, "text": "Мэр"}))] == [id_]


def test_other_columns_become_plain_json_in_meta() -> None:
    cells = {
        "text": "Мэр",
        "date": date(2024, 3, 5),
        "day": datetime(2024, 3, 5),
        "time": datetime(2024, 3, 5, 12, 30, tzinfo=UTC),
        "count": 3,
        "share": 0.5,
        "price": Decimal("2.50"),
        "whole": Decimal("2"),
        "yes": True,
        "zero": 0,
        "tags": ["а", None, date(2024, 1, 1)],
        "nested": {1: b"x"},
        "nan": float("nan"),
        "none": None,
        "empty": "",
    }
    (found,) = read_rows(rows(cells), meta={"encoding": "cp1251"})
    expected = {
        "encoding": "cp1251",
        "date": "2024-03-05",
        "day": "2024-03-05",
        "time": "2024-03-05T12:30:00+00:00",
        "count": 3,
        "share": 0.5,
        "price": 2.5,
        "whole": 2,
        "yes": True,
        "zero": 0,
        "tags": ["а", None, "2024-01-01"],
        "nested": {"1": "b'x'"},
    }
    assert isinstance(found, Document)
    assert json.loads(json.dumps(found.meta)) == expected


def test_a_record_of_our_own_is_read_without_its_answers() -> None:
    record = {
        "id": "a.txt",
        "text": "Мэр",
        "events": ["visit"],
        "event_scores": {"visit": 0.9},
        "spans": [{"start": 0}],
        "meta": {"url": "u"},
    }
    assert list(read_rows(rows(record))) == [Document("a.txt", "Мэр", meta={"url": "u"})]
    (kept,) = read_rows(rows({"text": "Мэр", "events": "visit"}))
    assert isinstance(kept, Document)
    assert kept.meta == {"events": "visit"}


@pytest.mark.parametrize("text", [None, "", 5, ["Мэр"]])
def test_a_row_without_text_is_a_failure(text: object) -> None:
    first, second = read_rows(rows({"text": text}, {"text": "Мэр"}))
    assert isinstance(first, Failure)
    assert (first.id, first.reason) == ("t#1", 'no text under "text"')
    assert isinstance(second, Document)


# --- csv


def to_csv(table: list[list[str]], delimiter: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(table)
    return out.getvalue()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "koi8-r", "utf-16", "utf-16-le"])
def test_delimiter_and_encoding_are_found_out(tmp_path: Path, delimiter: str, encoding: str) -> None:
    table = [
        ["Дата, время", "Текст"],
        ["05.03; утро", ARTICLE + '\r\nда, нет; "кавычки"'],
        ["06.03", "Мэр"],
    ]
    first, second = read(tmp_path, "t.csv", to_csv(table, delimiter).encode(encoding))
    assert isinstance(first, Document)
    assert isinstance(second, Document)
    assert (first.id, second.id) == ("t.csv#2", "t.csv#3")
    assert first.text == table[1][1]
    assert first.meta["Дата, время"] == "05.03; утро"
    assert first.meta.get("encoding", "utf-8").replace("_", "-").startswith(encoding[:5])


def test_a_tsv_is_delimited_by_tabs(tmp_path: Path) -> None:
    (found,) = read(tmp_path, "t.TSV", "a,b\ttext\nx,y\tМэр, да\n")
    assert found == Document("t.TSV#2", "Мэр, да", meta={"a,b": "x,y"})


@pytest.mark.parametrize("line", ["sep=;\r\n", "SEP=;\n", '"sep=;"\r\n'])
def test_a_first_line_that_tells_excel_the_delimiter_is_no_header(tmp_path: Path, line: str) -> None:
    raw = "\ufeff" + line + "title;text\r\nВизит, обмен;Мэр\r\n"
    assert read(tmp_path, "t.csv", raw)[0].id == "t.csv#2", "as Excel numbers the rows"
    assert texts(read(tmp_path, "t.csv", raw)) == ["Мэр"]


def test_a_single_column_may_hold_every_delimiter(tmp_path: Path) -> None:
    assert texts(read(tmp_path, "t.csv", "text\nа, б; в\tг|д\n\nМэр\n")) == ["а, б; в\tг|д", "Мэр"]


def test_cyrillic_that_begins_late_is_decoded_right(tmp_path: Path) -> None:
    raw = b"text,n\n" + b"plain latin,1\n" * 30_000 + (ARTICLE + ",2\n").encode("cp1251")
    assert texts(read(tmp_path, "t.csv", raw))[-1] == ARTICLE


def test_a_ragged_row_is_a_failure_and_the_others_are_read(tmp_path: Path) -> None:
    raw = "id,text,n\na,Мэр,1\nb,Мэр\nc,Мэр, да,1\nd,Мэр,1,,\ne,Мэр,1\n"
    found = read(tmp_path, "t.csv", raw)
    assert [item.id for item in found] == ["a", "t.csv#3", "t.csv#4", "d", "e"]
    short, long = found[1:3]
    assert isinstance(short, Failure)
    assert isinstance(long, Failure)
    assert short.reason == "the row has 2 cells, the header 3"
    assert long.reason == "the row has 4 cells, the header 3"


def test_a_huge_cell_is_read_and_one_past_the_limit_is_a_failure(tmp_path: Path) -> None:
    huge = "Мэр, " * 200_000
    assert texts(read(tmp_path, "t.csv", to_csv([["text"], [huge]]))) == [huge]
    found = read(tmp_path, "t.csv", to_csv([["id", "text"], ["a", "Мэр"], ["b", "x" * (20 * 2**20 + 1)]]))
    assert found[0].id == "a"
    assert "after row 2" in only_failure(found[1:]).reason


def test_a_quote_left_open_is_a_failure_not_a_crash(tmp_path: Path) -> None:
    found = read(tmp_path, "t.csv", 'text,n\nМэр,1\n"открыто,2\n' + "ещё\n" * 10)
    assert found[0] == Document("t.csv#2", "Мэр", meta={"n": "1"})
    assert isinstance(found[1], Failure)


def test_null_bytes_in_a_cell_are_kept(tmp_path: Path) -> None:
    assert texts(read(tmp_path, "t.csv", "text,n\nМ\x00эр,1\n")) == ["М\x00эр"]


def test_bytes_outside_the_encoding_are_a_failure_with_the_row(tmp_path: Path) -> None:
    raw = ("text,n\n" + f"{ARTICLE},1\n" * 3000).encode("cp1251") + b"\x98,2\n"
    found = read(tmp_path, "t.csv", raw)
    assert len(found) > 1000
    assert isinstance(found[-1], Failure)
    assert "not cp1251" in found[-1].reason


@pytest.mark.parametrize("raw", [b"", b"\n\n", b"id,text\n", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("name", ["t.csv", "t.tsv"])
def test_a_table_without_rows_is_a_failure(tmp_path: Path, name: str, raw: bytes) -> None:
    assert only_failure(read(tmp_path, name, raw)).reason == "the table has no rows"


def test_unnamed_and_equal_columns_get_names(tmp_path: Path) -> None:
    (found,) = read(tmp_path, "t.csv", "tag,,text,tag\na,b,Мэр,c\n")
    assert found == Document("t.csv#2", "Мэр", meta={"tag": "a", "column 2": "b", "tag#2": "c"})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip), min_size=1, max_size=5))
def test_what_csv_wrote_is_read_back(tmp_path: Path, cells: list[str]) -> None:
    raw = to_csv([["text", "n"], *([cell, "1"] for cell in cells)]).encode()
    assert texts(read(tmp_path, "t.csv", raw)) == cells


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(
        ["t.csv", "t.tsv", "t.json", "t.jsonl", "t.parquet", "t.xlsx", "t.docx", "t.pdf", "t.zip"]
    ),
    st.binary(max_size=200),
)
def test_any_bytes_in_any_format_are_documents_or_failures(tmp_path: Path, name: str, raw: bytes) -> None:
    found = read(tmp_path, name, raw)
    assert found
    assert all(isinstance(item, Document) or (item.reason and item.hint) for item in found)


# --- json


def test_a_list_of_objects_is_a_table(tmp_path: Path) -> None:
    raw = json.dumps([{"title": "Визит", "body": "Мэр"}, "строка", {"id": 5, "body": "Калуга"}])
    first, second, third = read(tmp_path, "t.json", raw)
    assert first == Document("t.json#1", "Мэр", meta={"title": "Визит"})
    assert isinstance(second, Failure)
    assert (second.id, second.reason) == ("t.json#2", "not a JSON object")
    assert third == Document("5", "Калуга")


def test_one_object_is_a_table_of_one_in_any_encoding(tmp_path: Path) -> None:
    raw = json.dumps({"text": ARTICLE}, ensure_ascii=False).encode("cp1251")
    assert read(tmp_path, "t.json", raw) == [Document("t.json#1", ARTICLE, meta={"encoding": "cp1251"})]


def test_the_texts_of_a_label_studio_export_are_read(tmp_path: Path) -> None:
    tasks = [
        {"id": 9, "data": {"text": "Мэр", "url": "u"}, "annotations": [{"result": []}]},
        {"id": 10, "data": {"text": "Калуга", "id": "k.txt"}, "annotations": []},
        {"data": {"html": "нет"}},
    ]
    first, second, third = read(tmp_path, "t.json", json.dumps(tasks))
    assert first == Document("9", "Мэр", meta={"url": "u"})
    assert second == Document("k.txt", "Калуга")
    assert isinstance(third, Failure)


def test_a_short_export_gives_each_task_once(tmp_path: Path) -> None:
    records = [
        {
            "id": 3,
            "text": "Мэр",
            "annotator": 1,
            "annotation_id": 1,
            "spans": [{"start": 0}],
            "event": "visit",
        },
        {"id": 3, "text": "Мэр", "annotator": 2, "annotation_id": 2, "spans": [{"start": 0}]},
    ]
    assert read(tmp_path, "t.json", json.dumps(records)) == [Document("3", "Мэр")]


def test_the_shipped_export_is_read(tmp_path: Path) -> None:
    path = Path(__file__).parent.parent / "annotations/heldout.json"
    found = list(read_file("heldout.json", path))
    tasks = json.loads(path.read_text(encoding="utf-8"))
    assert texts(found) == [task["data"]["text"] for task in tasks]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("[]", "an empty list"),
        ("", "not valid JSON"),
        ('[{"text": "Мэр"}', "not valid JSON"),
        ('{"text": "1"}\n{"text": "2"}', "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("5", "not a JSON object"),
        ('{"articles": []}', "no column is obviously the text; the columns are articles"),
    ],
)
def test_json_that_is_no_table_is_a_failure(tmp_path: Path, raw: str, reason: str) -> None:
    assert only_failure(read(tmp_path, "t.json", raw)).reason.startswith(reason)


def test_too_long_a_json_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infer.tables.JSON_LIMIT", 10)
    assert ".jsonl" in only_failure(read(tmp_path, "t.json", '[{"text": "Мэр"}]')).hint


def test_too_long_a_line_is_a_failure_and_the_next_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infer.tables.TEXT_LIMIT", 40)
    lines = ['{"text": "1"}', '{"text": "' + "2" * 200 + '"}', '{"text": "3"}']
    first, failure, last = read(tmp_path, "t.jsonl", "\n".join(lines))
    assert (first.id, failure.id, last.id) == ("t.jsonl#1", "t.jsonl#2", "t.jsonl#3")
    assert isinstance(failure, Failure)


# --- parquet


def to_parquet(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    pa.parquet.write_table(table, out, **options)
    return out.getvalue()


def test_a_parquet_is_read_with_its_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": pa.array([5, None]),
            "text": pa.array(["Мэр", "Калуга"]).dictionary_encode(),
            "when": pa.array([datetime(2024, 3, 5, 1), None], pa.timestamp("ns")),
            "tags": pa.array([["а"], []]),
        }
    )
    assert read(tmp_path, "t.parquet", to_parquet(table)) == [
        Document("5", "Мэр", meta={"when": "2024-03-05T01:00:00", "tags": ["а"]}),
        Document("t.parquet#2", "Калуга", meta={"tags": []}),
    ]


def test_a_parquet_without_rows_or_text_is_a_failure(tmp_path: Path) -> None:
    assert only_failure(
        read(tmp_path, "t.parquet", to_parquet(pa.table({"text": pa.array([], pa.string())})))
    )
    failure = only_failure(read(tmp_path, "t.parquet", to_parquet(pa.table({"a": [1], "b": [2]}))))
    assert failure.reason.endswith("the columns are a, b")


def test_a_cut_off_parquet_is_a_failure(tmp_path: Path) -> None:
    raw = to_parquet(pa.table({"text": [ARTICLE] * 100}))
    failure = only_failure(read(tmp_path, "t.parquet", raw[: len(raw) // 2]))
    assert failure.reason.startswith("not a readable Parquet file")


# --- streaming


def write_big(path: Path, count: int) -> None:
    """A table of `count` different articles of 2,000 characters."""
    if path.suffix == ".parquet":
        pa.parquet.write_table(
            pa.table({"text": [f"{number} {ARTICLE * 7}"[:2000] for number in range(count)]}),
            path,
            use_dictionary=False,
        )
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            file.write("n,text\r\n")
        for number in range(count):
            text = f"{number} {ARTICLE * 7}"[:2000]
            file.write(
                f'{number},"{text}"\r\n' if path.suffix == ".csv" else json.dumps({"text": text}) + "\n"
            )


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_a_long_table_is_read_in_little_memory(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    write_big(path, 3000)  # 6 million characters, 12 MB in memory
    list(islice(read_file("t", path), 1))  # imports
    tracemalloc.start()
    count = sum(isinstance(item, Document) for item in read_file("t", path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 3000
    assert peak < 4_000_000


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_rows_are_read_as_they_are_asked_for(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    write_big(path, 2000)
    items = read_file("t", path)
    next(items)
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])
    rest = list(items)
    assert 900 < len(texts(rest)) < 1100
    assert len(rest) - len(texts(rest)) <= 1
