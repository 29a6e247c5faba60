"""The model with its loss: that of each span label's chain per unit, plus that of a document's events."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from infer.model import Model
from train.chain import negative_log_likelihood


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
        counts = torch.bincount(owners, minlength=len(events)).tolist()
        spans, gold, attention, evidence = (
            rows[answered].split(counts) for rows in (output.spans, tags, output.attention, output.evidence)
        )
        logits = [self.model.pool_events(*rows) for rows in zip(attention, evidence, strict=True)]
        return {"loss": self.loss(spans, gold, torch.stack(logits), events, learn_events)}

    def loss(
        self,
        spans: Sequence[Tensor],
        tags: Sequence[Tensor],
        event_logits: Tensor,
        events: Tensor,
        learn_events: Tensor,
    ) -> Tensor:
        """Of D documents: units' logits [n, labels, 3] and tags [n, labels]; event logits [D, events]."""
        likelihoods = [
            negative_log_likelihood(logits.float(), gold).sum()
            for logits, gold in zip(spans, tags, strict=True)
        ]
        span_loss = torch.stack(likelihoods).sum() / max(sum(map(len, tags)), 1)
        if self.multiple:
            losses = functional.binary_cross_entropy_with_logits(event_logits, events, reduction="none").sum(
                -1
            )
        else:
            losses = -(functional.log_softmax(event_logits, dim=-1) * events).sum(-1)
        learnt = learn_events.float()
        event_loss = (losses * learnt).sum() / learnt.sum().clamp(min=1)
        return span_loss + self.event_weight * event_loss
