"""How probable gold tags are under the chain that decoding reads: O, B, I; never I after O or the start.

A softmax per unit would let each word of a name decide for itself, and where the model doubts the whole
name, some words of it fall: «Алёна» of «Алёна Потлова». Under the chain only whole paths compete, the
very ones that `infer.decode` weighs, so that a name is found or missed as one. A conditional random field
(Lafferty et al. 2001) whose transitions are either forbidden or free; learnt ones were not tried.
"""

from __future__ import annotations

import torch
from torch import Tensor

from infer.model import INSIDE, OUTSIDE

FORBIDDEN = -1e4  # log-weight of what can't be; finite, so that gradients are


def negative_log_likelihood(logits: Tensor, tags: Tensor) -> Tensor:
    """Per label [labels], of one document's units: logits [n, labels, 3] and tags [n, labels].

    Tags that begin with I go on with a span of an earlier stretch: there the start allows I.
    """
    if not len(tags):
        return logits.sum(dim=(0, 2))
    logits = logits.log_softmax(dim=-1)  # changes no path's share, and keeps sums over a document small
    gold = logits.gather(-1, tags.unsqueeze(-1)).squeeze(-1).sum(dim=0)
    before = torch.where(tags[0] == INSIDE, INSIDE, OUTSIDE)
    paths = _product(_steps(logits))  # [labels, 3, 3]
    weights = paths.logsumexp(dim=-1).gather(-1, before.unsqueeze(-1)).squeeze(-1)
    return weights - gold


def _steps(logits: Tensor) -> Tensor:
    """Log-weights [n, labels, from, to] of going to each unit's states."""
    forbidden = logits.new_zeros(3, 3)
    forbidden[OUTSIDE, INSIDE] = FORBIDDEN
    return logits.unsqueeze(-2) + forbidden


def _product(steps: Tensor) -> Tensor:
    """The log-semiring product [labels, 3, 3] of n matrices, neighbours first: in log n operations."""
    while len(steps) > 1:
        odd = steps[len(steps) // 2 * 2 :]
        left, right = steps[0 : len(steps) - len(odd) : 2], steps[1::2]
        steps = torch.cat([(left.unsqueeze(-1) + right.unsqueeze(-3)).logsumexp(dim=-2), odd])
    return steps[0]
