"""Reliability diagrams against scikit-learn and on samples whose calibration is known."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from infer.config import Calibration, DecodingSettings
from infer.decode import decode_events, judge_spans
from infer.document import Document, Span
from infer.schema import Schema
from train.reliability import Sample, draw_diagram, event_samples, measure_reliability, pool, span_samples

SCHEMA = Schema(("A", "B"), ("x", "y"))
TEXT = "т" * 50


def draw_sample(count: int, sureness: float = 1.0, seed: int = 0) -> Sample:
    """Answers that are right as often as their scores say; sureness above 1 overstates the log-odds."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, count)
    right = rng.random(count) < 1 / (1 + np.exp(-logits))
    return Sample(1 / (1 + np.exp(-sureness * logits)), right)


def test_honest_scores_have_next_to_no_error_and_too_sure_ones_have() -> None:
    assert draw_diagram(draw_sample(20_000)).ece < 0.015
    assert draw_diagram(draw_sample(20_000, sureness=4)).ece > 0.1
    assert draw_diagram(draw_sample(20_000)).brier < draw_diagram(draw_sample(20_000, sureness=4)).brier


@settings(max_examples=40, deadline=None)
@given(st.integers(100, 400), st.floats(0.5, 6), st.integers(0, 100))
def test_bins_are_those_of_scikit_learn(count: int, sureness: float, seed: int) -> None:
    sample = draw_sample(count, sureness, seed)
    accuracy, confidence = calibration_curve(sample.right, sample.scores, n_bins=10, strategy="quantile")
    diagram = draw_diagram(sample)
    assert [bin.accuracy for bin in diagram.bins] == pytest.approx(list(accuracy))
    assert [bin.confidence for bin in diagram.bins] == pytest.approx(list(confidence))
    assert sum(bin.count for bin in diagram.bins) == diagram.count == count
    assert diagram.brier == pytest.approx(brier_score_loss(sample.right, sample.scores))


def test_a_worked_example() -> None:
    diagram = draw_diagram(Sample(np.array([0.25] * 10 + [0.75] * 10), np.array([False] * 10 + [True] * 10)))
    assert [(bin.count, bin.confidence, bin.accuracy) for bin in diagram.bins] == [
        (10, 0.25, 0),
        (10, 0.75, 1),
    ]
    assert diagram.ece == pytest.approx(0.25)
    assert diagram.brier == pytest.approx(0.0625)


def test_few_answers_make_few_bins_and_equal_scores_share_one() -> None:
    assert len(draw_diagram(draw_sample(35)).bins) == 3
    assert len(draw_diagram(draw_sample(1)).bins) == 1
    assert len(draw_diagram(Sample(np.ones(100), np.ones(100, dtype=bool))).bins) == 1


def test_a_span_is_right_when_label_and_bounds_are() -> None:
    gold = [Document("a", TEXT, (Span(0, 5, "A"), Span(10, 15, "B"), Span(20, 25, "A")))]
    spans = (Span(0, 5, "A", 0.9), Span(10, 15, "A", 0.8), Span(20, 26, "A", 0.7))
    samples = span_samples(gold, [Document("a", TEXT, spans)], SCHEMA)
    assert list(zip(samples["A"].scores, samples["A"].right, strict=True)) == [
        (0.9, True),
        (0.8, False),
        (0.7, False),
    ]
    assert len(samples["B"].scores) == 0


def test_every_document_has_every_event() -> None:
    gold = [Document("a", TEXT, events=("x",)), Document("b", TEXT)]
    predicted = [
        Document("b", TEXT, event_scores={"x": 0.4, "y": 0.3}),
        Document("a", TEXT, event_scores={"x": 0.9, "y": 0.2}),
    ]
    samples = event_samples(gold, predicted, SCHEMA)
    assert samples["x"].scores.tolist() == [0.4, 0.9]
    assert samples["x"].right.tolist() == [False, True]
    assert not samples["y"].right.any()
    assert pool(samples).scores.tolist() == [0.4, 0.9, 0.3, 0.2]


@pytest.mark.parametrize("multiple", [True, False])
def test_before_is_what_the_model_itself_said(multiple: bool) -> None:
    schema = Schema(("A", "B"), ("x", "y"), multiple=multiple)
    rng = np.random.default_rng(1)
    events = Calibration(slope=0.4, intercept=0.3 if multiple else 0.0)
    decoding = DecodingSettings(
        span_calibration=Calibration(slope=0.7, intercept=-0.5), event_calibration=events
    )
    gold, own, calibrated = [], [], []
    for number in range(60):
        name, logits = f"d{number}", rng.normal(0, 3, 2).tolist()
        spans = [Span(5 * i, 5 * i + 4, "A", float(rng.uniform(0.05, 0.95))) for i in range(3)]
        gold.append(Document(name, TEXT, tuple(s for s in spans if rng.random() < 0.5), ("x",)))
        plain = DecodingSettings()
        for documents, setting in ((own, plain), (calibrated, decoding)):
            scores = decode_events(logits, schema, setting)[1]
            documents.append(Document(name, TEXT, judge_spans(spans, setting), event_scores=scores))
    before = measure_reliability(gold, own, schema, DecodingSettings())
    after = measure_reliability(gold, calibrated, schema, decoding)
    assert set(after.spans) == {"all", "A"}, "B was never predicted"
    assert set(after.events) == {"all", "x", "y"}
    for part, unchanged in ((after.spans, before.spans), (after.events, before.events)):
        for name, change in part.items():
            expected = unchanged[name].before
            assert change.before.brier == pytest.approx(expected.brier)
            assert change.before.ece == pytest.approx(expected.ece)
            assert change.after.brier != pytest.approx(expected.brier)


def test_nothing_predicted_is_nothing_to_draw() -> None:
    documents = [Document("a", TEXT)]
    reliability = measure_reliability(documents, documents, Schema(("A",), ()), DecodingSettings())
    assert reliability.to_dict() == {"spans": {}, "events": {}}


def test_dict_is_plain() -> None:
    gold = [Document("a", TEXT, (Span(0, 5, "A"),), ("x",))]
    found = [Document("a", TEXT, (Span(0, 5, "A", 0.5),), event_scores={"x": 0.5, "y": 0.5})]
    values = json.loads(json.dumps(measure_reliability(gold, found, SCHEMA, DecodingSettings()).to_dict()))
    assert values["spans"]["A"]["after"] == {
        "count": 1,
        "ece": 0.5,
        "brier": 0.25,
        "bins": [{"count": 1, "confidence": 0.5, "accuracy": 1.0}],
    }
