"""Excerpts: what they show of a text, that marks stand where they belong, and that nothing gets out."""

from __future__ import annotations

import re
from html import unescape

from hypothesis import given
from hypothesis import strategies as st

from train.excerpts import CONTEXT, Mark, excerpt, link, page

TEXT = "Первая строка.\nДелегация <b>провинции</b> Хэнань прибыла.\r\nТретья"


def visible(html: str) -> str:
    return unescape(re.sub(r"</?mark[^>]*>", "", html))


def test_a_short_line_is_shown_whole() -> None:
    start = TEXT.index("Хэнань")
    shown = excerpt(TEXT, start, start + 6, [Mark(start, start + 6, "gold", "c0")])
    assert visible(shown).strip() == "Делегация <b>провинции</b> Хэнань прибыла."
    assert '<mark class="gold c0 first last" style="--depth: 0">Хэнань</mark>' in shown
    assert "<b>" not in shown


def test_a_long_line_is_cut_at_words() -> None:
    text = "слово " * 100 + "Хэнань" + " слово" * 100
    start = text.index("Хэнань")
    shown = visible(excerpt(text, start, start + 6, []))
    assert re.fullmatch(r"…(слово )+Хэнань( слово)+…", shown)
    assert len(shown) <= 2 * CONTEXT + 6 + 2


def test_overlapping_marks_are_nested_and_split_at_their_ends() -> None:
    shown = excerpt("абвгд", 0, 5, [Mark(0, 3, "gold", "c0"), Mark(2, 5, "model", "c1")])
    pieces = re.findall(r">([^<>]+)<", shown)
    assert pieces == ["аб", "в", "гд"]
    assert shown.count("<mark") == 4
    assert shown.count(" first") == shown.count(" last") == 2


def test_names_link_where_the_task_is_known() -> None:
    assert link("a&b", None) == "a&amp;b"
    assert link("a", 'http://ls/?a=1&b="') == '<a href="http://ls/?a=1&amp;b=&quot;">a</a>'


def test_a_page_asks_for_nothing() -> None:
    made = page("A <title>", "<p>intro</p>", "<p>body</p>")
    assert "<title>A &lt;title&gt;</title>" in made
    assert "default-src 'none'" in made
    assert not re.search(r"(?:src|href)=", made.replace("default-src", ""))


texts = st.text(alphabet=st.sampled_from("аб <&\n\r"), min_size=1, max_size=400)


@given(texts, st.lists(st.tuples(st.integers(0, 399), st.integers(1, 50)), min_size=1, max_size=4))
def test_an_excerpt_is_a_piece_of_the_text_that_holds_the_place(
    text: str, given_marks: list[tuple[int, int]]
) -> None:
    marks = [
        Mark(start, min(start + size, len(text)), "gold", "c0")
        for start, size in given_marks
        if start < len(text)
    ] or [Mark(0, 1, "gold", "c0")]
    start, end = marks[0].start, marks[0].end
    shown = visible(excerpt(text, start, end, marks))
    assert text[start:end] in shown
    assert shown.strip("…") in text
