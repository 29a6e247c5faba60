"""Scores against hand-worked values and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_recall_fscore_support

from infer.document import Document, Span
from infer.schema import Schema
from train.metrics import count_overlapping, score

TEXT = "x" * 100


def _document(name: str, *spans: tuple[int, int, str], events: tuple[str, ...] = ()) -> Document:
    return Document(name, TEXT, tuple(Span(*span) for span in spans), events)


def test_strict_needs_label_start_and_end(schema: Schema) -> None:
    gold = [_document("a", (0, 5, "PARTNER"), (10, 15, "OFFICIAL"), (20, 30, "SECTOR"), (40, 50, "PARTNER"))]
    found = [_document("a", (0, 5, "PARTNER"), (10, 15, "PARTNER"), (20, 29, "SECTOR"))]
    scores = score(gold, found, schema)
    micro = scores.spans["micro"]
    assert (micro.precision, micro.recall, micro.f1, micro.support) == (1 / 3, 1 / 4, 2 / 7, 4)
    assert scores.spans["PARTNER"].f1 == 2 / 4
    assert scores.spans["OFFICIAL"].f1 == 0
    assert scores.spans_partial["micro"].f1 == 4 / 7
    assert scores.spans_partial["SECTOR"].f1 == 1


def test_partial_matches_each_span_once() -> None:
    gold = [Span(0, 10, "A"), Span(20, 30, "A")]
    assert count_overlapping(gold, [Span(0, 3, "A"), Span(5, 8, "A")]) == 1
    assert count_overlapping(gold, [Span(5, 25, "A")]) == 1
    assert count_overlapping(gold, [Span(5, 25, "A"), Span(0, 2, "A")]) == 2
    assert count_overlapping(gold, []) == 0


def test_partial_finds_the_largest_matching_where_greedy_does_not() -> None:
    assert count_overlapping([Span(0, 4, "A"), Span(3, 9, "A")], [Span(0, 9, "A"), Span(1, 2, "A")]) == 2


def test_nothing_to_find_and_nothing_found_is_no_division_by_zero(schema: Schema) -> None:
    scores = score([_document("a")], [_document("a")], schema)
    assert scores.spans["micro"].f1 == 0
    assert scores.events_exact == 1


def test_events_agree_with_scikit_learn(schema: Schema) -> None:
    rng = np.random.default_rng(3)
    truth, guess = rng.random((2, 60, 3)) < 0.4

    def documents(rows: np.ndarray) -> list[Document]:
        chosen = [tuple(e for e, on in zip(schema.events, row, strict=True) if on) for row in rows]
        return [_document(f"d{i}", events=events) for i, events in enumerate(chosen)]

    scores = score(documents(truth), documents(guess), schema)
    precision, recall, f1, support = precision_recall_fscore_support(truth, guess)
    for column, event in enumerate(schema.events):
        found = scores.events[event]
        expected = (precision[column], recall[column], f1[column], support[column])
        assert (found.precision, found.recall, found.f1, found.support) == pytest.approx(expected)
    assert scores.events["micro"].f1 == pytest.approx(f1_score(truth, guess, average="micro"))
    assert scores.events_macro_f1 == pytest.approx(f1_score(truth, guess, average="macro"))
    assert scores.events_exact == pytest.approx((truth == guess).all(1).mean())


def test_interval_holds_the_score_and_narrows_with_more_documents(schema: Schema) -> None:
    def interval(count: int) -> tuple[float, float, float]:
        gold = [_document(f"d{i}", (0, 5, "PARTNER")) for i in range(count)]
        found = [_document(f"d{i}", (0, 5 + i % 2, "PARTNER")) for i in range(count)]
        result = score(gold, found, schema).spans["micro"]
        return result.f1_interval[0], result.f1, result.f1_interval[1]

    low, middle, high = interval(20)
    wide = high - low
    assert low < middle < high
    low, middle, high = interval(500)
    assert low < middle < high
    assert high - low < wide / 3


def test_scores_are_joined_by_id_not_by_order(schema: Schema) -> None:
    gold = [_document("a", (0, 5, "PARTNER")), _document("b", (7, 9, "PARTNER"))]
    assert score(gold, gold[::-1], schema).spans["micro"].f1 == 1


def test_other_documents_or_texts_are_refused(schema: Schema) -> None:
    with pytest.raises(ValueError, match="not of the same documents"):
        score([_document("a")], [_document("b")], schema)
    with pytest.raises(ValueError, match="made on another text"):
        score([_document("a")], [Document("a", "y" * 100)], schema)


def test_dict_follows_the_contract(schema: Schema) -> None:
    values = score([_document("a", (0, 5, "PARTNER"))], [_document("a")], schema).to_dict()
    assert {"spans", "spans_partial", "events", "documents"} <= set(values)
    assert {"precision", "recall", "f1", "support"} <= set(values["spans"]["micro"])
    assert set(values["spans"]) == {"micro", *schema.labels}
    assert set(values["events"]) == {"micro", "macro_f1", "exact", *schema.events}
