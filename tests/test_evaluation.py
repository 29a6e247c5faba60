"""An evaluation: the users' extractor against gold, what it prints, and what it warns of."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from infer.bundle import Bundle
from infer.document import Document, Span
from infer.extractor import Extractor
from train.evaluation import Evaluation, evaluate
from train.metrics import score


@pytest.fixture
def gold(documents: list[Document]) -> list[Document]:
    """The texts with a few marks, each second one with a source."""
    return [
        replace(
            document,
            spans=(Span(0, 2, "SECTOR"),) if document.text.strip() else (),
            events=("visit",) * (number % 2),
            meta={"source": "wire"} if number % 2 else {},
        )
        for number, document in enumerate(documents)
    ]


@pytest.fixture
def evaluation(bundle: Bundle, gold: list[Document]) -> Evaluation:
    return evaluate(Extractor(bundle), gold, gold)[0]


def test_answers_are_those_of_the_users_extractor(bundle: Bundle, gold: list[Document]) -> None:
    evaluation, predicted = evaluate(Extractor(bundle), gold)
    alone = [Extractor(bundle).extract(replace(document, spans=(), events=())) for document in gold]
    assert [(d.id, d.spans, d.events) for d in predicted] == [(d.id, d.spans, d.events) for d in alone]
    assert evaluation.scores == score(gold, predicted, bundle.schema)
    assert evaluation.baselines is None
    assert "baselines" not in evaluation.to_dict()


def test_documents_are_grouped_by_source_and_by_length(evaluation: Evaluation) -> None:
    groups = {by: {part.name: part.documents for part in parts} for by, parts in evaluation.breakdown.items()}
    assert groups == {"source": {"": 3, "wire": 2}, "length": {"0-1000": 4, "2000-4000": 1}}


def test_the_dict_is_json_and_has_every_part(evaluation: Evaluation) -> None:
    values = evaluation.to_dict()
    assert json.loads(json.dumps(values)) == values
    assert values["coverage"] == 1
    assert {part["name"] for part in values["breakdown"]["source"]} == {"", "wire"}
    assert values["documents"] == 5


def test_summary_has_the_scores_with_the_baselines_beside(evaluation: Evaluation) -> None:
    lines = evaluation.summary().splitlines()
    assert lines[0].split()[-2:] == ["avg.prec", "baseline"]
    assert evaluation.baselines is not None
    (row,) = [line for line in lines[:6] if line.startswith("  SECTOR")]
    assert row.split()[-1] == f"{evaluation.baselines.scores.spans['SECTOR'].f1:.1%}"
    (errors,) = [line for line in lines if line.startswith("  all ")]
    assert [int(count) for count in errors.split()[1:]] == list(evaluation.scores.errors["all"].values())
    assert "100.0% of the text answered" in lines
    assert sum(line.startswith("WARNING: ") for line in lines) == len(evaluation.warnings()) > 0


def test_text_that_was_not_answered_is_warned_of_first(evaluation: Evaluation) -> None:
    assert "was answered" not in evaluation.warnings()[0]
    assert "only 99.9000% of the texts was answered" in replace(evaluation, coverage=0.999).warnings()[0]
