"""Documents to training examples, and examples to tensors.

An example is a document, or a stretch of one with more windows than a step can hold. Every unit is a
target once, in the window that answers it, exactly as in prediction. Event types are learnt from a
document's first stretch (all of it, unless it is very long). A span that units can't represent, or that
overlaps another of its own label, is returned as lost with its reason, never dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from infer.align import Units, to_units, tokenize
from infer.batching import Frame, make_batch
from infer.config import ModelSettings
from infer.document import Document, Span
from infer.model import BEGIN, INSIDE, OUTSIDE
from infer.schema import Schema
from infer.windows import Window, split

IGNORED = -100  # a unit that another window answers, or padding
SUBWORD_SHARE = 0.01  # more spans than this cutting words means that the annotators meant it
Example = dict[str, Any]  # plain lists, one row of a datasets.Dataset


@dataclass(frozen=True, slots=True)
class Lost:
    """A gold span that can't be learnt."""

    document: str
    span: Span
    text: str
    reason: str


def pick_unit(documents: Sequence[Document], tokenizer: PreTrainedTokenizerBase) -> Literal["word", "piece"]:
    """Words, unless the annotations really hold spans that cut words."""
    units = tokenize([document.text for document in documents], tokenizer, "word")
    lost = sum(len(to_units(doc.spans, unit)[1]) for doc, unit in zip(documents, units, strict=True))
    total = sum(len(document.spans) for document in documents)
    return "piece" if lost > SUBWORD_SHARE * total else "word"


def make_examples(
    document: Document,
    tokenizer: PreTrainedTokenizerBase,
    schema: Schema,
    settings: ModelSettings,
    max_windows: int,
) -> tuple[list[Example], list[Lost]]:
    """The examples of one document, and its spans that they can't hold."""
    units = tokenize([document.text], tokenizer, settings.unit)[0]
    tags, lost = tag_units(document, units, schema)
    events = [int(event in document.events) for event in schema.events]
    windows = split(units.tokens, settings.windows.size - 2, settings.windows.overlap)
    examples = []
    for first in range(0, len(windows), max_windows):
        stretch = windows[first : first + max_windows]
        examples.append(
            {
                "ids": units.ids,
                "tokens": units.tokens,
                "tags": tags,
                "windows": [[w.start, w.end, w.answer_start, w.answer_end] for w in stretch],
                "events": events,
                "learn_events": first == 0 and (schema.multiple or any(events)),
                "length": sum(
                    units.tokens[w.end - 1][1] - units.tokens[w.start][0] for w in stretch if w.end
                ),
            }
        )
    return examples, lost


def tag_units(document: Document, units: Units, schema: Schema) -> tuple[list[list[int]], list[Lost]]:
    """O, B or I per unit and label, and the spans that this can't say."""
    tags = [[OUTSIDE] * len(schema.labels) for _ in range(len(units))]
    ranges, outside = to_units(document.spans, units)
    cuts = "begins or ends inside a word"
    lost = [Lost(document.id, span, document.quote(span), cuts) for span in outside]
    index = {label: number for number, label in enumerate(schema.labels)}
    for first, stop, name in ranges:
        label = index[name]
        if any(tags[unit][label] != OUTSIDE for unit in range(first, stop)):
            span = Span(units.spans[first][0], units.spans[stop - 1][1], name)
            reason = "overlaps another span of its label"
            lost.append(Lost(document.id, span, document.quote(span), reason))
            continue
        for unit in range(first, stop):
            tags[unit][label] = BEGIN if unit == first else INSIDE
    return tags, lost


@dataclass(frozen=True, slots=True)
class Collator:
    """Examples to the keyword arguments of `fit.Learner.forward`."""

    frame: Frame
    settings: ModelSettings

    def __call__(self, examples: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """`ids`, `mask`, `pool` of `Batch`; `tags` [W, U, labels]; `documents` [W]: a window's example."""
        jobs: list[tuple[Units, Window]] = []
        owners: list[int] = []
        for number, example in enumerate(examples):
            units = Units(list(example["ids"]), [], [(first, last) for first, last in example["tokens"]])
            for window in example["windows"]:
                jobs.append((units, Window(*window)))
                owners.append(number)
        batch = make_batch(jobs, self.frame, self.settings.windows.size, self.settings.pooling)
        labels = max((len(row) for example in examples for row in example["tags"][:1]), default=0)
        tags = torch.full((len(jobs), batch.pool.shape[1], labels), IGNORED)
        answered = torch.zeros(tags.shape[:2], dtype=torch.bool)
        for index, ((_, window), owner) in enumerate(zip(jobs, owners, strict=True)):
            inner = slice(window.answer_start - window.start, window.answer_end - window.start)
            answered[index, inner] = True
            if labels and window.answer_end > window.answer_start:
                rows = examples[owner]["tags"][window.answer_start : window.answer_end]
                tags[index, inner] = torch.tensor(rows)
        return {
            "ids": torch.from_numpy(batch.ids),
            "mask": torch.from_numpy(batch.mask),
            "pool": torch.from_numpy(batch.pool),
            "tags": tags,
            "answered": answered,
            "documents": torch.tensor(owners),
            "events": torch.tensor([example["events"] for example in examples], dtype=torch.float32),
            "learn_events": torch.tensor([example["learn_events"] for example in examples]),
        }
