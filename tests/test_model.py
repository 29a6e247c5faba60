from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from infer.bundle import Bundle
from infer.model import Model

HIDDEN = 6


class Lookup(nn.Module):
    """An encoder without context: a token's vector is its row of a table."""

    def __init__(self) -> None:
        super().__init__()
        self.config = SimpleNamespace(hidden_size=HIDDEN)
        self.table = nn.Embedding(20, HIDDEN)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
        return SimpleNamespace(last_hidden_state=self.table(input_ids))


@pytest.fixture
def model() -> Model:
    torch.manual_seed(3)
    made = Model(Lookup(), labels=2, events=3).eval()  # type: ignore[arg-type]
    nn.init.normal_(made.event_attention.weight)
    nn.init.normal_(made.event_bias)
    return made


IDS = torch.tensor([[2, 7, 8, 9, 3], [2, 5, 3, 0, 0]])
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
POOL = torch.zeros(2, 2, 5)
POOL[0, 0, 1] = POOL[0, 0, 2] = 0.5  # unit 0 is tokens 1 and 2, averaged
POOL[0, 1, 3] = 1
POOL[1, 0, 1] = 1


@torch.inference_mode()
def test_shapes_follow_windows_units_labels_and_events(model: Model) -> None:
    output = model(IDS, MASK, POOL)
    assert output.spans.shape == (2, 2, 2, 3)
    assert output.attention.shape == output.evidence.shape == (2, 2, 3)


@torch.inference_mode()
def test_a_units_vector_is_the_weighted_sum_of_its_tokens(model: Model) -> None:
    table = model.encoder.table.weight
    vector = (table[7] + table[8]) / 2
    output = model(IDS, MASK, POOL)
    assert torch.allclose(output.spans[0, 0].flatten(), model.span_head(vector), atol=1e-6)
    body = torch.tanh(model.event_body(vector))
    assert torch.allclose(output.evidence[0, 0], model.event_evidence(body), atol=1e-6)
    assert torch.allclose(output.attention[0, 0], model.event_attention(body), atol=1e-6)
    assert torch.allclose(output.spans[0, 1].flatten(), model.span_head(table[9]), atol=1e-6)


@torch.inference_mode()
def test_labels_come_first_and_then_o_b_i(model: Model) -> None:
    nn.init.zeros_(model.span_head.weight)
    model.span_head.bias.copy_(torch.arange(6.0))
    assert model(IDS, MASK, POOL).spans[0, 0].tolist() == [[0, 1, 2], [3, 4, 5]]


@torch.inference_mode()
def test_dropout_is_off_when_predicting(model: Model) -> None:
    assert torch.equal(model(IDS, MASK, POOL).spans, model(IDS, MASK, POOL).spans)


@torch.inference_mode()
def test_pooled_events_are_evidence_weighted_by_the_softmax_of_attention(model: Model) -> None:
    attention = torch.tensor([[0.0, 0.0, 9.0], [1.0986123, 0.0, 0.0], [0.0, 0.0, 0.0]])
    evidence = torch.tensor([[1.0, 3.0, 7.0], [2.0, 6.0, 0.0], [6.0, 0.0, 0.0]])
    expected = [(1 + 3 * 2 + 6) / 5, (3 + 6 + 0) / 3, 7 * 0.99975]  # e^1.0986 = 3; e^9 / (e^9 + 2)
    pooled = model.pool_events(attention, evidence) - model.event_bias
    assert pooled.tolist() == pytest.approx(expected, abs=1e-3)


@torch.inference_mode()
def test_every_unit_counts_wherever_it_stands(model: Model) -> None:
    torch.manual_seed(0)
    attention, evidence = torch.randn(50, 3), torch.randn(50, 3)
    order = torch.randperm(50)
    whole = model.pool_events(attention, evidence)
    assert torch.allclose(whole, model.pool_events(attention[order], evidence[order]), atol=1e-5)
    assert not torch.allclose(whole, model.pool_events(attention[:40], evidence[:40]), atol=1e-3)
    assert not torch.allclose(whole, model.pool_events(attention[10:], evidence[10:]), atol=1e-3)


@torch.inference_mode()
def test_each_event_attends_for_itself(model: Model) -> None:
    attention, evidence = torch.zeros(2, 3), torch.tensor([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    attention[0, 1] = 50
    pooled = model.pool_events(attention, evidence) - model.event_bias
    assert pooled.tolist() == pytest.approx([0.5, 1.0, 0.5])


@torch.inference_mode()
def test_a_document_without_units_gets_the_bias(model: Model) -> None:
    assert torch.equal(model.pool_events(torch.zeros(0, 3), torch.zeros(0, 3)), model.event_bias)


@torch.inference_mode()
def test_large_attention_does_not_overflow(model: Model) -> None:
    pooled = model.pool_events(torch.tensor([[1e4] * 3, [-1e4] * 3]), torch.ones(2, 3))
    assert torch.allclose(pooled, 1 + model.event_bias)


@torch.inference_mode()
def test_a_new_model_pools_by_the_plain_mean() -> None:
    fresh = Model(Lookup(), labels=1, events=2).eval()  # type: ignore[arg-type]
    output = fresh(IDS, MASK, POOL)
    pooled = fresh.pool_events(output.attention[0], output.evidence[0])
    assert torch.allclose(pooled, output.evidence[0].mean(dim=0), atol=1e-6)


@torch.inference_mode()
def test_padding_changes_nothing(bundle: Bundle) -> None:
    ids, mask = torch.tensor([[2, 40, 41, 3]]), torch.ones(1, 4, dtype=torch.long)
    pool = torch.zeros(1, 2, 4)
    pool[0, 0, 1] = pool[0, 1, 2] = 1
    plain = bundle.model(ids, mask, pool)
    pad = nn.functional.pad
    padded = bundle.model(pad(ids, (0, 5)), pad(mask, (0, 5)), pad(pool, (0, 5)))
    assert torch.allclose(plain.spans, padded.spans, atol=1e-5)
    assert torch.allclose(plain.evidence, padded.evidence, atol=1e-5)
