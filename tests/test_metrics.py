"""Scores against hand-worked values, scikit-learn, nervaluate and seqeval."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import f1_score as seqeval_f1
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    precision_recall_fscore_support,
)

from infer.document import Document, Span
from infer.schema import Schema
from train.bootstrap import RESAMPLES, draw
from train.metrics import (
    average_precision,
    break_down,
    curve,
    f1,
    figures,
    length_name,
    score,
    summarize,
)
from train.tally import GROUPS, Ranking, tally

TEXT = "x" * 100


def _document(name: str, *spans: tuple[int, int, str], events: tuple[str, ...] = ()) -> Document:
    return Document(name, TEXT, tuple(Span(*span) for span in spans), events)


def _random_sides(seed: int, schema: Schema, count: int = 40) -> tuple[list[Document], list[Document]]:
    """Gold and noisy predictions of it, with telling probabilities; spans of a side are disjoint."""
    rng = np.random.default_rng(seed)
    gold, found = [], []
    for number in range(count):
        truth, guess = [], []
        for place in range(0, 100, 10):
            label = str(rng.choice(schema.labels))
            start, end = place + int(rng.integers(0, 3)), place + int(rng.integers(5, 9))
            if rng.random() < 0.6:
                truth.append(Span(start, end, label))
            if rng.random() < 0.6:
                other = label if rng.random() < 0.8 else str(rng.choice(schema.labels))
                moved = start if rng.random() < 0.8 else place + 3
                guess.append(Span(moved, end, other, round(float(rng.random()), 1)))
        events = tuple(event for event in schema.events if rng.random() < 0.4)
        scores = {e: round(float(0.3 * (e in events) + 0.7 * rng.random()), 1) for e in schema.events}
        chosen = tuple(event for event, score in scores.items() if score >= 0.5)
        gold.append(Document(f"d{number}", TEXT, tuple(truth), events))
        found.append(Document(f"d{number}", TEXT, tuple(guess), chosen, scores))
    return gold, found


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


def test_nothing_to_find_and_nothing_found_is_no_division_by_zero(schema: Schema) -> None:
    scores = score([_document("a")], [_document("a")], schema)
    assert scores.spans["micro"].f1 == 0
    assert scores.events_exact.value == 1


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
    assert scores.macro_f1["events"].value == pytest.approx(f1_score(truth, guess, average="macro"))
    assert scores.events_exact.value == pytest.approx((truth == guess).all(1).mean())


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
    assert {"spans", "spans_partial", "entities", "events", "documents"} <= set(values)
    assert {"precision", "recall", "f1", "support"} <= set(values["spans"]["micro"])
    macro = {"macro_f1", "macro_f1_interval"}
    assert set(values["spans"]) == {"micro", *schema.labels, *macro}
    assert set(values["events"]) == {"micro", *schema.events, *macro, "exact", "exact_interval"}
    assert json.loads(json.dumps(values)) == values


def test_a_figure_s_name_is_its_path_in_the_dict(schema: Schema) -> None:
    gold, found = _random_sides(5, schema)
    counted = tally(gold, found, schema)
    values = summarize(counted).to_dict()
    for name, value in figures(counted, draw(len(gold))).items():
        group, *rest = name.split(".")
        there = values[group]
        for part in rest:
            there = there[part]
        assert there == pytest.approx(value[0]), name


def test_span_average_precision_counts_what_was_never_found(schema: Schema) -> None:
    gold = [_document("a", (0, 5, "PARTNER"), (10, 15, "PARTNER"), (20, 25, "PARTNER"))]
    spans = (Span(0, 5, "PARTNER", 0.9), Span(11, 15, "PARTNER", 0.8), Span(20, 25, "PARTNER", 0.7))
    scores = score(gold, [Document("a", TEXT, spans)], schema)
    average = scores.spans["PARTNER"].average_precision
    assert average is not None
    assert average.value == pytest.approx((1 / 1 + 2 / 3) / 3)
    assert scores.curves["spans"]["PARTNER"].recall == pytest.approx((1 / 3, 1 / 3, 2 / 3))
    assert scores.spans["OFFICIAL"].average_precision is None


def test_a_label_that_is_never_predicted_has_an_empty_curve(schema: Schema) -> None:
    gold = [_document("a", (0, 5, "PARTNER"), (10, 15, "OFFICIAL"))]
    scores = score(gold, [Document("a", TEXT, (Span(0, 5, "PARTNER", 0.9),))], schema)
    average = scores.spans["OFFICIAL"].average_precision
    assert average is not None
    assert average.value == 0
    assert scores.curves["spans"]["OFFICIAL"].thresholds == ()


def test_uncertain_spans_are_ranked_and_answer_nothing(schema: Schema) -> None:
    truth = Span(0, 5, "PARTNER")
    spans = (
        replace(truth, score=0.9),
        Span(10, 15, "PARTNER", 0.4, uncertain=True),
        Span(20, 26, "PARTNER", 0.3, uncertain=True),
    )
    text = "Фуяо, то есть Haval, но не Чунцин"
    scores = score([Document("a", text, (truth,))], [Document("a", text, spans)], schema)
    for group in ("spans", "spans_partial", "entities"):
        found = scores.group(group)["PARTNER"]
        assert (found.precision, found.recall, found.predicted) == (1, 1, 1), group
    assert scores.errors["all"]["spurious"] == 0
    assert scores.curves["spans"]["PARTNER"].precision == pytest.approx((1, 1 / 2, 1 / 3))


def test_without_probabilities_nothing_is_ranked(schema: Schema) -> None:
    gold = [_document("a", (0, 5, "PARTNER"), events=("visit",))]
    scores = score(gold, gold, schema)
    assert scores.spans["micro"].average_precision is None
    assert scores.curves == {"spans": {}, "events": {}}


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5), st.booleans()), min_size=1), st.data())
def test_weighted_average_precision_is_that_of_repeated_documents(
    answers: list[tuple[int, int, bool]], data: st.DataObject
) -> None:
    """A draw that takes a document twice scores like a set that holds it twice."""
    answers.sort(key=lambda answer: -answer[1])
    documents, scores, hits = (np.array(values) for values in zip(*answers, strict=True))
    gold = np.bincount(documents[hits], minlength=5)
    weights = np.array([data.draw(st.lists(st.integers(0, 3), min_size=5, max_size=5))])
    found = average_precision(Ranking(documents, scores.astype(float), hits, gold), weights)[0]
    repeated = [answer for answer in answers for _ in range(weights[0][answer[0]])]
    if any(hit for _, _, hit in repeated):
        truth, guess = [hit for _, _, hit in repeated], [score for _, score, _ in repeated]
        assert found == pytest.approx(average_precision_score(truth, guess))
    else:
        assert found == 0


def test_a_long_curve_is_thinned_to_its_ends(schema: Schema) -> None:
    count = 1000
    ranking = Ranking(
        np.arange(count), np.linspace(1, 0, count), np.arange(count) % 2 == 0, np.full(count, 1)
    )
    points = curve(ranking)
    assert len(points.recall) == 100
    assert (points.thresholds[0], points.thresholds[-1]) == (1, 0)
    assert (points.precision[-1], points.recall[-1]) == (0.5, 0.5)


def test_seqeval_misleads_where_we_do_not(schema: Schema) -> None:
    """It takes I without B for a span, and only warns when nothing is gold."""
    # An answer that begins inside a name: seqeval's lenient reading mends it into the gold span's end.
    assert seqeval_f1([["O", "B-PARTNER", "O"]], [["O", "I-PARTNER", "O"]]) == 1
    # From tags, I after another label's span is a span of its own; from characters it is what was predicted.
    gold = [_document("a", (0, 10, "PARTNER"))]
    assert seqeval_f1([["B-PARTNER", "I-PARTNER"]], [["B-OFFICIAL", "I-PARTNER"]]) == 0
    scores = score(gold, [_document("a", (0, 4, "OFFICIAL"), (5, 10, "PARTNER"))], schema)
    assert (scores.spans["micro"].f1, scores.spans_partial["micro"].f1) == (0, pytest.approx(2 / 3))
    # Two names side by side with the same label, gold as one: tags IO can't tell, characters can.
    assert seqeval_f1([["I-PARTNER", "I-PARTNER"]], [["I-PARTNER", "I-PARTNER"]]) == 1
    found = [_document("a", (0, 5, "PARTNER"), (5, 10, "PARTNER"))]
    assert score(gold, found, schema).spans["micro"].f1 == 0
    # Nothing gold, something found: precision 0 and the support says that recall means nothing.
    empty = score([_document("a")], found, schema).spans["micro"]
    assert (empty.precision, empty.recall, empty.f1, empty.support, empty.predicted) == (0, 0, 0, 0, 2)


def test_gold_that_no_token_can_hold_still_counts(schema: Schema) -> None:
    """Scores rebuilt from features would forget a span that cuts a word; ours don't know about tokens."""
    gold = [Document("a", "Губернатор", (Span(2, 5, "OFFICIAL"),))]
    assert score(gold, [Document("a", "Губернатор")], schema).spans["OFFICIAL"].support == 1


