"""The loss of spans, against every path counted one by one and against the decoder."""

from __future__ import annotations

from itertools import pairwise, product
from math import exp, log

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from infer.decode import best_ranges, range_probabilities
from infer.model import BEGIN, INSIDE, OUTSIDE
from train.chain import negative_log_likelihood

chains = st.integers(1, 6).flatmap(
    lambda units: st.lists(st.lists(st.floats(-6, 6), min_size=3, max_size=3), min_size=units, max_size=units)
)


def paths(units: int) -> list[tuple[int, ...]]:
    """Every path that the chain allows."""
    return [
        path
        for path in product((OUTSIDE, BEGIN, INSIDE), repeat=units)
        if all(pair != (OUTSIDE, INSIDE) for pair in pairwise((OUTSIDE, *path)))
    ]


def likelihoods(chain: list[list[float]]) -> dict[tuple[int, ...], float]:
    """Of every path, each taken for the gold of a label of its own."""
    every = paths(len(chain))
    logits = torch.tensor(chain).unsqueeze(1).expand(-1, len(every), -1)
    losses = negative_log_likelihood(logits, torch.tensor(every).T)
    return dict(zip(every, (-losses).tolist(), strict=True))


@given(chains)
def test_likelihoods_are_those_of_all_paths_counted(chain: list[list[float]]) -> None:
    found = likelihoods(chain)
    weights = {path: sum(chain[unit][state] for unit, state in enumerate(path)) for path in found}
    total = log(sum(map(exp, weights.values())))
    assert found == pytest.approx({path: weight - total for path, weight in weights.items()}, abs=1e-4)


@given(chains)
def test_the_decoder_finds_the_likeliest_path_and_a_span_has_its_paths_probability(
    chain: list[list[float]],
) -> None:
    shares = {path: exp(likelihood) for path, likelihood in likelihoods(chain).items()}
    rows = torch.tensor(chain).log_softmax(-1).tolist()
    found = best_ranges(rows)
    best = [OUTSIDE] * len(chain)
    for first, stop in found:
        best[first:stop] = [BEGIN] + [INSIDE] * (stop - first - 1)
    assert shares[tuple(best)] == pytest.approx(max(shares.values()), rel=1e-3)
    for (first, stop), score in zip(found, range_probabilities(rows, found), strict=True):
        span = (BEGIN,) + (INSIDE,) * (stop - first - 1)
        having = (
            share
            for path, share in shares.items()
            if path[first:stop] == span and path[stop : stop + 1] != (INSIDE,)
        )
        assert score == pytest.approx(sum(having), abs=1e-4)


def test_labels_are_chains_of_their_own() -> None:
    logits, tags = torch.randn(5, 4, 3), torch.randint(0, 2, (5, 4))
    apart = [negative_log_likelihood(logits[:, [label]], tags[:, [label]]) for label in range(4)]
    torch.testing.assert_close(negative_log_likelihood(logits, tags), torch.cat(apart))


def test_a_stretch_may_begin_inside_a_span() -> None:
    logits = torch.zeros(2, 1, 3)
    inside = negative_log_likelihood(logits, torch.tensor([[INSIDE], [OUTSIDE]]))
    assert float(inside.exp()) == pytest.approx(8), "O after O, B or I; B and I likewise; I never after O"
    outside = negative_log_likelihood(logits, torch.tensor([[OUTSIDE], [OUTSIDE]]))
    assert float(outside.exp()) == pytest.approx(5), "OO OB BO BB BI"


def test_a_document_without_units_costs_nothing_and_has_a_gradient() -> None:
    logits = torch.zeros(0, 3, 3, requires_grad=True)
    loss = negative_log_likelihood(logits, torch.zeros(0, 3, dtype=torch.long))
    assert loss.tolist() == [0, 0, 0]
    loss.sum().backward()


def test_gradients_are_finite_and_push_gold_up() -> None:
    logits = (50 * torch.randn(300, 3, 3)).requires_grad_()
    tags = torch.zeros(300, 3, dtype=torch.long)
    negative_log_likelihood(logits, tags).sum().backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    assert (logits.grad[..., OUTSIDE] < 1e-3).all()
