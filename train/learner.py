"""The model with its loss: cross-entropy per unit and span label, plus that of a document's events."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from infer.model import Model
from train.targets import IGNORED


class Learner(nn.Module):
    """What the Trainer trains: a Model that answers with its loss."""

    def __init__(self, model: Model, multiple: bool, event_weight: float) -> None:
        super().__init__()
        self.model = model
        self.multiple = multiple
        self.event_weight = event_weight

    def forward(
        self,
        ids: Tensor,
        mask: Tensor,
        pool: Tensor,
        tags: Tensor,
        answered: Tensor,
        documents: Tensor,
        events: Tensor,
        learn_events: Tensor,
    ) -> dict[str, Tensor]:
        """Shapes: `tags` [W, U, labels], `answered` [W, U], `documents` [W]; `events` [D, events]."""
        output = self.model(ids, mask, pool)
        owners = documents.unsqueeze(1).expand_as(answered)[answered]
        attention, evidence = output.attention[answered], output.evidence[answered]
        logits = [
            self.model.pool_events(attention[owners == number], evidence[owners == number])
            for number in range(len(events))
        ]
        loss = self.loss(output.spans[answered], tags[answered], torch.stack(logits), events, learn_events)
        return {"loss": loss}

    def loss(
        self, spans: Tensor, tags: Tensor, event_logits: Tensor, events: Tensor, learn_events: Tensor
    ) -> Tensor:
        """Of units' logits [N, labels, 3] and tags [N, labels], documents' event logits [D, events]."""
        span_loss = functional.cross_entropy(
            spans.float().flatten(0, 1), tags.flatten(), ignore_index=IGNORED, reduction="sum"
        ) / max(len(tags), 1)
        if self.multiple:
            losses = functional.binary_cross_entropy_with_logits(event_logits, events, reduction="none").sum(
                -1
            )
        else:
            losses = -(functional.log_softmax(event_logits, dim=-1) * events).sum(-1)
        learnt = learn_events.float()
        event_loss = (losses * learnt).sum() / learnt.sum().clamp(min=1)
        return span_loss + self.event_weight * event_loss
