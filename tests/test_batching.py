from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from infer.align import Units
from infer.batching import MULTIPLE, Frame, make_batch, token_range
from infer.windows import Window

FRAME = Frame(start=2, end=3, padding=0)
# Five units of 2, 1, 1, 3 and 1 tokens; token 4 belongs to no unit (a dropped control, say).
UNITS = Units(
    ids=[10, 11, 12, 13, 14, 15, 16, 17, 18],
    spans=[(0, 2), (3, 4), (5, 6), (7, 9), (9, 10)],
    tokens=[(0, 2), (2, 3), (3, 4), (5, 8), (8, 9)],
)
WHOLE, MIDDLE = Window(0, 5, 0, 5), Window(1, 4, 1, 4)


def weights(row: Any) -> dict[int, float]:
    """Where a unit's pooling weights are, and how much."""
    return {at: value for at, value in enumerate(row.tolist()) if value}


def test_ids_are_framed_masked_and_padded() -> None:
    batch = make_batch([(UNITS, WHOLE), (UNITS, MIDDLE)], FRAME, 64, "first")
    assert batch.ids.shape == batch.mask.shape == (2, MULTIPLE)
    assert batch.ids[0, :11].tolist() == [2, *UNITS.ids, 3]
    assert batch.ids[1, :8].tolist() == [2, 12, 13, 14, 15, 16, 17, 3]
    assert (batch.ids[0, 11:] == 0).all()
    assert batch.mask.sum(axis=1).tolist() == [11, 8]
    assert batch.mask[0, :11].all()
    assert not batch.mask[0, 11:].any()


def test_the_padding_token_is_the_tokenizers() -> None:
    batch = make_batch([(UNITS, MIDDLE)], Frame(start=0, end=2, padding=1), 24, "first")
    assert batch.ids[0, [0, 7]].tolist() == [0, 2]
    assert (batch.ids[0, 8:] == 1).all()


def test_pooling_the_first_token_points_at_it_behind_the_start_token() -> None:
    pool = make_batch([(UNITS, WHOLE), (UNITS, MIDDLE)], FRAME, 64, "first").pool
    assert pool.shape == (2, 5, MULTIPLE)
    assert [weights(row) for row in pool[0]] == [{1: 1}, {3: 1}, {4: 1}, {6: 1}, {9: 1}]
    assert [weights(row) for row in pool[1]] == [{1: 1}, {2: 1}, {4: 1}, {}, {}]


def test_pooling_the_mean_spreads_over_a_units_tokens() -> None:
    pool = make_batch([(UNITS, WHOLE)], FRAME, 24, "mean").pool
    third = pytest.approx(1 / 3)
    assert [weights(row) for row in pool[0]] == [
        {1: 0.5, 2: 0.5},
        {3: 1},
        {4: 1},
        {6: third, 7: third, 8: third},
        {9: 1},
    ]


@pytest.mark.parametrize("pooling", ["first", "mean"])
def test_every_units_weights_sum_to_one(pooling: Any) -> None:
    pool = make_batch([(UNITS, WHOLE), (UNITS, MIDDLE)], FRAME, 24, pooling).pool
    assert pool.sum(axis=-1)[0].tolist() == pytest.approx([1] * 5)
    assert pool.sum(axis=-1)[1].tolist() == pytest.approx([1, 1, 1, 0, 0])


@pytest.mark.parametrize("pooling", ["first", "mean"])
def test_a_unit_longer_than_the_window_is_read_as_far_as_it_fits(pooling: Any) -> None:
    long = Units(list(range(10, 50)), [(0, 1), (1, 40)], [(0, 1), (1, 40)])
    window = Window(1, 2, 1, 2)
    assert token_range(long, window, 8) == (1, 7)
    batch = make_batch([(long, window)], FRAME, 8, pooling)
    assert batch.ids[0, :8].tolist() == [2, 11, 12, 13, 14, 15, 16, 3]
    assert batch.mask.sum() == 8
    assert batch.pool.sum() == pytest.approx(1)
    assert set(weights(batch.pool[0, 0])) <= set(range(1, 7)), "neither the frame nor the padding"


def test_a_unit_sharing_a_token_with_a_cut_off_one_still_gets_a_vector() -> None:
    shared = Units(list(range(10, 50)), [(0, 9), (9, 10)], [(0, 40), (39, 40)])
    batch = make_batch([(shared, Window(0, 2, 0, 2))], FRAME, 8, "mean")
    assert batch.pool.sum(axis=-1)[0].tolist() == pytest.approx([1, 1])


def test_an_empty_window_is_a_frame_with_no_units() -> None:
    empty = Units([], [], [])
    assert token_range(empty, Window(0, 0, 0, 0), 24) == (0, 0)
    batch = make_batch([(empty, Window(0, 0, 0, 0))], FRAME, 64, "first")
    assert batch.ids[0, :2].tolist() == [2, 3]
    assert batch.pool.sum() == 0
    assert batch.mask.sum() == 2


def test_a_text_of_tokens_that_belong_to_no_unit_is_an_empty_window() -> None:
    batch = make_batch([(Units([10, 11], [], []), Window(0, 0, 0, 0))], FRAME, 64, "first")
    assert batch.ids[0, :2].tolist() == [2, 3]


def test_lengths_are_rounded_up_to_a_multiple() -> None:
    units = Units(list(range(10, 80)), [(i, i + 1) for i in range(70)], [(i, i + 1) for i in range(70)])
    for count, length in ((1, MULTIPLE), (MULTIPLE - 2, MULTIPLE), (MULTIPLE - 1, 2 * MULTIPLE)):
        batch = make_batch([(units, Window(0, count, 0, count))], FRAME, 512, "first")
        assert batch.ids.shape == (1, length)


def tokenizer(**ids: int | None) -> Any:
    names = ("cls", "bos", "sep", "eos", "pad")
    return SimpleNamespace(name_or_path="some/model", **{f"{n}_token_id": ids.get(n) for n in names})


def test_the_frame_takes_what_the_tokenizer_has() -> None:
    assert Frame.of(tokenizer(cls=5, sep=6, pad=0)) == Frame(5, 6, 0)
    assert Frame.of(tokenizer(bos=0, eos=2, pad=1)) == Frame(0, 2, 1), "an id of 0 is an id"
    assert Frame.of(tokenizer(cls=0, bos=7, sep=2, eos=8, pad=1)) == Frame(0, 2, 1)


@pytest.mark.parametrize("missing", ["cls", "sep", "pad"])
def test_a_tokenizer_without_a_frame_is_refused_by_name(missing: str) -> None:
    ids = {"cls": 1, "sep": 2, "pad": 3} | {missing: None}
    with pytest.raises(ValueError, match=r"some/model: .*lacks a start, end or padding token"):
        Frame.of(tokenizer(**ids))
