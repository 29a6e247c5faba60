"""Decoding against plain enumeration: every legal path of a short chain, written out and summed."""

from __future__ import annotations

from itertools import product
from math import exp, inf, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infer.align import Units
from infer.confidence import calibrate
from infer.config import Calibration, DecodingSettings
from infer.decode import best_ranges, decode_events, decode_spans, range_probabilities
from infer.document import Span
from infer.schema import Schema

O, B, I = range(3)  # noqa: E741
TEXT = "x" * 5_000
Chain = list[list[float]]


def legal_paths(length: int) -> list[tuple[int, ...]]:
    """All tags of so many units in which I follows B or I."""
    return [
        path
        for path in product(range(3), repeat=length)
        if all(tag != I or (at and path[at - 1] != O) for at, tag in enumerate(path))
    ]


def ranges_of(path: tuple[int, ...]) -> list[tuple[int, int]]:
    """The spans a path spells."""
    found = []
    for at, tag in enumerate(path):
        if tag == B:
            stop = at + 1
            while stop < len(path) and path[stop] == I:
                stop += 1
            found.append((at, stop))
    return found


def score(chain: Chain, path: tuple[int, ...]) -> float:
    return sum(row[tag] for row, tag in zip(chain, path, strict=True))


def marginal(chain: Chain, wanted: tuple[int, int]) -> float:
    """The share of all legal paths' weight that has this very span."""
    weights = {path: exp(score(chain, path)) for path in legal_paths(len(chain))}
    return sum(weight for path, weight in weights.items() if wanted in ranges_of(path)) / sum(
        weights.values()
    )


def chain_of(*rows: tuple[float, float, float]) -> Chain:
    """Rows of probabilities to log-probabilities."""
    return [[log(value) if value else -inf for value in row] for row in rows]


@st.composite
def chains(draw: st.DrawFn) -> Chain:
    """Log-probabilities of 1 to 6 units, from certain to undecided."""
    spread = draw(st.sampled_from([0.5, 3.0, 30.0]))
    logits = draw(st.lists(st.tuples(*[st.floats(-1, 1)] * 3), min_size=1, max_size=6))
    rows = np.array(logits) * spread
    return (rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))).tolist()


# --- the best path


