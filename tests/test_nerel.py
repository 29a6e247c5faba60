"""Brat's stand-off format to Documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from infer.document import Span
from train.nerel import BratError, keep_outermost, label_schema, read_brat


def write(folder: Path, text: str, annotations: str) -> Path:
    (folder / "a.txt").write_text(text, encoding="utf-8", newline="")
    (folder / "a.ann").write_text(annotations, encoding="utf-8")
    return folder


def test_spans_are_code_points_and_the_rest_is_left_alone(tmp_path: Path) -> None:
    lines = ["T1\tCOUNTRY 3 8\tКитай", "T2\tPERSON 3 8\tКитай", "R1\tLIVES Arg1:T1 Arg2:T2", "#1\tnote"]
    (document,) = read_brat(write(tmp_path, "😀\r\nКитай", "\n".join(lines)))
    assert document.text == "😀\r\nКитай"
    assert [(span.label, document.quote(span)) for span in document.spans] == [
        ("COUNTRY", "Китай"),
        ("PERSON", "Китай"),
    ]
    assert label_schema([document]).labels == ("COUNTRY", "PERSON")


def test_a_span_in_pieces_reaches_from_first_to_last(tmp_path: Path) -> None:
    (document,) = read_brat(write(tmp_path, "от 5 до 9 лет", "T1\tAGE 8 13;3 4\t9 лет 5"))
    assert document.spans == (Span(3, 13, "AGE"),)


def test_only_outermost_spans_of_the_labels_asked_for(tmp_path: Path) -> None:
    lines = ["T1\tPROFESSION 0 12\tПосол Индии", "T2\tCOUNTRY 6 11\tИндии", "T3\tCITY 14 20\tКалуга"]
    (document,) = read_brat(write(tmp_path, "Посол Индии в Калуга.", "\n".join(lines)))
    assert [span.label for span in keep_outermost(document, {"PROFESSION", "COUNTRY"})] == ["PROFESSION"]
    assert [span.label for span in keep_outermost(document, {"CITY", "COUNTRY"})] == ["COUNTRY", "CITY"]


def test_errors_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(BratError, match="no articles"):
        read_brat(tmp_path)
    (tmp_path / "a.txt").write_text("Китай", encoding="utf-8")
    with pytest.raises(BratError, match=r"a\.ann: missing"):
        read_brat(tmp_path)
    with pytest.raises(BratError, match=r"a\.ann:1: not a brat entity"):
        read_brat(write(tmp_path, "Китай", "T1 COUNTRY 0 5"))
