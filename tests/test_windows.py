from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infer.windows import SLACK, Window, merge, split

Tokens = list[tuple[int, int]]


def of_lengths(lengths: list[int]) -> Tokens:
    """Units side by side, of so many tokens each."""
    tokens, at = [], 0
    for length in lengths:
        tokens.append((at, at + length))
        at += length
    return tokens


def depth(unit: int, window: Window, tokens: Tokens) -> float:
    """The definition, written again: tokens to the nearer cut; the document's own ends are no cuts."""
    before = tokens[unit][0] - tokens[window.start][0] if window.start else float("inf")
    after = tokens[window.end - 1][1] - tokens[unit][1] if window.end < len(tokens) else float("inf")
    return min(before, after)


@st.composite
def documents(draw: st.DrawFn, longest: int | None = None) -> tuple[Tokens, int, int]:
    """Units' tokens with gaps (tokens of no unit) and shared tokens, a window size and an overlap.

    Unless `longest` says otherwise, units are short enough to fit beside an overlap, as words are.
    """
    size = draw(st.integers(6, 60))
    overlap = draw(st.integers(0, size // 2))
    longest = longest or max(1, min(6, (size - overlap) // 2 - 1))
    lengths = draw(st.lists(st.integers(1, longest), min_size=1, max_size=120))
    tokens: Tokens = []
    at = draw(st.integers(0, 3))
    for length in lengths:
        first = max(0, at - 1) if tokens and draw(st.integers(0, 9)) == 0 else at
        tokens.append((first, at + length))
        at += length + (draw(st.integers(0, 9)) == 0)
    return tokens, size, overlap


def test_a_document_without_units_gets_one_empty_window() -> None:
    assert split([], 10, 4) == [Window(0, 0, 0, 0)]


def test_a_document_that_fits_gets_one_window() -> None:
    assert split(of_lengths([1] * 10), 10, 4) == [Window(0, 10, 0, 10)]


def test_two_windows_meet_in_the_middle_of_what_they_share() -> None:
    # 60 tokens, size 40, overlap 8: two even shares of ceil(68 / 2) + SLACK, cut off at 40.
    assert split(of_lengths([1] * 60), 40, 8) == [Window(0, 40, 0, 36), Window(32, 60, 36, 60)]


def test_windows_are_of_about_equal_size() -> None:
    windows = split(of_lengths([1] * 1100), 510, 128)
    assert len(windows) == 3
    sizes = [window.end - window.start for window in windows]
    assert max(sizes) <= -(-(1100 + 2 * 128) // 3) + SLACK
    assert max(sizes) - min(sizes) <= 3 * SLACK


def test_a_unit_longer_than_a_window_gets_one_of_its_own() -> None:
    windows = split(of_lengths([2, 90, 2]), 20, 0)
    assert windows == [Window(0, 1, 0, 1), Window(1, 2, 1, 2), Window(2, 3, 2, 3)]


def test_without_overlap_each_unit_is_read_once() -> None:
    windows = split(of_lengths([3] * 50), 20, 0)
    assert [(w.start, w.end) for w in windows] == [(w.answer_start, w.answer_end) for w in windows]


@settings(max_examples=120, deadline=None)
@given(documents())
def test_windows_cover_every_unit_in_order(case: tuple[Tokens, int, int]) -> None:
    tokens, size, overlap = case
    windows = split(tokens, size, overlap)
    assert windows[0].start == 0
    assert windows[-1].end == len(tokens)
    for left, right in pairwise(windows):
        assert left.start < right.start <= left.end < right.end


@settings(max_examples=120, deadline=None)
@given(documents(longest=80))
def test_every_unit_is_answered_once_by_a_window_that_reads_it(case: tuple[Tokens, int, int]) -> None:
    tokens, size, overlap = case
    windows = split(tokens, size, overlap)
    answered = [unit for window in windows for unit in range(window.answer_start, window.answer_end)]
    assert answered == list(range(len(tokens)))
    for window in windows:
        if window.answer_start < window.answer_end:
            assert window.start <= window.answer_start
            assert window.answer_end <= window.end


@settings(max_examples=200, deadline=None)
@given(documents())
def test_every_unit_is_answered_where_it_stands_deepest(case: tuple[Tokens, int, int]) -> None:
    tokens, size, overlap = case
    windows = split(tokens, size, overlap)
    for window in windows:
        for unit in range(window.answer_start, window.answer_end):
            deepest = max(depth(unit, w, tokens) for w in windows if w.start <= unit < w.end)
            assert depth(unit, window, tokens) == deepest


def test_a_unit_before_a_very_long_one_is_answered_where_it_stands_deepest() -> None:
    # Read as [0, 4), [1, 4) and [2, 5): unit 3 is answered at the very cut of the first.
    tokens = of_lengths([2, 1, 1, 1, 17])
    windows = split(tokens, 19, 5)
    (answering,) = (w for w in windows if w.answer_start <= 3 < w.answer_end)
    assert depth(3, answering, tokens) == max(depth(3, w, tokens) for w in windows if w.start <= 3 < w.end)


def test_every_window_reads_something_new() -> None:
    assert len(split(of_lengths([2, 1, 1, 1, 17]), 19, 5)) == 2


@settings(max_examples=120, deadline=None)
@given(documents(longest=80))
def test_no_window_exceeds_the_size_but_for_a_single_long_unit(case: tuple[Tokens, int, int]) -> None:
    tokens, size, overlap = case
    for window in split(tokens, size, overlap):
        assert window.start < window.end
        length = tokens[window.end - 1][1] - tokens[window.start][0]
        assert length <= size or window.end - window.start == 1


@settings(max_examples=100, deadline=None)
@given(documents())
def test_neighbours_share_at_most_the_overlap_and_nearly_all_of_it(case: tuple[Tokens, int, int]) -> None:
    tokens, size, overlap = case
    for left, right in pairwise(split(tokens, size, overlap)):
        shared = tokens[left.end - 1][1] - tokens[right.start][0]
        assert shared <= overlap or right.start == left.end
        assert shared > overlap - 8 or right.start == left.start + 1, "one more unit would not have fitted"


def test_units_inside_a_long_text_stand_half_an_overlap_from_any_cut() -> None:
    tokens = of_lengths([1] * 5000)
    for window in split(tokens, 510, 128):
        for unit in (window.answer_start, window.answer_end - 1):
            assert depth(unit, window, tokens) >= 128 / 2 - 1


def test_the_number_of_windows_stays_near_the_least_possible() -> None:
    for total in (600, 5000, 50_000):
        least = -(-(total - 128) // (510 - 128))
        assert len(split(of_lengths([1] * total), 510, 128)) <= least + 1


@settings(max_examples=120, deadline=None)
@given(documents(longest=80))
def test_merge_gives_every_units_row_once_from_its_window(case: tuple[Tokens, int, int]) -> None:
    tokens, size, overlap = case
    windows = split(tokens, size, overlap)
    rows = [[(index, unit) for unit in range(w.start, w.end)] for index, w in enumerate(windows)]
    merged = [row for part in merge(windows, rows) for row in part]
    assert [unit for _, unit in merged] == list(range(len(tokens)))
    for index, unit in merged:
        assert windows[index].answer_start <= unit < windows[index].answer_end


def test_merge_takes_anything_sliceable() -> None:
    windows = [Window(0, 4, 0, 3), Window(2, 6, 3, 6)]
    assert "".join(merge(windows, ["abcd", "CDEF"])) == "abcDEF"


def test_merge_refuses_answers_that_are_not_one_a_window() -> None:
    with pytest.raises(ValueError, match="shorter"):
        merge([Window(0, 4, 0, 3), Window(2, 6, 3, 6)], ["abcd"])