def test_entities_are_sets_of_normal_forms(schema: Schema) -> None:
    text = "Делегация провинции Хэйлунцзян прибыла. С провинцией Хэйлунцзян подписан договор. Индия ждёт."

    def partners(*quotes: str) -> tuple[Span, ...]:
        return tuple(Span(text.index(q), text.index(q) + len(q), "PARTNER") for q in quotes)

    gold = [Document("a", text, partners("провинции Хэйлунцзян", "провинцией Хэйлунцзян", "Индия"))]
    once = [Document("a", text, partners("провинцией Хэйлунцзян"))]
    found = score(gold, once, schema).entities["PARTNER"]
    assert (found.hits, found.predicted, found.support) == (1, 1, 2)
    elsewhere = [Document("a", text, (Span(text.index("Индия"), text.index("Индия") + 5, "SECTOR"),))]
    assert score(gold, elsewhere, schema).entities["micro"].hits == 0


def test_errors_and_confusion_count_each_span_once(schema: Schema) -> None:
    gold, found = _random_sides(1, schema)
    scores = score(gold, found, schema)
    for label in schema.labels:
        kinds, row = scores.errors[label], scores.confusion[label]
        assert sum(kinds.values()) - kinds["spurious"] == scores.spans[label].support == sum(row.values())
        assert kinds["right"] == scores.spans[label].hits
        assert kinds["right"] + kinds["bounds"] == scores.spans_partial[label].hits == row[label]
        assert kinds["missed"] == row["missed"]
        assert kinds["spurious"] == scores.confusion["spurious"][label]
        assert sum(row[label] for row in scores.confusion.values()) == scores.spans[label].predicted
    for kind in scores.errors["all"]:
        assert scores.errors["all"][kind] == sum(scores.errors[label][kind] for label in schema.labels)


