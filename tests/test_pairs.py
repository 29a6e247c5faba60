"""Halves of quotes and brackets: found, taken off, completed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infer.document import Document, Span
from infer.pairs import find_halves, mend
from train.fit import _have_halves

words = st.lists(st.sampled_from(["«", "»", "„", "“", "”", '"', "(", ")", "a", "b"]), max_size=9)


@pytest.mark.parametrize(
    ("text", "halves"),
    [
        ("ООО « Рассвет »", []),
        ("ООО « Рассвет", [1]),
        ('Чанхун "', [1]),
        ('SIA " Lode "', []),
        ("„ Мир “ и „ Труд ”", []),
        ("“ Мир ”", []),
        ("а ) б (", [1, 3]),
        ("( « )", [0, 1, 2]),
        ("", []),
    ],
)
def test_halves_are_found(text: str, halves: list[int]) -> None:
    assert find_halves(text.split()) == halves


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ('" [Чанхун "] и', '" [Чанхун] " и'),
        ("фирма [« Рассвет] » и", "фирма « [Рассвет] » и"),
        ("[ООО « Рассвет] » и", "[ООО « Рассвет »] и"),
        ('[SIA " Lode] " и', '[SIA " Lode "] и'),
        ("« [Дунав » Лтд] и", "[« Дунав » Лтд] и"),
        ("[Outotec ( Finland] Oy", "[Outotec ( Finland] Oy"),
        ("[банк « Мелли » Иран] и", "[банк « Мелли » Иран] и"),
        ("[а » б « в] »", "[а » б « в] »"),
        ("[«]", "[«]"),
    ],
)
def test_spans_are_mended(marked: str, expected: str) -> None:
    def read(text: str) -> tuple[int, int, list[str]]:
        before, inner, after = text.replace("]", "[").split("[")
        first = len(before.split())
        return first, first + len(inner.split()), f"{before} {inner} {after}".split()

    first, stop, found = read(marked)
    assert mend(first, stop, found) == read(expected)[:2]


@given(words, st.data())
def test_a_mended_span_has_fewer_halves_or_is_as_it_was(text: list[str], data: st.DataObject) -> None:
    stop = data.draw(st.integers(0, len(text)))
    first = data.draw(st.integers(0, stop))
    new_first, new_stop = mend(first, stop, text)
    assert 0 <= new_first <= new_stop <= len(text)
    assert abs(new_first - first) + abs(new_stop - stop) <= 1
    if (new_first, new_stop) != (first, stop):
        assert new_first < new_stop
        assert find_halves(text[new_first:new_stop]) == []
        assert len(find_halves(text[first:stop])) == 1


@pytest.mark.parametrize(("halves", "allowed"), [(0, False), (1, False), (2, True)])
def test_halves_are_allowed_where_annotators_mark_them(halves: int, allowed: bool) -> None:
    text = "ООО «А» " * 100
    spans = [Span(at, at + (6 if at < 8 * halves else 7), "PARTNER") for at in range(0, 800, 8)]
    assert _have_halves([Document("a", text, tuple(spans))]) is allowed
