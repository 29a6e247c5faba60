"""The rival in `benchmarks.train_speed`: two `Trainer` runs, written as transformers' tutorials write them.

Token classification: one tag set (O, B-X, I-X), tags at the first piece of a word, all other pieces ignored.
Sequence classification: `problem_type="multi_label_classification"`, a sigmoid an event, 0.5 decides. Both:
texts cut off at 512 tokens, batches padded to the longest, shuffled; scored on dev after each epoch, the best
epoch kept; batch size, weight decay and schedule of the tutorials, learning rate and epochs as given. Words
and their pieces are ours (`infer.align`), so that no difference in F1 comes from them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray
from transformers import (
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
    DataCollatorForTokenClassification,
    DataCollatorWithPadding,
    EvalPrediction,
    PreTrainedModel,
    Trainer,
    TrainingArguments,
)

from infer.align import Units, to_span, tokenize
from infer.document import Document
from infer.model import OUTSIDE
from infer.schema import Schema
from train.targets import IGNORED, tag_units

LENGTH = 512  # tokens, special ones included


@dataclass(frozen=True, slots=True)
class Lesson:
    """What both runs are given."""

    backbone: str
    learnt: Sequence[Document]
    dev: Sequence[Document]
    schema: Schema
    epochs: int
    learning_rate: float
    seed: int
    batch_size: int
    bfloat16: bool


def train_spans(lesson: Lesson) -> Trainer:
    """Token classification."""
    names = ["O", *(f"{sign}-{label}" for label in lesson.schema.labels for sign in "BI")]
    tokenizer = AutoTokenizer.from_pretrained(lesson.backbone)
    model = AutoModelForTokenClassification.from_pretrained(lesson.backbone, **_named(names))
    learnt, dev = (tag_tokens(part, tokenizer, lesson.schema) for part in (lesson.learnt, lesson.dev))
    collator = DataCollatorForTokenClassification(tokenizer)
    return _train(lesson, model, learnt, dev, collator, score_tags)


def train_events(lesson: Lesson) -> Trainer:
    """Sequence classification."""
    tokenizer = AutoTokenizer.from_pretrained(lesson.backbone)
    model = AutoModelForSequenceClassification.from_pretrained(
        lesson.backbone, problem_type="multi_label_classification", **_named(lesson.schema.events)
    )
    learnt, dev = (encode_texts(part, tokenizer, lesson.schema) for part in (lesson.learnt, lesson.dev))
    return _train(lesson, model, learnt, dev, DataCollatorWithPadding(tokenizer), score_events)


def answer_spans(trainer: Trainer, documents: Sequence[Document], schema: Schema) -> list[Document]:
    """The documents with the spans that a trained tagger finds, before the cut."""
    tokenizer = trainer.data_collator.tokenizer
    found = trainer.predict(tag_tokens(documents, tokenizer, schema)).predictions.argmax(-1)
    answered = []
    for document, units, row in zip(documents, _tokenize(documents, tokenizer), found, strict=True):
        tags = [int(row[piece]) for piece in _first_pieces(units) if piece < LENGTH - 1]
        spans = (to_span(a, b, schema.labels[label], units) for a, b, label in read_tags(tags))
        answered.append(replace(document, spans=tuple(spans), events=()))
    return answered


def answer_events(trainer: Trainer, documents: Sequence[Document], schema: Schema) -> list[Document]:
    """The documents with the events that a trained classifier finds."""
    rows = encode_texts(documents, trainer.data_collator.tokenizer, schema)
    chosen = trainer.predict(rows).predictions > 0  # a sigmoid above 0.5
    return [
        replace(document, spans=(), events=tuple(e for e, yes in zip(schema.events, row, strict=True) if yes))
        for document, row in zip(documents, chosen, strict=True)
    ]


def tag_tokens(documents: Sequence[Document], tokenizer: Any, schema: Schema) -> Dataset:
    """Token ids with a tag at each word's first piece; of overlapping spans the last label stands."""
    rows = []
    for document, units in zip(documents, _tokenize(documents, tokenizer), strict=True):
        labels = [IGNORED] * (len(units.ids) + 2)
        for piece, row in zip(_first_pieces(units), tag_units(document, units, schema)[0], strict=True):
            if labels[piece] == IGNORED:  # else a piece of two words, which has the first one's tag
                labels[piece] = max(2 * label + tag if tag != OUTSIDE else 0 for label, tag in enumerate(row))
        ids = [tokenizer.cls_token_id, *units.ids[: LENGTH - 2], tokenizer.sep_token_id]
        labels = [*labels[: len(ids) - 1], IGNORED]
        rows.append({"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels})
    return Dataset.from_list(rows)


def encode_texts(documents: Sequence[Document], tokenizer: Any, schema: Schema) -> Dataset:
    """Token ids with a one or a zero for each event."""
    encoded = tokenizer([document.text for document in documents], truncation=True, max_length=LENGTH)
    events = [[float(event in document.events) for event in schema.events] for document in documents]
    return Dataset.from_dict({**encoded, "labels": events})


def read_tags(tags: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """First word, stop and label of each span; an I that continues nothing begins one."""
    first, open_label = 0, None
    for index, tag in enumerate([*tags, 0]):
        label, inside = (tag - 1) // 2 if tag else None, tag > 0 and tag % 2 == 0
        if open_label is not None and not (inside and label == open_label):
            yield first, index, open_label
            open_label = None
        if label is not None and open_label is None:
            first, open_label = index, label


def score_tags(found: EvalPrediction) -> dict[str, float]:
    """Micro-F1 of the spans of dev, as seqeval counts them."""
    hits = guesses = golds = 0
    for logits, labels in zip(found.predictions, found.label_ids, strict=True):
        words = labels != IGNORED
        gold, guess = (set(read_tags(row[words].tolist())) for row in (labels, logits.argmax(-1)))
        hits, guesses, golds = hits + len(gold & guess), guesses + len(guess), golds + len(gold)
    return {"f1": 2 * hits / max(guesses + golds, 1)}


def score_events(found: EvalPrediction) -> dict[str, float]:
    """Micro-F1 of the events of dev."""
    gold: NDArray[Any] = np.asarray(found.label_ids) > 0.5
    guess: NDArray[Any] = np.asarray(found.predictions) > 0
    return {"f1": 2 * float((gold & guess).sum()) / max(float(gold.sum() + guess.sum()), 1)}


def _named(names: Sequence[str]) -> dict[str, Mapping[Any, Any]]:
    return {"id2label": dict(enumerate(names)), "label2id": {name: n for n, name in enumerate(names)}}


def _tokenize(documents: Sequence[Document], tokenizer: Any) -> list[Units]:
    return tokenize([document.text for document in documents], tokenizer)


def _first_pieces(units: Units) -> list[int]:
    """Where each word's first piece stands behind the opening token."""
    return [first + 1 for first, _ in units.tokens]


def _train(
    lesson: Lesson, model: PreTrainedModel, learnt: Dataset, dev: Dataset, collator: Any, scores: Any
) -> Trainer:
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model=model,
            args=TrainingArguments(
                output_dir=folder,
                learning_rate=lesson.learning_rate,
                per_device_train_batch_size=lesson.batch_size,
                per_device_eval_batch_size=lesson.batch_size,
                num_train_epochs=lesson.epochs,
                weight_decay=0.01,
                eval_strategy="epoch",
                save_strategy="epoch",
                load_best_model_at_end=True,
                metric_for_best_model="f1",
                bf16=lesson.bfloat16,
                use_cpu=True,
                seed=lesson.seed,
                report_to="none",
                disable_tqdm=True,
            ),
            train_dataset=learnt,
            eval_dataset=dev,
            data_collator=collator,
            compute_metrics=scores,
        )
        trainer.train()
    return trainer
