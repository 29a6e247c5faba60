"""Heads before encoder: the random heads are trained on the still untouched encoder's vectors.

Otherwise their first, meaningless gradients distort the encoder, and with a few hundred articles it never
recovers (Kumar et al. 2022, arXiv 2202.10054). The encoder runs once, so this costs little more than one
forward pass over the articles.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from tqdm import tqdm

from infer.align import tokenize
from infer.batching import Frame, make_batch
from infer.bundle import Bundle
from infer.document import Document
from infer.extractor import has_bfloat16, pick_device
from infer.windows import merge, split
from train.config import TrainConfig
from train.learner import Learner
from train.targets import tag_units


def warm_heads(learner: Learner, bundle: Bundle, documents: Sequence[Document], config: TrainConfig) -> None:
    """Train the heads in place for `fit.head_epochs`; the encoder keeps its weights."""
    if not config.fit.head_epochs:
        return
    device = pick_device("auto")
    learner.to(device)
    hidden = tqdm(documents, desc="Warming the heads", unit=" articles", disable=None)
    bfloat16 = uses_bfloat16(config.fit.precision, device)
    rows = [encode(bundle, document, device, bfloat16) for document in hidden]
    heads = [p for name, p in bundle.model.named_parameters() if not name.startswith("encoder.")]
    optimizer = torch.optim.AdamW(heads, lr=config.fit.head_learning_rate)
    learner.train()
    for _ in range(config.fit.head_epochs):
        for chosen in torch.randperm(len(rows)).split(config.fit.batch_size):  # type: ignore[no-untyped-call]
            losses = [measure_loss(learner, *rows[index]) for index in chosen.tolist()]
            loss = torch.stack(losses).mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()


def uses_bfloat16(precision: str, device: torch.device) -> bool:
    """What `fit.precision` means on a device."""
    return precision == "bfloat16" or (precision == "auto" and has_bfloat16(device))


def encode(
    bundle: Bundle, document: Document, device: torch.device, bfloat16: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """A document's unit vectors [n, H], its tags [n, labels] and its events [events]."""
    schema, settings = bundle.schema, bundle.settings
    units = tokenize([document.text], bundle.tokenizer, settings.unit)[0]
    windows = split(units.tokens, settings.windows.size - 2, settings.windows.overlap)
    parts = []
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
        for window in windows:
            batch = make_batch(
                [(units, window)], Frame.of(bundle.tokenizer), settings.windows.size, settings.pooling
            )
            inputs = (torch.from_numpy(array).to(device) for array in (batch.ids, batch.mask, batch.pool))
            parts.append(bundle.model.encode(*inputs)[0, : window.end - window.start].float())
    tags, _ = tag_units(document, units, schema)
    events = torch.tensor([float(event in document.events) for event in schema.events], device=device)
    shaped = torch.tensor(tags, dtype=torch.long, device=device).reshape(len(units), len(schema.labels))
    return torch.cat(merge(windows, parts)), shaped, events


def measure_loss(learner: Learner, vectors: Tensor, tags: Tensor, events: Tensor) -> Tensor:
    """Of one document, from what `encode` gave of it."""
    output = learner.model.answer(vectors.unsqueeze(0))
    logits = learner.model.pool_events(output.attention[0], output.evidence[0])
    learnt = torch.tensor([learner.multiple or bool(events.any())], device=events.device)
    return learner.loss([output.spans[0]], [tags], logits.unsqueeze(0), events.unsqueeze(0), learnt)
