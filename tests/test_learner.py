"""The loss, against hand-worked values and against what the extractor answers."""

from __future__ import annotations

from math import log

import pytest
import torch

from infer import Extractor
from infer.batching import Frame
from infer.bundle import Bundle
from infer.document import Document
from train.learner import Learner
from train.targets import Collator, make_examples


def test_loss_of_undecided_logits_is_known(bundle: Bundle) -> None:
    learner = Learner(bundle.model, multiple=True, event_weight=0.5)
    spans, tags = [torch.zeros(4, 3, 3)], [torch.zeros(4, 3, dtype=torch.long)]
    events = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    both = learner.loss(spans, tags, torch.zeros(2, 3), events, torch.tensor([True, True]))
    paths = 34  # of O, B, I over four units, I after B or I only
    assert float(both) == pytest.approx(3 * log(paths) / 4 + 0.5 * 3 * log(2))
    spans_only = learner.loss(spans, tags, torch.zeros(2, 3), events, torch.tensor([False, False]))
    assert float(spans_only) == pytest.approx(3 * log(paths) / 4)


def test_documents_are_chains_of_their_own(bundle: Bundle) -> None:
    learner = Learner(bundle.model, multiple=True, event_weight=0.0)
    tags = [torch.zeros(1, 3, dtype=torch.long)] * 2
    events = torch.zeros(2, 3), torch.zeros(2, 3), torch.tensor([True, True])
    loss = learner.loss([torch.zeros(1, 3, 3)] * 2, tags, *events)
    assert float(loss) == pytest.approx(3 * log(2)), "two single units of two paths, O and B"


def test_single_choice_is_a_softmax(bundle: Bundle) -> None:
    learner = Learner(bundle.model, multiple=False, event_weight=1.0)
    nothing = [torch.zeros(0, 3, 3)], [torch.zeros(0, 3, dtype=torch.long)]
    events = torch.tensor([[0.0, 1.0, 0.0]])
    loss = learner.loss(*nothing, torch.tensor([[0.0, log(2), 0.0]]), events, torch.tensor([True]))
    assert float(loss) == pytest.approx(log(2))


def test_training_pools_events_over_the_windows_that_prediction_pools(bundle: Bundle) -> None:
    """With the extractor's own scores as targets the loss is their entropy: the logits are the same."""
    documents = [Document("a", "Делегация осмотрела завод. " * 30), Document("b", "Снег идёт.")]
    answers = list(Extractor(bundle).extract_many(documents))
    examples = [
        make_examples(document, bundle.tokenizer, bundle.schema, bundle.settings, 99)[0][0]
        for document in documents
    ]
    batch = Collator(Frame.of(bundle.tokenizer), bundle.settings)(examples)
    batch["events"] = torch.tensor([list(answer.event_scores.values()) for answer in answers])
    learner = Learner(bundle.model, multiple=True, event_weight=1.0).eval()
    without = Learner(bundle.model, multiple=True, event_weight=0.0).eval()
    with torch.no_grad():
        loss = float(learner(**batch)["loss"]) - float(without(**batch)["loss"])
    entropies = torch.special.entr(batch["events"]) + torch.special.entr(1 - batch["events"])
    assert loss == pytest.approx(float(entropies.sum(-1).mean()), abs=1e-5)
