"""What simple methods reach when trained on the same articles: the bar that a model has to clear.

Events: TF-IDF of words, word pairs and parts of words, and a logistic regression for each event type.
Spans: the strings that were marked in training, found again (`train/gazetteer.py`). Nothing is tuned on the
documents that they are scored on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infer.document import Document
from infer.schema import Schema
from train.comparison import Difference, differences
from train.gazetteer import fit_gazetteer
from train.metrics import summarize
from train.scores import Scores
from train.tally import Tally, tally

# the groups of scores in which a model should clear the bar, and whose bar it is
JUDGED = {"spans": "a list of training strings", "events": "TF-IDF with logistic regression"}


@dataclass(frozen=True, slots=True)
class Baselines:
    """The gazetteer's span scores and the regression's event scores, and what the model has over them."""

    scores: Scores
    margins: Mapping[str, Difference]  # by figure: the model (second) minus the baseline (first)

    def warnings(self) -> list[str]:
        """A sentence for each F1 of spans (strict) and events in which the model isn't clearly better."""
        return [
            f"{group} {name}: the model's F1 of {margin.second:.1%} is not clearly above the "
            f"{margin.first:.1%} of {method} (difference {100 * margin.difference.value:+.1f} "
            f"points, 95% interval {100 * margin.difference.interval[0]:+.1f} to "
            f"{100 * margin.difference.interval[1]:+.1f})"
            for group, method in JUDGED.items()
            for name, score in self.scores.group(group).items()
            if score.support and not (margin := self.margins[f"{group}.{name}.f1"]).is_gain
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        margins = {name: margin.to_dict() for name, margin in self.margins.items()}
        return {**self.scores.to_dict(), "margins": margins}


def measure_baselines(learnt: Sequence[Document], gold: Sequence[Document], model: Tally) -> Baselines:
    """Train the baselines on `learnt`, score them on `gold`; `model` is the tally of a model's answers."""
    counted = tally(gold, predict_simply(learnt, gold, model.schema), model.schema)
    return Baselines(summarize(counted), differences(counted, model))


def predict_simply(
    learnt: Sequence[Document], documents: Sequence[Document], schema: Schema
) -> list[Document]:
    """The documents with the baselines' spans and events in place of their own."""
    gazetteer = fit_gazetteer(learnt)
    probabilities = predict_events(learnt, [document.text for document in documents], schema)
    answers = []
    for document, row in zip(documents, probabilities.tolist(), strict=True):
        scores = dict(zip(schema.events, row, strict=True))
        if schema.multiple or not scores:
            events = tuple(event for event, score in scores.items() if score >= 0.5)
        else:
            events = (max(scores, key=lambda event: scores[event]),)
        spans = gazetteer.find(document.text)
        answers.append(replace(document, spans=spans, events=events, event_scores=scores))
    return answers


def predict_events(learnt: Sequence[Document], texts: Sequence[str], schema: Schema) -> NDArray[np.float64]:
    """The probability of each event in each text, [texts, events]."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_union

    vectorizer = make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\w+"),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True),
    )
    known = vectorizer.fit_transform([document.text for document in learnt])
    asked = vectorizer.transform(texts)
    columns = []
    for event in schema.events:
        truth = np.array([event in document.events for document in learnt])
        if truth.all() or not truth.any():
            columns.append(np.full(len(texts), float(truth[0])))
            continue
        # balanced, since a rare event would otherwise hardly ever reach 0.5
        regression = LogisticRegression(class_weight="balanced", solver="liblinear").fit(known, truth)
        columns.append(regression.predict_proba(asked)[:, 1])
    return np.array(columns).T.reshape(len(texts), len(schema.events))