def test_event_sets_hold_every_document_once(schema: Schema) -> None:
    gold, found = _random_sides(1, schema)
    scores = score(gold, found, schema)
    assert sum(sets.documents for sets in scores.event_sets) == scores.documents
    same = sum(sets.documents for sets in scores.event_sets if sets.gold == sets.predicted)
    assert same / scores.documents == pytest.approx(scores.events_exact.value)
    visits = sum(sets.documents for sets in scores.event_sets if "visit" in sets.gold)
    assert visits == scores.events["visit"].support


def test_parts_are_scored_as_if_they_stood_alone(schema: Schema) -> None:
    gold, found = _random_sides(2, schema)
    names = ["blog" if number % 3 else "wire" for number in range(len(gold))]
    parts = break_down(tally(gold, found, schema), names)
    assert [(part.name, part.documents) for part in parts] == [("wire", 14), ("blog", 26)]
    for part in parts:
        chosen = [number for number, name in enumerate(names) if name == part.name]
        alone = score([gold[i] for i in chosen], [found[i] for i in chosen], schema)
        for group in GROUPS:
            mine, other = part.scores[group], alone.group(group)["micro"]
            assert (mine.f1, mine.f1_interval, mine.support) == (other.f1, other.f1_interval, other.support)


@pytest.mark.parametrize(
    ("length", "name"), [(1, "0-1000"), (999, "0-1000"), (1000, "1000-2000"), (4000, "4000+")]
)
def test_length_groups_meet_without_a_gap(length: int, name: str) -> None:
    assert length_name(Document("a", "x" * length)) == name


def test_resamples_are_as_large_as_the_set_and_the_same_each_time() -> None:
    weights = draw(7)
    assert weights.shape == (RESAMPLES + 1, 7)
    assert (weights.sum(axis=1) == 7).all()
    assert (weights[0] == 1).all()
    draw.cache_clear()
    assert (draw(7) == weights).all()


def test_f1_of_nothing_is_zero() -> None:
    assert f1(np.array([[0, 0, 0], [1, 2, 2], [2, 2, 2]])).tolist() == [0, 0.5, 1]


def test_macro_is_the_mean_of_each_resample(schema: Schema) -> None:
    gold, found = _random_sides(4, schema)
    values = figures(tally(gold, found, schema), draw(len(gold)))
    mean = np.mean([values[f"events.{event}.f1"] for event in schema.events], axis=0)
    assert values["events.macro_f1"] == pytest.approx(mean)
