from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infer.document import Document, Span

TEXT = "Мэр Калуги"


@pytest.mark.parametrize(("start", "end"), [(-1, 3), (3, 3), (4, 3), (0, 0)])
def test_a_span_that_is_empty_or_backward_or_negative_is_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="0 <= start < end"):
        Span(start, end, "PARTNER")


def test_a_span_may_end_where_the_text_ends() -> None:
    document = Document("a", TEXT, (Span(4, 10, "PARTNER"),))
    assert document.quote(document.spans[0]) == "Калуги"


def test_a_span_past_the_end_is_refused_and_the_document_named() -> None:
    with pytest.raises(ValueError, match="document news/7"):
        Document("news/7", TEXT, (Span(0, 3, "OFFICIAL"), Span(4, 11, "PARTNER")))


def test_spans_are_sorted_by_start_end_label_whatever_the_order_given() -> None:
    spans = (Span(0, 3, "OFFICIAL"), Span(0, 10, "OFFICIAL"), Span(4, 10, "PARTNER"), Span(4, 10, "SECTOR"))
    for order in permutations(spans):
        assert Document("a", TEXT, order).spans == spans


def test_the_score_is_no_part_of_what_makes_spans_equal() -> None:
    assert Span(0, 3, "OFFICIAL", 0.5) == Span(0, 3, "OFFICIAL")
    assert Span(0, 3, "OFFICIAL") != Span(0, 3, "PARTNER")
    assert len({Span(0, 3, "OFFICIAL", 0.5), Span(0, 3, "OFFICIAL", 0.6)}) == 1


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [((0, 3), (3, 5), False), ((0, 3), (2, 5), True), ((0, 9), (2, 5), True), ((6, 9), (0, 2), False)],
)
def test_spans_overlap_when_they_share_a_character_even_under_two_labels(
    first: tuple[int, int], second: tuple[int, int], shared: bool
) -> None:
    one, other = Span(*first, "PARTNER"), Span(*second, "SECTOR")
    assert one.overlaps(other) is shared
    assert other.overlaps(one) is shared


def test_documents_and_spans_are_never_edited() -> None:
    document = Document("a", TEXT, (Span(0, 3, "OFFICIAL"),))
    with pytest.raises(FrozenInstanceError):
        document.text = "другой"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        document.spans[0].start = 1  # type: ignore[misc]


def test_replacing_the_text_by_a_shorter_one_is_checked_too() -> None:
    document = Document("a", TEXT, (Span(4, 10, "PARTNER"),))
    with pytest.raises(ValueError, match="past the text's 3 characters"):
        replace(document, text="Мэр")


def test_offsets_are_code_points() -> None:
    text = "🤝🏽 и\u0306 \r\n👨‍👩‍👧 Китай"
    start = text.index("Китай")
    document = Document("a", text, (Span(start, start + 5, "PARTNER"),))
    assert document.quote(document.spans[0]) == "Китай"


@given(st.text(min_size=1, max_size=30), st.data())
def test_quote_is_the_slice_for_any_text(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    document = Document("a", text, (Span(start, end, "PARTNER"),))
    assert document.quote(document.spans[0]) == text[start:end]
    assert document.text == text
