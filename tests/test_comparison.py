"""Differences between two sides: paired, signed, and traced to the articles."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from infer.document import Document, Span
from infer.schema import Schema
from train.comparison import Change, compare, comparison_table, differences
from train.metrics import score
from train.tally import tally

TEXT = "x" * 100
RIGHT, WRONG = Span(0, 5, "PARTNER"), Span(0, 6, "PARTNER")


def _gold(count: int) -> list[Document]:
    return [Document(f"d{number}", TEXT, (RIGHT,), ("visit",)) for number in range(count)]


def _answers(gold: list[Document], right: set[int]) -> list[Document]:
    return [
        replace(document, spans=(RIGHT if number in right else WRONG,))
        for number, document in enumerate(gold)
    ]


def test_the_difference_of_a_side_with_itself_is_nothing(schema: Schema) -> None:
    gold = _gold(20)
    side = tally(gold, _answers(gold, set(range(7))), schema)
    comparison = compare(side, side)
    for figure in comparison.figures.values():
        assert (figure.difference.value, figure.difference.interval) == (0, (0, 0))
        assert not figure.is_gain
        assert not figure.is_loss
    assert comparison.better == comparison.worse == comparison.mixed == ()


def test_difference_is_second_minus_first(schema: Schema) -> None:
    gold = _gold(40)
    first, second = (tally(gold, _answers(gold, set(range(n))), schema) for n in (10, 30))
    found = differences(first, second)["spans.micro.f1"]
    assert (found.first, found.second, found.difference.value) == (0.25, 0.75, 0.5)
    assert found.is_gain
    assert not found.is_loss
    back = differences(second, first)["spans.micro.f1"]
    low, high = found.difference.interval
    assert back.difference.interval == pytest.approx((-high, -low))
    assert back.is_loss


def test_pairing_finds_a_small_steady_gain_that_separate_intervals_hide(schema: Schema) -> None:
    gold = _gold(100)
    first, second = _answers(gold, set(range(50))), _answers(gold, set(range(58)))
    apart = [score(gold, side, schema).spans["micro"].f1_interval for side in (first, second)]
    assert apart[0][1] > apart[1][0]  # the two intervals overlap widely
    paired = differences(tally(gold, first, schema), tally(gold, second, schema))["spans.micro.f1"]
    assert paired.is_gain
    # the standard error of a mean of 100 paired differences, 8 of them 1
    expected = 0.08 + 1.96 * np.array([-1, 1]) * np.sqrt(0.08 * 0.92 / 100)
    assert paired.difference.interval == pytest.approx(expected, abs=0.01)


def test_articles_are_listed_by_what_became_of_them(schema: Schema) -> None:
    gold = [*_gold(4), Document("empty", TEXT)]
    first = [
        replace(gold[0], spans=(WRONG,)),
        gold[1],
        replace(gold[2], spans=(WRONG,)),
        gold[3],
        replace(gold[4], events=("visit", "agreement")),
    ]
    second = [
        gold[0],  # spans right now
        replace(gold[1], events=("visit", "agreement")),  # one event too many now
        replace(gold[2], events=()),  # spans right now, the event lost
        gold[3],
        gold[4],  # two wrong events gone
    ]
    comparison = compare(tally(gold, first, schema), tally(gold, second, schema))
    assert comparison.better == (Change("empty", (1, 1), (2, 0)), Change("d0", (0, 1), (0, 0)))
    assert comparison.worse == (Change("d1", (1, 1), (0, 1)),)
    assert comparison.mixed == (Change("d2", (0, 1), (0, 1)),)
    table = comparison_table(comparison)
    assert "better in B: 2 of 5 articles" in table
    assert "d0: span F1 0.0% -> 100.0%" in table
    assert json.loads(json.dumps(comparison.to_dict()))["mixed"][0]["id"] == "d2"


def test_sides_of_other_documents_are_refused(schema: Schema) -> None:
    gold = _gold(3)
    with pytest.raises(ValueError, match="not of the same documents"):
        compare(tally(gold, gold, schema), tally(gold[:2], gold[:2], schema))
