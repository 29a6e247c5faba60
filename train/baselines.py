"""What simple methods reach when trained on the same articles: the bar that a model has to clear.

Events: TF-IDF of word 1-2-grams and character n-grams, a logistic regression for each. Spans: the strings
that were marked in training, found again by longest match over lemmas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infer.document import Document
from infer.schema import Schema
from train.comparison import Difference
from train.scores import Scores
from train.tally import Tally

JUDGED = ("spans", "events")  # groups of scores in which a model should clear the bar


@dataclass(frozen=True, slots=True)
class Baselines:
    """The gazetteer's span scores and the regression's event scores, and what the model has over them."""

    scores: Scores
    margins: Mapping[str, Difference]  # by figure: model (second) minus baseline (first)

    def warnings(self) -> list[str]:
        """A sentence for each F1 in which the model isn't clearly better."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        margins = {name: margin.to_dict() for name, margin in self.margins.items()}
        return {**self.scores.to_dict(), "margins": margins}