@settings(max_examples=120, deadline=None)
@given(chains())
def test_best_ranges_are_those_of_the_best_legal_path(chain: Chain) -> None:
    best = max(score(chain, path) for path in legal_paths(len(chain)))
    found = best_ranges(chain)
    same = [path for path in legal_paths(len(chain)) if ranges_of(path) == found]
    assert len(same) == 1
    assert score(chain, same[0]) == pytest.approx(best, abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(chains())
def test_ranges_are_ordered_disjoint_and_inside(chain: Chain) -> None:
    reached = 0
    for first, stop in best_ranges(chain):
        assert reached <= first < stop <= len(chain)
        reached = stop


def test_inside_needs_a_begin_before_it() -> None:
    # Unit by unit I is likeliest everywhere; a span has to begin somewhere, cheapest at the first unit.
    assert best_ranges(chain_of((0.2, 0.1, 0.7), (0.1, 0.1, 0.8))) == [(0, 2)]
    # ... and where beginning is next to impossible there is none.
    assert best_ranges(chain_of((0.299, 0.001, 0.7), (0.5, 0.001, 0.499))) == []
    # After O, I is out of reach, however likely.
    assert best_ranges(chain_of((0.98, 0.01, 0.01), (0.05, 0.05, 0.9), (0.98, 0.01, 0.01))) in ([], [(1, 2)])


def test_a_begin_after_a_begin_starts_another_span() -> None:
    assert best_ranges(chain_of((0.1, 0.8, 0.1), (0.1, 0.8, 0.1), (0.1, 0.1, 0.8))) == [(0, 1), (1, 3)]


def test_a_span_may_reach_the_last_unit_and_be_one_unit_long() -> None:
    assert best_ranges(chain_of((0.8, 0.1, 0.1), (0.1, 0.8, 0.1))) == [(1, 2)]
    assert best_ranges(chain_of((0.1, 0.8, 0.1), (0.8, 0.1, 0.1))) == [(0, 1)]


def test_no_units_have_no_ranges() -> None:
    assert best_ranges([]) == []
    assert range_probabilities([], []) == []


# --- probabilities


@settings(max_examples=60, deadline=None)
@given(chains())
def test_probabilities_are_the_marginals_of_legal_paths(chain: Chain) -> None:
    ranges = [(first, stop) for stop in range(1, len(chain) + 1) for first in range(stop)]
    expected = [marginal(chain, item) for item in ranges]
    assert range_probabilities(chain, ranges) == pytest.approx(expected, abs=1e-9)


def test_a_worked_example() -> None:
    # Legal: OO .24, OB .04, BO .18, BB .03, BI .09 of .58 in all (OI, I* are out).
    chain = chain_of((0.4, 0.3, 0.3), (0.6, 0.1, 0.3))
    assert range_probabilities(chain, [(0, 1), (1, 2), (0, 2)]) == pytest.approx(
        [(0.18 + 0.03) / 0.58, (0.04 + 0.03) / 0.58, 0.09 / 0.58]
    )


def test_probabilities_of_a_long_chain_neither_vanish_nor_overflow() -> None:
    rows = [(0.9, 0.05, 0.05)] * 5000 + [(0.05, 0.9, 0.05), (0.05, 0.05, 0.9)] + [(0.9, 0.05, 0.05)] * 5000
    (probability,) = range_probabilities(chain_of(*rows), [(5000, 5002)])
    (alone,) = range_probabilities(chain_of(*rows[4990:5012]), [(10, 12)])
    assert 0.5 < probability < 1
    assert probability == pytest.approx(alone, abs=1e-6)


def test_certain_logits_give_probabilities_that_are_numbers() -> None:
    logits = np.array([[[-1e4, 1e4, -1e4]], [[-1e4, -1e4, 1e4]], [[1e4, -1e4, -1e4]]], dtype=np.float32)
    units = Units([5, 6, 7], [(0, 1), (2, 3), (4, 5)], [(0, 1), (1, 2), (2, 3)])
    (span,) = decode_spans(logits, TEXT, units, Schema(("A",), ()), DecodingSettings())
    assert (span.start, span.end, span.score) == (0, 3, 1.0)


# --- spans


SCHEMA = Schema(("A", "C"), ("visit", "agreement"))
UNITS = Units([5, 6, 7, 8], [(0, 3), (4, 10), (11, 12), (12, 15)], [(0, 1), (1, 2), (2, 3), (3, 4)])


def logits_of(*tags: str, certainty: tuple[float, float] = (4.0, 4.0)) -> np.ndarray:
    """Logits [units, labels, 3] from a string of O, B, I per label."""
    made = np.zeros((len(tags[0]), len(tags), 3), dtype=np.float32)
    for label, spelled in enumerate(tags):
        for unit, tag in enumerate(spelled):
            made[unit, label, "OBI".index(tag)] = certainty[label]
    return made


def test_spans_get_characters_labels_and_their_own_probability() -> None:
    logits = logits_of("BIOO", "OOOB")
    found = decode_spans(logits, TEXT, UNITS, SCHEMA, DecodingSettings())
    assert found == (Span(0, 10, "A"), Span(12, 15, "C"))
    shifted = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    assert found[0].score == pytest.approx(marginal(shifted[:, 0].tolist(), (0, 2)), abs=1e-6)
    assert found[1].score == pytest.approx(marginal(shifted[:, 1].tolist(), (3, 4)), abs=1e-6)


def test_adding_a_constant_to_a_units_logits_changes_nothing() -> None:
    logits = logits_of("BIOO", "OOOB")
    moved = logits + np.arange(4, dtype=np.float32)[:, None, None] * 10
    for plain, shifted in zip(
        decode_spans(logits, TEXT, UNITS, SCHEMA, DecodingSettings()),
        decode_spans(moved, TEXT, UNITS, SCHEMA, DecodingSettings()),
        strict=True,
    ):
        assert plain == shifted
        assert plain.score == pytest.approx(shifted.score, abs=1e-5)


def test_of_overlapping_spans_the_most_probable_stays() -> None:
    for certainty, label in (((3.0, 6.0), "C"), ((6.0, 3.0), "A")):
        logits = logits_of("BIOO", "OBIO", certainty=certainty)
        (kept,) = decode_spans(logits, TEXT, UNITS, SCHEMA, DecodingSettings())
        assert kept.label == label


def test_overlapping_spans_of_different_labels_are_kept_on_request() -> None:
    settings_ = DecodingSettings(overlapping=True)
    found = decode_spans(logits_of("OBIO", "BIOO"), TEXT, UNITS, SCHEMA, settings_)
    assert found == (Span(0, 10, "C"), Span(4, 12, "A")), "sorted by place, not by label"


def test_touching_spans_do_not_overlap() -> None:
    found = decode_spans(logits_of("OOBO", "OOOB"), TEXT, UNITS, SCHEMA, DecodingSettings())
    assert found == (Span(11, 12, "A"), Span(12, 15, "C"))


def test_spans_below_the_threshold_are_dropped_and_at_it_kept() -> None:
    logits = logits_of("BIOO", "OOOB", certainty=(6.0, 2.0))
    sure, unsure = decode_spans(logits, TEXT, UNITS, SCHEMA, DecodingSettings())
    assert sure.score > 0.9 > unsure.score
    strict = DecodingSettings(span_thresholds={"A": 0.9, "C": 0.9})
    assert decode_spans(logits, TEXT, UNITS, SCHEMA, strict) == (sure,)
    at = DecodingSettings(span_thresholds={"C": unsure.score})
    assert decode_spans(logits, TEXT, UNITS, SCHEMA, at) == (sure, unsure)


def test_each_label_has_a_threshold_of_its_own() -> None:
    logits = logits_of("BIOO", "OOOB", certainty=(3.0, 3.0))
    found = decode_spans(logits, TEXT, UNITS, SCHEMA, DecodingSettings(span_thresholds={"C": 0.999}))
    assert [span.label for span in found] == ["A"]


def test_spans_below_the_threshold_are_marked_on_request() -> None:
    logits = logits_of("BIOO", "OOOB", certainty=(6.0, 2.0))
    thresholds = {"A": 0.9, "C": 0.9}
    found = decode_spans(
        logits, TEXT, UNITS, SCHEMA, DecodingSettings(span_thresholds=thresholds, below="mark")
    )
    assert [(span.label, span.uncertain) for span in found] == [("A", False), ("C", True)]
    kept = decode_spans(logits, TEXT, UNITS, SCHEMA, DecodingSettings(span_thresholds=thresholds))
    assert list(kept) == [span for span in found if not span.uncertain]


def test_a_threshold_brings_no_hidden_span_to_light() -> None:
    logits = logits_of("BIOO", "OBIO", certainty=(6.0, 3.0))  # A hides C
    assert decode_spans(logits, TEXT, UNITS, SCHEMA, DecodingSettings(span_thresholds={"A": 0.9999})) == ()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(*[st.floats(-5, 5)] * 6), min_size=4, max_size=4),
    st.booleans(),
    st.floats(0.1, 5),
    st.floats(-5, 5),
)
def test_calibration_changes_scores_alone(
    rows: list[tuple[float, ...]], overlapping: bool, slope: float, intercept: float
) -> None:
    logits = np.array(rows, dtype=np.float32).reshape(4, 2, 3)
    line = Calibration(slope=slope, intercept=intercept)
    own = decode_spans(logits, TEXT, UNITS, SCHEMA, DecodingSettings(overlapping=overlapping))
    found = decode_spans(
        logits, TEXT, UNITS, SCHEMA, DecodingSettings(overlapping=overlapping, span_calibration=line)
    )
    assert found == own
    assert [span.score for span in found] == pytest.approx([calibrate(span.score, line) for span in own])


