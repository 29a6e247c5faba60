"""Every span in one match, kinds as the SemEval-2013 scheme has them, and nervaluate's numbers."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st
from nervaluate import Evaluator

from infer.document import Span
from train.matching import BOTH, BOUNDS, KINDS, LABEL, MISSED, RIGHT, SPURIOUS, Match, match_spans

LABELS = ("PARTNER", "OFFICIAL", "SECTOR")


@st.composite
def spans(draw: st.DrawFn, size: int = 40) -> list[Span]:
    """Disjoint spans, as one side of an article has them."""
    cuts = draw(st.lists(st.integers(0, size), unique=True, max_size=12).map(sorted))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    return [Span(start, end, draw(st.sampled_from(LABELS))) for start, end in pairs]


@st.composite
def separate_pairs(draw: st.DrawFn) -> tuple[list[Span], list[Span]]:
    """Two sides on which a span overlaps at most one of the other side, so that no scheme has a choice."""
    gold, predicted = [], []
    for place in range(draw(st.integers(0, 6))):
        for side in (gold, predicted):
            if draw(st.booleans()):
                start = 20 * place + draw(st.integers(0, 3))
                end = 20 * place + draw(st.integers(6, 9))
                side.append(Span(start, end, draw(st.sampled_from(LABELS))))
    return gold, predicted


def _kinds(gold: list[Span], predicted: list[Span]) -> Counter[str]:
    return Counter(match.kind for match in match_spans(gold, predicted))


def test_each_kind_by_hand() -> None:
    gold = [Span(0, 5, "A"), Span(10, 15, "A"), Span(20, 25, "A"), Span(30, 35, "A"), Span(40, 45, "A")]
    found = [Span(0, 5, "A"), Span(11, 15, "A"), Span(20, 25, "B"), Span(29, 33, "B"), Span(50, 55, "A")]
    assert match_spans(gold, found) == [
        Match(RIGHT, gold[0], found[0]),
        Match(BOUNDS, gold[1], found[1]),
        Match(LABEL, gold[2], found[2]),
        Match(BOTH, gold[3], found[3]),
        Match(MISSED, gold[4], None),
        Match(SPURIOUS, None, found[4]),
    ]


def test_a_match_keeps_the_prediction_s_score() -> None:
    (match,) = match_spans([Span(0, 5, "A")], [Span(0, 5, "A", 0.7)])
    assert match.predicted is not None
    assert match.predicted.score == 0.7


def test_a_span_split_in_two_is_matched_once() -> None:
    assert _kinds([Span(0, 10, "A")], [Span(0, 4, "A"), Span(5, 10, "A")]) == {BOUNDS: 1, SPURIOUS: 1}
    (match, _) = match_spans([Span(0, 10, "A")], [Span(0, 4, "A"), Span(5, 10, "A")])
    assert match.predicted == Span(5, 10, "A")  # it shares more


def test_two_spans_merged_into_one_are_matched_once() -> None:
    assert _kinds([Span(0, 4, "A"), Span(5, 10, "A")], [Span(0, 10, "A")]) == {BOUNDS: 1, MISSED: 1}


def test_pairs_are_as_many_as_can_be_where_greedy_finds_fewer() -> None:
    assert _kinds([Span(0, 4, "A"), Span(3, 9, "A")], [Span(0, 9, "A"), Span(1, 2, "A")]) == {BOUNDS: 2}


def test_the_own_label_is_matched_before_another() -> None:
    found = [Span(0, 10, "B"), Span(8, 12, "A")]
    assert _kinds([Span(0, 10, "A")], found) == {BOUNDS: 1, SPURIOUS: 1}


@given(spans(), spans())
def test_every_span_is_in_one_match_and_its_kind_says_how(gold: list[Span], predicted: list[Span]) -> None:
    matches = match_spans(gold, predicted)
    assert sorted(match.gold for match in matches if match.gold) == sorted(gold)
    assert sorted(match.predicted for match in matches if match.predicted) == sorted(predicted)
    for match in matches:
        one, other = match.gold, match.predicted
        assert match.kind in KINDS
        assert (match.kind == MISSED) == (other is None)
        assert (match.kind == SPURIOUS) == (one is None)
        if one and other:
            assert one.overlaps(other)
            same_bounds = (one.start, one.end) == (other.start, other.end)
            expected = {
                (True, True): RIGHT,
                (True, False): BOUNDS,
                (False, True): LABEL,
                (False, False): BOTH,
            }
            assert match.kind == expected[one.label == other.label, same_bounds]


@given(spans(), spans())
def test_sides_can_be_swapped(gold: list[Span], predicted: list[Span]) -> None:
    there, back = _kinds(gold, predicted), _kinds(predicted, gold)
    assert (there[MISSED], there[SPURIOUS]) == (back[SPURIOUS], back[MISSED])


@given(spans(), spans())
def test_no_unmatched_spans_of_the_two_sides_overlap(gold: list[Span], predicted: list[Span]) -> None:
    matches = match_spans(gold, predicted)
    missed = [match.gold for match in matches if match.kind == MISSED and match.gold]
    spurious = [match.predicted for match in matches if match.kind == SPURIOUS and match.predicted]
    assert not any(one.overlaps(other) for one in missed for other in spurious)
    assert not any(a.overlaps(b) for a, b in combinations(missed, 2))


@given(separate_pairs())
def test_counts_agree_with_nervaluate_under_all_of_its_schemes(
    sides: tuple[list[Span], list[Span]],
) -> None:
    gold, predicted = sides
    kinds = _kinds(gold, predicted)
    unmatched = {"missed": kinds[MISSED], "spurious": kinds[SPURIOUS]}
    expected = {
        "strict": {"correct": kinds[RIGHT], "incorrect": kinds[BOUNDS] + kinds[LABEL] + kinds[BOTH]},
        "exact": {"correct": kinds[RIGHT] + kinds[LABEL], "incorrect": kinds[BOUNDS] + kinds[BOTH]},
        "ent_type": {"correct": kinds[RIGHT] + kinds[BOUNDS], "incorrect": kinds[LABEL] + kinds[BOTH]},
        "partial": {"correct": kinds[RIGHT] + kinds[LABEL], "partial": kinds[BOUNDS] + kinds[BOTH]},
    }
    # nervaluate's ends are inclusive
    listed = [
        [{"label": span.label, "start": span.start, "end": span.end - 1} for span in side]
        for side in (gold, predicted)
    ]
    overall = Evaluator([listed[0]], [listed[1]], tags=list(LABELS), loader="dict").evaluate()["overall"]
    for scheme, counts in expected.items():
        for name, count in (counts | unmatched).items():
            assert getattr(overall[scheme], name) == count, (scheme, name)
