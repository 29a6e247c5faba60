"""Agreement measures against values worked by hand, and against what must hold for any annotators."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infer.document import Span
from infer.labelstudio import Annotation, Task
from infer.schema import Schema
from train.agreement import agreement, cohen_kappa, krippendorff_alpha, span_f1


def task(name: str, *annotations: Annotation) -> Task:
    return Task(name, "Делегация провинции Хэнань прибыла в Тулу.", annotations)


def made(
    annotator: str, *spans: tuple[int, int, str], events: tuple[str, ...] = (), updated: str = ""
) -> Annotation:
    return Annotation(annotator, updated, tuple(Span(*span) for span in spans), events)


def test_alpha_of_krippendorffs_binary_example() -> None:
    # Krippendorff 2011, section A: o_01 = 4, n_0 = 14, n_1 = 6, so 1 - 19 * 4 / (14 * 6) = 0.095
    meg = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]
    owen = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    assert krippendorff_alpha(list(zip(meg, owen, strict=True))) == pytest.approx(1 - 76 / 84)


def test_alpha_of_krippendorffs_nominal_example() -> None:
    # section B: 0.692
    units = [a + b for a, b in zip("aabbdcccedda", "babbbccceddd", strict=True)]
    assert krippendorff_alpha(units) == pytest.approx(0.692, abs=5e-4)


def test_alpha_of_krippendorffs_example_with_missing_values() -> None:
    # section C: four observers, twelve units, some without an answer: 0.743
    observers = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
    units = ["".join(values).replace(".", "") for values in zip(*observers, strict=True)]
    assert krippendorff_alpha(units) == pytest.approx(0.743, abs=5e-4)


def test_alpha_is_undefined_without_variation_or_pairs() -> None:
    assert krippendorff_alpha([[True, True], [True, True]]) is None
    assert krippendorff_alpha([[True], [False]]) is None
    assert krippendorff_alpha([]) is None


def test_kappa_worked_by_hand() -> None:
    # both yes 20, only the first 5, only the second 10, none 15: (0.7 - 0.5) / (1 - 0.5) = 0.4
    both, first, second, none = (True, True), (True, False), (False, True), (False, False)
    assert cohen_kappa([both] * 20 + [first] * 5 + [second] * 10 + [none] * 15) == pytest.approx(0.4)
    assert cohen_kappa([both, both]) is None


def test_span_f1_counts_label_start_and_end() -> None:
    first = made("anna", (10, 26, "PARTNER"), (37, 41, "PARTNER"), (0, 9, "SECTOR"))
    second = made("boris", (10, 26, "PARTNER"), (36, 41, "PARTNER"), (0, 9, "OFFICIAL"))
    assert span_f1([(first, second)], ["PARTNER"]) == pytest.approx(2 * 1 / 4)
    assert span_f1([(first, second)], ["PARTNER", "SECTOR", "OFFICIAL"]) == pytest.approx(2 * 1 / 6)
    assert span_f1([(made("anna"), made("boris"))], ["PARTNER"]) is None


def test_each_pair_is_compared_on_the_tasks_both_annotated(schema: Schema) -> None:
    tasks = [
        task("1", made("anna", (10, 26, "PARTNER"), events=("visit",)), made("boris", (10, 26, "PARTNER"))),
        task("2", made("anna", events=("visit",)), made("boris", events=("visit",)), made("vera")),
        task("3", made("anna", (0, 9, "SECTOR"))),
    ]
    found = agreement(tasks, schema)
    assert found is not None
    assert found.tasks == 2
    assert [(pair.annotators, pair.tasks) for pair in found.pairs] == [
        (("anna", "boris"), 2),
        (("anna", "vera"), 1),
        (("boris", "vera"), 1),
    ]
    assert found.pairs[0].span_f1 == {"micro": 1.0, "PARTNER": 1.0, "OFFICIAL": None, "SECTOR": None}
    # visit: coincidences 2 + 2, n = 5, three yes and two no: 1 - 4 * 4 / (2 * 3 * 2)
    assert found.event_alpha["visit"] == pytest.approx(1 - 16 / 12)
    assert found.event_alpha["agreement"] is None
    assert found.to_dict()["pairs"][1]["annotators"] == ("anna", "vera")


def test_nothing_to_compare(schema: Schema) -> None:
    assert agreement([task("1", made("anna")), task("2")], schema) is None
    assert agreement([task("1", made("anna"), made("anna"))], schema) is None


def test_the_earliest_annotation_of_an_annotator_counts(schema: Schema) -> None:
    settled = made("anna", (10, 26, "PARTNER"), updated="2026-02-02")
    blind = made("anna", (20, 26, "PARTNER"), updated="2026-01-01")
    other = made("boris", (10, 26, "PARTNER"), updated="2026-01-01")
    found = agreement([task("1", settled, blind, other)], schema)
    assert found is not None
    assert found.pairs[0].span_f1["PARTNER"] == 0.0


def test_nameless_annotators_are_told_apart_by_order(schema: Schema) -> None:
    found = agreement([task("1", made(""), made(""))], schema)
    assert found is not None
    assert found.pairs[0].annotators == ("annotation 1", "annotation 2")


answers = st.lists(
    st.tuples(
        st.sets(st.tuples(st.integers(0, 4), st.integers(5, 9), st.sampled_from(["PARTNER", "SECTOR"]))),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


@given(answers, answers)
def test_symmetric_and_perfect_with_oneself(left: list, right: list) -> None:  # type: ignore[type-arg]
    pairs = [(made("a", *one), made("b", *two)) for (one, _), (two, _) in zip(left, right, strict=False)]
    turned = [(two, one) for one, two in pairs]
    labels = ["PARTNER", "SECTOR"]
    assert span_f1(pairs, labels) == span_f1(turned, labels)
    assert span_f1([(one, one) for one, _ in pairs], labels) in (1.0, None)
    units = [(one, two) for (_, one), (_, two) in zip(left, right, strict=False)]
    assert krippendorff_alpha(units) == krippendorff_alpha([(two, one) for one, two in units])
    alpha = krippendorff_alpha(units)
    assert alpha is None or alpha <= 1
