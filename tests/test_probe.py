"""The heads learn, the encoder stays."""

from __future__ import annotations

import torch

from infer.batching import Frame
from infer.bundle import Bundle
from infer.document import Document, Span
from train.config import FitSettings, TrainConfig
from train.learner import Learner
from train.probe import warm_heads
from train.targets import Collator, make_examples

TEXT = "Посол Индии Раджеш Шарма осмотрел стенды. " * 6
DOCUMENTS = [
    Document("a", TEXT, tuple(Span(s, s + 12, "OFFICIAL") for s in range(12, 250, 42)), ("visit",)),
    Document("b", "Компания «Фуяо» подписала меморандум.", (Span(10, 14, "PARTNER"),), ("agreement",)),
    Document("c", " ", (), ()),
]


def _warm(bundle: Bundle, epochs: int) -> float:
    torch.manual_seed(0)
    learner = Learner(bundle.model, True, 1.0)
    config = TrainConfig(fit=FitSettings(head_epochs=epochs, head_learning_rate=0.01))
    warm_heads(learner, bundle, DOCUMENTS, config)
    learner.eval()
    with torch.no_grad():
        collate = Collator(Frame.of(bundle.tokenizer), bundle.settings)
        examples = [
            example
            for document in DOCUMENTS
            for example in make_examples(document, bundle.tokenizer, bundle.schema, bundle.settings, 99)[0]
        ]
        return float(learner(**collate(examples))["loss"])


def test_heads_learn_while_the_encoder_keeps_its_weights(bundle: Bundle) -> None:
    before = {name: value.clone() for name, value in bundle.model.state_dict().items()}
    cold = _warm(bundle, 0)
    assert all(torch.equal(value, before[name]) for name, value in bundle.model.state_dict().items())
    warm = _warm(bundle, 30)
    assert warm < cold / 2
    for name, value in bundle.model.state_dict().items():
        assert torch.equal(value, before[name]) == name.startswith("encoder."), name
