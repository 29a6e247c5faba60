"""Thresholds: the best F1 near a half, the precision asked for, and a sentence where it can't be had."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infer.config import Calibration, DecodingSettings
from infer.decode import judge_spans
from infer.document import Document, Span
from infer.schema import Schema
from train.config import TargetSettings
from train.reliability import Sample, span_samples
from train.thresholds import SUPPORT, choose_thresholds, find_best_f1, find_precision

SCHEMA = Schema(("A", "B"), ("x",))


def sample_of(*answers: tuple[float, bool]) -> Sample:
    return Sample(np.array([score for score, _ in answers]), np.array([right for _, right in answers]))


# --- the best F1


def test_f1_threshold_moves_only_as_far_as_it_pays() -> None:
    assert find_best_f1(sample_of(*[(0.33, True)] * 5, *[(0.11, False)] * 5)) == 0.3
    assert find_best_f1(sample_of(*[(0.9, True)] * 5, *[(0.1, False)] * 5)) == 0.5
    assert find_best_f1(sample_of(*[(0.9, True)] * 5, *[(0.62, False)] * 5)) == 0.65


def test_an_event_that_never_happens_keeps_a_half() -> None:
    assert find_best_f1(sample_of(*[(0.9, False)] * 5)) == 0.5


# --- a precision


def test_the_lowest_threshold_that_reaches_the_precision() -> None:
    answers = [(0.9, True)] * 12 + [(0.6, True)] * 4 + [(0.5, False)] * 4 + [(0.2, False)] * 10
    assert find_precision(sample_of(*answers), 0.75) == (pytest.approx(0.35), 0.8)
    assert find_precision(sample_of(*answers), 0.9) == (pytest.approx(0.55), 1.0)
    assert find_precision(sample_of(*answers), 0.5) == (0.0, 16 / 30)


def test_precision_out_of_reach_gives_the_most_precise() -> None:
    answers = [(0.9, True)] * 8 + [(0.9, False)] * 2 + [(0.5, False)] * 10
    assert find_precision(sample_of(*answers), 0.95) == (pytest.approx(0.7), 0.8)


def test_a_few_lucky_answers_do_not_decide() -> None:
    lucky = [(0.99, True)] * (SUPPORT - 1) + [(0.5, False)] * SUPPORT
    threshold, reached = find_precision(sample_of(*lucky), 0.9) or (1.0, 1.0)
    assert reached < 0.9
    assert threshold == 0.0
    assert find_precision(sample_of(*[(0.9, True)] * (SUPPORT - 1)), 0.5) is None
    assert find_precision(Sample(np.zeros(0), np.zeros(0, dtype=bool)), 0.5) is None


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.4, 0.4000000001, 0.7, 1.0]), st.booleans()), min_size=10),
    st.floats(0.05, 0.95),
)
def test_precision_is_what_is_said_and_no_lower_threshold_would_do(
    answers: list[tuple[float, bool]], target: float
) -> None:
    sample = sample_of(*answers)
    threshold, reached = find_precision(sample, target) or (-1.0, -1.0)
    kept = sample.scores >= threshold
    assert kept.sum() >= SUPPORT
    assert reached == pytest.approx(sample.right[kept].mean())
    assert not threshold or np.abs(sample.scores - threshold).min() > 1e-7, "noise moves nothing across"
    for lower in {score for score, _ in answers if score < threshold - 1e-3}:
        below = sample.right[sample.scores >= lower - 1e-3].mean()
        assert below < target if reached >= target else below <= reached


# --- all together


def scored(count: int, rng: np.random.Generator) -> tuple[list[Document], list[Document]]:
    """Gold and predictions with spans of A right as often as they say, of B never, of x as often as said."""
    gold, predicted = [], []
    for number in range(count):
        spans = [Span(4 * i, 4 * i + 3, "A", float(rng.random())) for i in range(10)]
        right = tuple(span for span in spans if rng.random() < (span.score or 0))
        wrong = Span(44, 48, "B", float(rng.random()))
        event = float(rng.random())
        events = ("x",) if rng.random() < event else ()
        gold.append(Document(f"d{number}", "т" * 50, right, events))
        predicted.append(Document(f"d{number}", "т" * 50, (*spans, wrong), event_scores={"x": event}))
    return gold, predicted


def test_without_a_target_all_spans_stay() -> None:
    gold, predicted = scored(40, np.random.default_rng(0))
    found, unreached = choose_thresholds(gold, predicted, SCHEMA, DecodingSettings(), TargetSettings())
    assert (found.span_thresholds, unreached, found.below) == ({}, [], "drop")
    assert set(found.event_thresholds) == {"x"}


@pytest.mark.parametrize("below", ["drop", "mark"])
def test_the_decoder_reaches_the_precision_on_dev(below: str) -> None:
    gold, predicted = scored(60, np.random.default_rng(1))
    target = TargetSettings.model_validate({"target_precision": 0.9, "below": below})
    line = DecodingSettings(span_calibration=Calibration(slope=0.5, intercept=-1))
    found, unreached = choose_thresholds(gold, predicted, SCHEMA, line, target)
    judged = [Document(d.id, d.text, judge_spans(d.spans, found)) for d in predicted]
    sure = [Document(d.id, d.text, tuple(s for s in d.spans if not s.uncertain)) for d in judged]
    answers = span_samples(gold, sure, SCHEMA)["A"]
    assert len(answers.right) >= SUPPORT
    assert answers.right.mean() >= 0.9
    everything = sum(len(document.spans) for document in predicted)
    kept = sum(len(document.spans) for document in judged)
    assert kept == everything if below == "mark" else kept < everything
    (sentence,) = [sentence for sentence in unreached if sentence.startswith("B")]
    assert sentence.startswith("B: precision 0.9 was asked, but on dev no threshold reaches more than 0.000")


def test_too_few_answers_are_said_and_decide_nothing() -> None:
    gold, predicted = scored(3, np.random.default_rng(2))
    target = TargetSettings(target_precision=0.8)
    found, unreached = choose_thresholds(gold, predicted, SCHEMA, DecodingSettings(), target)
    assert "B" not in found.span_thresholds
    assert any(
        s.startswith("B: precision 0.8 was asked, but 3 answers on dev are too few") for s in unreached
    )
    assert any(s.startswith("x: ") for s in unreached)
    assert "x" in found.event_thresholds, "the best F1's"


def test_a_single_choice_has_no_thresholds() -> None:
    schema = Schema((), ("x", "y"), multiple=False)
    documents = [Document("a", "т", events=("x",), event_scores={"x": 0.9, "y": 0.1})]
    target = TargetSettings(target_precision=0.9)
    found, unreached = choose_thresholds(documents, documents, schema, DecodingSettings(), target)
    assert found.event_thresholds == {}
    (sentence,) = unreached
    assert sentence.startswith("events: precision 0.9 was asked, but they are a single choice")
