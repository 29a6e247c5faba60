"""Fitting a calibration: what it recovers, and that little data can't lead it astray."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infer.config import Calibration, DecodingSettings
from infer.document import Document, Span
from infer.schema import Schema
from train.calibration import fit_calibration, fit_choice, fit_line, fit_temperature
from train.reliability import Sample, draw_diagram

TEXT = "т" * 50


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


def apply(sample: Sample, line: Calibration) -> Sample:
    logits = np.log(sample.scores / (1 - sample.scores))
    return Sample(sigmoid(line.slope * logits + line.intercept), sample.right)


def draw_sample(count: int, slope: float, intercept: float, seed: int = 0) -> Sample:
    """Answers whose true line is known."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(1, 2, count)
    return Sample(sigmoid(logits), rng.random(count) < sigmoid(slope * logits + intercept))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_a_known_temperature_is_recovered(temperature: float) -> None:
    found = fit_temperature(draw_sample(20_000, 1 / temperature, 0.0))
    assert 1 / found.slope == pytest.approx(temperature, rel=0.06)
    assert found.intercept == 0.0


@pytest.mark.parametrize(("slope", "intercept"), [(0.6, -1.0), (1.5, 0.7)])
def test_a_known_line_is_recovered(slope: float, intercept: float) -> None:
    found = fit_line(draw_sample(20_000, slope, intercept))
    assert (found.slope, found.intercept) == pytest.approx((slope, intercept), abs=0.08)


def test_too_sure_answers_become_honest_on_answers_not_fitted_on() -> None:
    line = fit_line(draw_sample(400, 0.4, -0.5, seed=1))
    fresh = draw_sample(5000, 0.4, -0.5, seed=2)
    assert draw_diagram(fresh).ece > 0.15
    assert draw_diagram(apply(fresh, line)).ece < 0.06


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=40))
def test_whatever_the_sample_the_line_rises_and_is_finite(answers: list[tuple[float, bool]]) -> None:
    sample = Sample(np.array([score for score, _ in answers]), np.array([r for _, r in answers], dtype=bool))
    for line in (fit_line(sample), fit_temperature(sample)):
        assert 0.005 < line.slope < 150
        assert abs(line.intercept) <= 20


@pytest.mark.parametrize("right", [True, False])
def test_one_sided_answers_do_not_run_away(right: bool) -> None:
    line = fit_line(Sample(np.full(20, 0.8), np.full(20, right)))
    (score,) = apply(Sample(np.array([0.8]), np.array([right])), line).scores
    assert 0.9 < (score if right else 1 - score) < 0.999


def test_nothing_to_fit_on_changes_nothing() -> None:
    documents = [Document("a", TEXT)]
    for schema in (Schema(("A",), ()), Schema((), ("x",)), Schema((), ("x", "y"), multiple=False)):
        scored = [Document("a", TEXT, event_scores=dict.fromkeys(schema.events, 0.5))]
        found = fit_calibration(documents, scored, schema, DecodingSettings())
        assert found.span_calibration == Calibration()
        assert found.event_calibration.slope == pytest.approx(1.0, abs=1e-4)


def test_a_single_choice_has_its_temperature_recovered() -> None:
    schema = Schema((), ("x", "y", "z"), multiple=False)
    rng = np.random.default_rng(0)
    gold, predicted = [], []
    for number in range(4000):
        logits = rng.normal(0, 2, 3)
        own, true = (np.exp(k * logits) / np.exp(k * logits).sum() for k in (1.0, 0.4))
        name = f"d{number}"
        gold.append(Document(name, TEXT, events=(schema.events[rng.choice(3, p=true)],)))
        scores = dict(zip(schema.events, own.tolist(), strict=True))
        predicted.append(Document(name, TEXT, event_scores=scores))
    gold[0] = Document("d0", TEXT)  # annotated without a choice
    assert fit_choice(gold, predicted, schema).slope == pytest.approx(0.4, abs=0.04)


def test_spans_and_events_get_their_own_lines() -> None:
    schema = Schema(("A", "B"), ("x",))
    gold, predicted = [], []
    for number in range(40):
        name, right = f"d{number}", number % 2 == 0
        gold.append(Document(name, TEXT, (Span(0, 5, "A"),) if right else (), ("x",) if number % 4 else ()))
        predicted.append(Document(name, TEXT, (Span(0, 5, "A", 0.9),), event_scores={"x": 0.75}))
    found = fit_calibration(gold, predicted, schema, DecodingSettings(overlapping=True))
    assert found.overlapping
    at = apply(Sample(np.array([0.9]), np.array([True])), found.span_calibration).scores
    assert at == pytest.approx(0.5, abs=0.1)
    assert found.event_calibration.intercept == 0.0
