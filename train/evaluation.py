"""Everything that is measured of a model on annotated documents, as one value.

The model answers through the users' own `Extractor`, which sees texts only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from infer.document import Document
from infer.extractor import Extractor
from train.baselines import Baselines, measure_baselines
from train.corpus import strip
from train.coverage import coverage
from train.metrics import break_down, length_name, summarize
from train.report import score_table
from train.scores import Part, Scores
from train.tally import tally


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Scores of a model, in all and by group of documents, beside what simple methods reach."""

    scores: Scores
    coverage: (
        float  # share of the texts' letters and digits that the model answered; 1.0, or something is wrong
    )
    breakdown: Mapping[str, tuple[Part, ...]]  # "source" (meta, "" where none is given) and "length"
    baselines: Baselines | None

    def warnings(self) -> list[str]:
        """What a reader of the scores must not miss, a sentence each."""
        missing = f"only {self.coverage:.4%} of the texts was answered by the model: its windows leave gaps"
        warnings = [missing] if self.coverage < 1 else []
        return warnings + (self.baselines.warnings() if self.baselines else [])

    def summary(self) -> str:
        """The score table beside the baselines, the coverage and the warnings, as text."""
        return "\n".join(
            [
                score_table(self.scores, self.baselines.scores if self.baselines else None),
                f"{self.coverage:.1%} of the text answered",
                *(f"WARNING: {warning}" for warning in self.warnings()),
            ]
        )

    def to_dict(self) -> dict[str, Any]:
        """The contract's `metrics.json`."""
        breakdown = {by: [part.to_dict() for part in parts] for by, parts in self.breakdown.items()}
        values = {**self.scores.to_dict(), "coverage": self.coverage, "breakdown": breakdown}
        return values if self.baselines is None else {**values, "baselines": self.baselines.to_dict()}


def predict(extractor: Extractor, documents: Sequence[Document]) -> list[Document]:
    """An extractor's answers, in order; it sees the documents' texts only."""
    answers = extractor.extract_many(strip(documents))
    return list(tqdm(answers, total=len(documents), desc="Scoring", unit=" articles", disable=None))


def evaluate(
    extractor: Extractor, gold: Sequence[Document], learnt: Sequence[Document] = ()
) -> tuple[Evaluation, list[Document]]:
    """What an extractor reaches on annotated documents, and its answers.

    `learnt` are the annotated documents that it was trained on: the baselines are trained on the same.
    """
    bundle = extractor.bundle
    predicted = predict(extractor, gold)
    counted = tally(gold, predicted, bundle.schema)
    baselines = measure_baselines(learnt, gold, counted) if learnt else None
    evaluation = Evaluation(
        summarize(counted),
        coverage(gold, bundle.tokenizer, bundle.settings),
        {
            "source": break_down(counted, [str(document.meta.get("source") or "") for document in gold]),
            "length": break_down(counted, [length_name(document) for document in gold]),
        },
        baselines,
    )
    return evaluation, predicted
