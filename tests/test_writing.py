"""The record's contract; what the files are called and when they appear."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infer.document import Document, Span
from infer.reading import Failure
from infer.writing import open_writer

DOCUMENT = Document(
    "folder/a.txt",
    "🤝 Мэр\r\nКалуги и\u0306",
    (Span(2, 5, "OFFICIAL", 0.123456), Span(7, 13, "PARTNER", 0.98765)),
    ("visit",),
    {"visit": 0.971239, "agreement": 0.03, "exhibition": 0.0},
    {"url": "https://example.org"},
)
FAILURE = Failure("b.txt", "the file is empty", "leave it out")


def write(folder: Path, *items: Document | Failure) -> None:
    with open_writer(folder) as writer:
        for item in items:
            writer.write(item)


def records(folder: Path) -> list[dict[str, Any]]:
    raw = (folder / "extractions.jsonl").read_bytes().decode("utf-8")
    assert raw == "" or raw.endswith("\n")
    return [json.loads(line) for line in raw.split("\n")[:-1]]


def test_a_record_has_the_contracts_keys_in_its_order(tmp_path: Path) -> None:
    write(tmp_path, DOCUMENT)
    (record,) = records(tmp_path)
    assert list(record) == ["id", "text", "events", "event_scores", "spans", "meta"]
    for span in record["spans"]:
        assert list(span) == ["start", "end", "label", "text", "normal", "score"]
        assert isinstance(span["normal"], str)


def test_a_record_says_what_the_document_says(tmp_path: Path) -> None:
    write(tmp_path, DOCUMENT)
    (record,) = records(tmp_path)
    assert (record["id"], record["text"]) == (DOCUMENT.id, DOCUMENT.text)
    assert (record["events"], record["meta"]) == (["visit"], {"url": "https://example.org"})
    assert list(record["event_scores"]) == ["visit", "agreement", "exhibition"]
    assert record["event_scores"] == pytest.approx(DOCUMENT.event_scores, abs=1e-3)
    spans = [(span["start"], span["end"], span["label"], span["text"]) for span in record["spans"]]
    assert spans == [(2, 5, "OFFICIAL", "Мэр"), (7, 13, "PARTNER", "Калуги")]
    assert [span["score"] for span in record["spans"]] == pytest.approx([0.123456, 0.98765], abs=1e-3)


def test_a_document_with_nothing_found_has_a_record_all_the_same(tmp_path: Path) -> None:
    write(tmp_path, Document("a", " "))
    (record,) = records(tmp_path)
    assert (record["text"], record["events"], record["spans"], record["meta"]) == (" ", [], [], {})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(min_size=1, max_size=20), data=st.data())
def test_the_offsets_quote_the_text_whatever_it_holds(tmp_path: Path, text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    write(tmp_path, Document("a", text, (Span(start, end, "SECTOR", 0.5),)))
    (record,) = records(tmp_path)
    (span,) = record["spans"]
    assert record["text"] == text
    assert record["text"][span["start"] : span["end"]] == span["text"] == text[start:end]


def test_lines_are_utf8_one_a_document_in_the_order_given(tmp_path: Path) -> None:
    write(tmp_path, *(Document(str(n), "Мэр\nКалуги\u2028\r") for n in (3, 1, 2)))
    raw = (tmp_path / "extractions.jsonl").read_bytes()
    assert [record["id"] for record in records(tmp_path)] == ["3", "1", "2"]
    assert raw.count(b"\n") == 3
    assert b"\r" not in raw
    assert "Мэр".encode() in raw, "letters, not escapes"


def test_a_lone_surrogate_survives(tmp_path: Path) -> None:
    write(tmp_path, Document("a", "Мэр \ud800", (Span(0, 5, "OFFICIAL", 0.5),)), Document("b", "Калуга"))
    assert [record["text"] for record in records(tmp_path)] == ["Мэр \ud800", "Калуга"]


def test_failures_have_a_file_of_their_own(tmp_path: Path) -> None:
    write(tmp_path, FAILURE, DOCUMENT)
    assert [record["id"] for record in records(tmp_path)] == [DOCUMENT.id]
    (line,) = (tmp_path / "failures.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == {"id": "b.txt", "reason": "the file is empty", "hint": "leave it out"}


def test_both_kinds_are_counted(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        for item in (DOCUMENT, FAILURE, DOCUMENT):
            writer.write(item)
    assert (writer.written, writer.failed) == (2, 1)


def test_without_failures_there_is_no_such_file_not_even_an_old_one(tmp_path: Path) -> None:
    write(tmp_path, FAILURE)
    assert records(tmp_path) == []
    write(tmp_path, DOCUMENT)
    assert [path.name for path in tmp_path.iterdir()] == ["extractions.jsonl"]


def test_the_folder_is_made(tmp_path: Path) -> None:
    write(tmp_path / "new/er", DOCUMENT)
    assert len(records(tmp_path / "new/er")) == 1


def test_nothing_appears_under_its_name_before_it_is_complete(tmp_path: Path) -> None:
    with open_writer(tmp_path) as writer:
        for item in (DOCUMENT, FAILURE):
            writer.write(item)
        assert not (tmp_path / "extractions.jsonl").exists()
        assert not (tmp_path / "failures.jsonl").exists()
    assert (tmp_path / "extractions.jsonl").exists()
    assert (tmp_path / "failures.jsonl").exists()
    assert not list(tmp_path.glob("*.partial"))


def test_a_run_that_breaks_off_leaves_the_last_complete_result(tmp_path: Path) -> None:
    write(tmp_path, DOCUMENT, FAILURE)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def break_off() -> None:
        with open_writer(tmp_path) as writer:
            writer.write(Document("other", "Да"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
