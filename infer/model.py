"""One encoder, two tasks: spans of every label and the event types of a whole document.

Any BERT-like `AutoModel` gives token vectors; a unit's vector is its first token's or their mean. From it
come, per unit, three logits (O, B, I) for every span label, and two numbers for every event: attention
(how much the unit should count) and evidence (what it says). A document's event logit is its evidence
weighted by the softmax of attention over *all* its units, so rows of several windows are merged first and
pooled after: a document of any length gives one answer, and a window leaves only a few floats a unit.
The event head is the attention pooling of Ilse et al. 2018 (arXiv 1802.04712), one per event.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

OUTSIDE, BEGIN, INSIDE = range(3)


@dataclass(frozen=True, slots=True)
class UnitOutput:
    """Per unit of W windows, padded to U units."""

    spans: Tensor  # [W, U, labels, 3] logits
    attention: Tensor  # [W, U, events]
    evidence: Tensor  # [W, U, events]


class Model(nn.Module):
    """Encoder with a span head per label and an attention-pooled event head."""

    def __init__(self, encoder: PreTrainedModel, labels: int, events: int) -> None:
        super().__init__()
        hidden: int = encoder.config.hidden_size
        self.labels, self.events = labels, events
        self.encoder = encoder
        self.dropout = nn.Dropout(0.1)
        self.span_head = nn.Linear(hidden, labels * 3)
        self.event_body = nn.Linear(hidden, hidden)
        self.event_attention = nn.Linear(hidden, events)
        self.event_evidence = nn.Linear(hidden, events)
        self.event_bias = nn.Parameter(torch.zeros(events))
        nn.init.zeros_(self.event_attention.weight)  # starts as the plain mean over units

    def forward(self, ids: Tensor, mask: Tensor, pool: Tensor) -> UnitOutput:
        """`ids`, `mask` [W, T]; `pool` [W, U, T] weights that make a unit's vector out of its tokens'."""
        return self.answer(self.encode(ids, mask, pool))

    def encode(self, ids: Tensor, mask: Tensor, pool: Tensor) -> Tensor:
        """Unit vectors [W, U, H]."""
        tokens = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state  # [W, T, H]
        return torch.bmm(pool.to(tokens.dtype), tokens)

    def answer(self, units: Tensor) -> UnitOutput:
        """The heads' outputs for unit vectors [W, U, H]."""
        units = self.dropout(units)
        body = torch.tanh(self.event_body(units))
        return UnitOutput(
            spans=self.span_head(units).unflatten(-1, (self.labels, 3)),
            attention=self.event_attention(body),
            evidence=self.event_evidence(body),
        )

    def pool_events(self, attention: Tensor, evidence: Tensor) -> Tensor:
        """Event logits [events] of one document from its units' rows [n, events], n may be 0."""
        weights = torch.softmax(attention.float(), dim=0)
        return (weights * evidence.float()).sum(dim=0) + self.event_bias