def test_no_units_and_no_labels_give_no_spans() -> None:
    empty = Units([], [], [])
    assert decode_spans(np.zeros((0, 2, 3), np.float32), "", empty, SCHEMA, DecodingSettings()) == ()
    assert (
        decode_spans(np.zeros((4, 0, 3), np.float32), TEXT, UNITS, Schema((), ("x",)), DecodingSettings())
        == ()
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.floats(-5, 5)] * 6), min_size=4, max_size=4), st.booleans())
def test_whatever_the_logits_spans_are_sorted_scored_and_disjoint_unless_allowed(
    rows: list[tuple[float, ...]], overlapping: bool
) -> None:
    logits = np.array(rows, dtype=np.float32).reshape(4, 2, 3)
    found = decode_spans(logits, TEXT, UNITS, SCHEMA, DecodingSettings(overlapping=overlapping))
    assert list(found) == sorted(found)
    assert all(span.score is not None and 0 <= span.score <= 1 for span in found)
    pairs = [(a, b) for at, a in enumerate(found) for b in found[at + 1 :] if a.overlaps(b)]
    assert not pairs if not overlapping else all(a.label != b.label for a, b in pairs)


def test_the_work_does_not_grow_with_the_square_of_the_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0
    overlaps = Span.overlaps

    def counting(self: Span, other: Span) -> bool:
        nonlocal compared
        compared += 1
        return overlaps(self, other)

    monkeypatch.setattr(Span, "overlaps", counting)
    count = 500
    units = Units([5] * count, *([(at, at + 1) for at in range(count)] for _ in range(2)))
    found = decode_spans(logits_of("B" * count, "O" * count), TEXT, units, SCHEMA, DecodingSettings())
    assert len(found) == count
    assert compared < 20 * count


