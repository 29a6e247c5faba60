"""The cut vocabulary and its tokenizer, on the tiny checkpoint."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.teacher import HARD, TINY, assert_exact, make_tiny
from train.vocabulary import MARK, PREFIXES, RUSSIAN, SPECIAL, cut


@given(
    st.text(st.one_of(st.sampled_from("".join(HARD)), st.characters(exclude_categories=["Cs"])), max_size=20)
)
@example("Китай\u00ad\u0306")
def test_offsets_are_exact_code_points(text: str) -> None:
    assert_exact(text, TINY)


@pytest.mark.parametrize("text", HARD)
def test_offsets_of_hard_texts(text: str) -> None:
    assert_exact(text, TINY)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Китай", [("▁Китай", "Китай")]),
        ("x\u00a0Китай\r\n", [("▁x", "x"), ("▁Китай", "Китай")]),
        ("Ки\u00adтай", [("▁Китай", "Ки\u00adтай")]),
        ("Кита\u0438\u0306", [("▁Кита\u0438\u0306", "Кита\u0438\u0306")]),
        ("№1 👁", [("▁№", "№"), ("1", "1"), ("<unk>", "👁")]),
        ("Китай中国", [("▁Китай", "Китай"), ("<unk>", "中国")]),
    ],
)
def test_tokens_and_their_characters(text: str, tokens: list[tuple[str, str]]) -> None:
    encoding = TINY.encode(text, add_special_tokens=False)
    found = [TINY.id_to_token(number) for number in encoding.ids]
    assert list(zip(found, [text[a:b] for a, b in encoding.offsets], strict=True)) == tokens


def test_the_cut_keeps_russian_and_what_it_needs_first() -> None:
    tiny = make_tiny()
    pieces = cut(tiny, 32000)
    texts = [piece.text for piece in pieces]
    assert texts[:5] == list(SPECIAL)
    assert set(PREFIXES) <= set(texts)
    assert {MARK + letter for letter in RUSSIAN} <= set(texts)
    assert "▁компания" in texts
    assert "▁кампанията" not in texts  # Bulgarian
    assert MARK not in texts
    assert len(set(texts)) == len(texts)
    rows = {piece.text: tiny.pieces[piece.row] for piece in pieces}
    assert rows["№"] == "No"
    assert rows["▁ю"] == "ю"
    assert rows["▁Кита\u0438\u0306"] == "▁Китай"
    assert cut(tiny, 50) == pieces[:50]
