"""The record's contract, and the way back from it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infer.document import Document, Span
from infer.normal import Normalizer
from infer.records import Extraction, rename, to_document, to_line, to_record

DOCUMENT = Document(
    "folder/a.txt",
    "🤝 Мэр\r\nКалуги и\u0306",
    (Span(2, 5, "OFFICIAL", 0.123456), Span(7, 13, "PARTNER", 0.98765)),
    ("visit",),
    {"visit": 0.971239, "agreement": 0.03, "exhibition": 0.0},
    {"url": "https://example.org"},
)
NORMALIZER = Normalizer()


def test_a_record_has_the_contracts_keys_in_its_order() -> None:
    record = to_record(DOCUMENT, NORMALIZER)
    assert list(record) == ["id", "text", "events", "event_scores", "spans", "meta"]
    for span in record["spans"]:
        assert list(span) == ["start", "end", "label", "text", "normal", "score"]
        assert isinstance(span["normal"], str)


def test_a_record_says_what_the_document_says() -> None:
    record = to_record(DOCUMENT, NORMALIZER)
    assert (record["id"], record["text"]) == (DOCUMENT.id, DOCUMENT.text)
    assert (record["events"], record["meta"]) == (["visit"], {"url": "https://example.org"})
    assert list(record["event_scores"]) == ["visit", "agreement", "exhibition"]
    assert record["event_scores"] == pytest.approx(DOCUMENT.event_scores, abs=1e-3)
    spans = [(span["start"], span["end"], span["label"], span["text"]) for span in record["spans"]]
    assert spans == [(2, 5, "OFFICIAL", "Мэр"), (7, 13, "PARTNER", "Калуги")]
    assert [span["score"] for span in record["spans"]] == pytest.approx([0.123456, 0.98765], abs=1e-3)


def test_a_document_with_nothing_found_has_a_record_all_the_same() -> None:
    record = to_record(Document("a", " "), NORMALIZER)
    assert (record["text"], record["events"], record["spans"], record["meta"]) == (" ", [], [], {})


@given(text=st.text(min_size=1, max_size=20), data=st.data())
def test_offsets_quote_the_text_and_lead_back_whatever_it_holds(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    document = Document("a", text, (Span(start, end, "SECTOR", 0.5),))
    record = json.loads(to_line(to_record(document, NORMALIZER)))
    (span,) = record["spans"]
    assert record["text"][span["start"] : span["end"]] == span["text"] == text[start:end]
    assert to_document(record) == document


def test_a_line_is_one_line_of_utf8_with_letters_as_letters() -> None:
    line = to_line({"text": "Мэр\nКалуги\u2028\r"})
    assert line.count("\n") == 1
    assert "\r" not in line
    assert "Мэр" in line


def test_a_lone_surrogate_survives() -> None:
    line = to_line({"text": "Мэр \ud800"})
    assert json.loads(line.encode("utf-8")) == {"text": "Мэр \ud800"}


def test_aliases_give_what_they_give_when_the_model_answers() -> None:
    """Renaming afterwards is the same as having had the aliases from the start."""
    document = Document(
        "a",
        "Алексей Островский принял делегацию «Фуяо». Островского ждут в КНР.",
        (Span(0, 18, "OFFICIAL"), Span(37, 41, "PARTNER"), Span(44, 55, "OFFICIAL"), Span(64, 67, "PARTNER")),
    )
    plain = Extraction(to_record(document, NORMALIZER), NORMALIZER.keys(document))
    for aliases in (
        {},
        {"КНР": "Китай"},
        {"островского": "Губернатор"},
        {"Алексей Островский": "Губернатор"},
        {"фуяо": "Fuyao Glass", "Островский": "Мэр"},
    ):
        normalizer = Normalizer(aliases)
        expected = Extraction(to_record(document, normalizer), normalizer.keys(document))
        assert rename(plain, normalizer) == expected
        assert list(rename(plain, normalizer).record["spans"][0]) == list(expected.record["spans"][0])


def test_an_uncertain_span_says_so_after_its_score() -> None:
    document = Document("a", "Фуяо и Haval", (Span(0, 4, "X", 0.4, uncertain=True), Span(7, 12, "X", 0.9)))
    first, second = to_record(document, Normalizer())["spans"]
    assert list(first)[-2:] == ["score", "uncertain"]
    assert first["uncertain"] is True
    assert "uncertain" not in second
    assert [span.uncertain for span in to_document(to_record(document, Normalizer())).spans] == [True, False]