# --- events


def test_multiple_events_are_independent_sigmoids_chosen_from_a_half_up() -> None:
    chosen, scores = decode_events([0.0, -log(3)], SCHEMA, DecodingSettings())
    assert chosen == ("visit",)
    assert scores == pytest.approx({"visit": 0.5, "agreement": 0.25})


def test_each_event_has_a_threshold_of_its_own() -> None:
    settings_ = DecodingSettings(event_thresholds={"visit": 0.6, "agreement": 0.2})
    chosen, _ = decode_events([0.0, -log(3)], SCHEMA, settings_)
    assert chosen == ("agreement",)


def test_events_are_calibrated_before_the_threshold() -> None:
    settings_ = DecodingSettings(event_calibration=Calibration(slope=0.5, intercept=0.1))
    chosen, scores = decode_events([-0.1, -log(9) - 0.2], SCHEMA, settings_)
    assert chosen == ("visit",)
    assert scores == pytest.approx({"visit": 1 / (1 + exp(-0.05)), "agreement": 0.25})


def test_several_or_no_events_may_hold() -> None:
    assert decode_events([3.0, 3.0], SCHEMA, DecodingSettings())[0] == ("visit", "agreement")
    assert decode_events([-3.0, -3.0], SCHEMA, DecodingSettings())[0] == ()


def test_a_single_choice_is_a_softmax_with_exactly_one_chosen() -> None:
    schema = Schema((), ("visit", "agreement", "other"), multiple=False)
    chosen, scores = decode_events([log(1), log(5), log(2)], schema, DecodingSettings())
    assert chosen == ("agreement",)
    assert scores == pytest.approx({"visit": 1 / 8, "agreement": 5 / 8, "other": 2 / 8})
    assert decode_events([-9.0, -9.5, -9.9], schema, DecodingSettings())[0] == ("visit",)
    hot = DecodingSettings(event_calibration=Calibration(slope=0.5))
    chosen, scores = decode_events([log(1), log(25), log(4)], schema, hot)
    assert chosen == ("agreement",)
    assert scores == pytest.approx({"visit": 1 / 8, "agreement": 5 / 8, "other": 2 / 8})


@pytest.mark.parametrize("multiple", [True, False])
def test_extreme_event_logits_do_not_overflow(multiple: bool) -> None:
    schema = Schema((), ("visit", "agreement"), multiple=multiple)
    chosen, scores = decode_events([5000.0, -5000.0], schema, DecodingSettings())
    assert chosen == ("visit",)
    assert scores == {"visit": 1.0, "agreement": 0.0}


def test_a_schema_without_events_has_none() -> None:
    assert decode_events([], Schema(("A",), ()), DecodingSettings()) == ((), {})


def test_a_half_of_a_pair_is_mended_and_adds_its_probability() -> None:
    text = "ООО « Рассвет » и"
    units = Units([0] * 5, [(0, 3), (4, 5), (6, 13), (14, 15), (16, 17)], [(n, n + 1) for n in range(5)])
    schema, logits = Schema(("A",), ()), np.log(np.full((5, 1, 3), 0.1, dtype=np.float32))
    for unit, state in enumerate((B, I, I, O, O)):
        logits[unit, 0, state] = log(0.6)
    (half,) = decode_spans(logits, text, units, schema, DecodingSettings())
    (whole,) = decode_spans(logits, text, units, schema, DecodingSettings(half_pairs=False))
    assert (text[half.start : half.end], text[whole.start : whole.end]) == (
        "ООО « Рассвет",
        "ООО « Рассвет »",
    )
    chain = (logits[:, 0] - np.log(np.exp(logits[:, 0]).sum(-1, keepdims=True))).tolist()
    assert half.score == pytest.approx(marginal(chain, (0, 3)), abs=1e-5)
    assert whole.score == pytest.approx(marginal(chain, (0, 3)) + marginal(chain, (0, 4)), abs=1e-5)


def test_spans_that_are_mended_stay_disjoint() -> None:
    text = "ООО « А » « Б"
    units = Units(
        [0] * 6, [(0, 3), (4, 5), (6, 7), (8, 9), (10, 11), (12, 13)], [(n, n + 1) for n in range(6)]
    )
    logits = np.full((6, 1, 3), -5, dtype=np.float32)
    for unit, state in enumerate((B, I, I, B, I, I)):
        logits[unit, 0, state] = 5
    found = decode_spans(logits, text, units, Schema(("A",), ()), DecodingSettings(half_pairs=False))
    assert [text[span.start : span.end] for span in found] == ["ООО « А", "» « Б"]
