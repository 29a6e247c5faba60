"""Fine-tuning: transformers' `Trainer` on a `datasets.Dataset`, so accelerate and torchrun work unchanged.

The dev score that picks the checkpoint and stops the run is the mean of span micro-F1 and event micro-F1,
taken with the same `Extractor` that users run. The same seed, data and machine give the same model; a
killed run goes on from its last round of whole epochs with the random states it had.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from datasets import Dataset, Features, List, Value, disable_progress_bars
from datasets.fingerprint import Hasher
from torch import nn
from transformers import (
    EarlyStoppingCallback,
    PrinterCallback,
    Trainer,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    set_seed,
)
from transformers.utils import logging as hf_logging

from infer import bundle as bundles
from infer.batching import Frame
from infer.bundle import Bundle
from infer.config import RunSettings
from infer.document import Document, Span
from infer.extractor import Extractor, pick_device
from infer.model import Model
from infer.pairs import find_halves
from infer.schema import Schema
from train.calibration import fit_calibration
from train.config import TrainConfig
from train.corpus import strip
from train.learner import Learner
from train.metrics import score
from train.probe import uses_bfloat16, warm_heads
from train.progress import Progress
from train.targets import Collator, Lost, make_examples, pick_unit
from train.thresholds import choose_thresholds

CHECKPOINTS, CACHE = "checkpoints", "cache"  # of a run under way, in its folder
SLIPS = 0.01  # share of spans that may be annotated against a rule that the others follow
ROUND = 50  # least steps between dev scores, unless the run is shorter


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained model with the story of its training."""

    bundle: Bundle
    lost: list[Lost]
    curve: list[dict[str, float]]  # per round: epoch, step, dev scores
    unreached: list[str]  # a sentence for each precision asked for that dev doesn't show


def fit(
    documents: Sequence[Document],
    dev: Sequence[Document],
    schema: Schema,
    config: TrainConfig,
    folder: Path,
    resume: bool = False,
) -> Fitted:
    """Train on `documents`; `dev` decides epoch, calibration, thresholds; checkpoints go under `folder`.

    `resume`: go on from the last checkpoint there; a run killed before its first starts anew.
    """
    checkpoints = folder / CHECKPOINTS
    checkpoint = _find_checkpoint(checkpoints) if resume else None
    hf_logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # progress.py says what matters
    set_seed(config.seed)
    annotated = [*documents, *dev]
    settings = config.model_settings("word", _have_overlaps(annotated), _have_halves(annotated))
    bundle = bundles.start(config.backbone, schema, settings)
    for module in bundle.model.encoder.modules():
        if isinstance(module, nn.Dropout):
            module.p = config.fit.dropout
    unit = pick_unit(documents, bundle.tokenizer) if config.unit == "auto" else config.unit
    bundle = replace(bundle, settings=settings.model_copy(update={"unit": unit}))
    learner = Learner(bundle.model, schema.multiple, config.fit.event_weight)
    if checkpoint is None:  # else it brings warm heads along
        warm_heads(learner, bundle, documents, config)
    dataset, lost = build_dataset(documents, bundle, config.fit.max_windows, folder / CACHE)
    trainer = DevTrainer(
        model=learner,
        args=_arguments(config, checkpoints, len(dataset)),
        train_dataset=dataset,
        eval_dataset=list(dev),
        data_collator=Collator(Frame.of(bundle.tokenizer), bundle.settings),
        optimizers=(_optimizer(bundle.model, config), None),
        callbacks=[Patience(config.fit.patience), Progress()],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.bundle = bundle
    trainer.train(resume_from_checkpoint=checkpoint)
    extractor = Extractor(bundle)
    predicted = list(extractor.extract_many(strip(dev)))
    decoding = fit_calibration(dev, predicted, schema, bundle.settings.decoding)
    decoding, unreached = choose_thresholds(dev, predicted, schema, decoding, config.decoding)
    bundle = replace(bundle, settings=bundle.settings.model_copy(update={"decoding": decoding}))
    curve = [
        {key.removeprefix("eval_"): value for key, value in entry.items()}
        for entry in trainer.state.log_history
        if "eval_score" in entry
    ]
    return Fitted(bundle, lost, curve, unreached)


def _find_checkpoint(folder: Path) -> str | None:
    """The last one written whole: Trainer writes its state after all the rest."""
    whole = [state.parent for state in folder.glob("checkpoint-*/trainer_state.json") if _is_whole(state)]
    return str(max(whole, key=lambda path: int(path.name.split("-")[1]))) if whole else None


def _is_whole(state: Path) -> bool:
    try:
        return bool(json.loads(state.read_text(encoding="utf-8")))
    except ValueError:
        return False


def build_dataset(
    documents: Sequence[Document], bundle: Bundle, max_windows: int, cache: Path
) -> tuple[Dataset, list[Lost]]:
    """Examples as an Arrow file under `cache`, mapped once for the same texts, tokenizer and settings."""
    disable_progress_bars()  # it takes a second
    backend = bundle.tokenizer.backend_tokenizer.to_str()
    key = Hasher.hash((documents, bundle.schema, bundle.settings, max_windows, backend))
    cache.mkdir(parents=True, exist_ok=True)

    def examples(rows: dict[str, list[int]]) -> dict[str, list[Any]]:
        made, lost = make_examples(
            documents[rows["index"][0]], bundle.tokenizer, bundle.schema, bundle.settings, max_windows
        )
        made[0]["lost"] = [asdict(loss) for loss in lost]
        return {key: [example.get(key, []) for example in made] for key in made[0]}

    dataset = Dataset.from_dict({"index": list(range(len(documents)))}).map(
        examples,
        batched=True,
        batch_size=1,
        remove_columns=["index"],
        features=_features(len(bundle.schema.labels)),
        cache_file_name=str(cache / f"{key}.arrow"),
        new_fingerprint=key,
    )
    lost = [
        Lost(loss["document"], Span(**loss["span"]), loss["text"], loss["reason"])
        for losses in dataset["lost"]
        for loss in losses
    ]
    return dataset.remove_columns(["lost"]), lost


def _features(labels: int) -> Features:
    """Spelt out, since an empty list in the first row would otherwise decide a column's type."""
    integer, pair = Value("int32"), List(Value("int32"))
    text = Value("string")
    span = {"start": integer, "end": integer, "label": text, "score": Value("float32")}
    span["uncertain"] = Value("bool")
    return Features(
        {
            "ids": List(integer),
            "tokens": List(pair),
            "tags": List(List(Value("int8"))),
            "windows": List(List(integer)),
            "events": List(Value("int8")),
            "learn_events": Value("bool"),
            "length": integer,
            "lost": List({"document": text, "span": span, "text": text, "reason": text}),
        }
    )


class Patience(EarlyStoppingCallback):
    """Early stopping that a resumed run goes on with, even one killed when its patience had run out."""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        """Stop after the first step where nothing is left to wait for; the best checkpoint is the answer."""
        super().on_train_begin(args, state, control, **given)  # type: ignore[no-untyped-call]
        control.should_training_stop = self.early_stopping_patience_counter >= self.early_stopping_patience


class DevTrainer(Trainer):
    """A Trainer whose evaluation is the users' own extractor on the dev documents."""

    bundle: Bundle
    eval_dataset: list[Document]

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Dev scores of the model as it is now."""
        predicted = list(Extractor(self.bundle, self.run_settings()).extract_many(strip(self.eval_dataset)))
        scores = score(self.eval_dataset, predicted, self.bundle.schema)
        parts = {}
        if self.bundle.schema.labels:
            parts["eval_spans"] = scores.spans["micro"].f1
        if self.bundle.schema.events:
            parts["eval_events"] = scores.events["micro"].f1
        metrics = {**parts, "eval_score": sum(parts.values()) / len(parts)}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def run_settings(self) -> RunSettings:
        """Dev scores are taken where the model is being trained."""
        return RunSettings(device=str(self.args.device))


def _arguments(config: TrainConfig, checkpoints: Path, examples: int) -> TrainingArguments:
    settings = config.fit
    epoch = ceil(examples / (settings.batch_size * PartialState().num_processes))  # steps
    device = pick_device("auto")
    bfloat16 = uses_bfloat16(settings.precision, device)
    epochs = max(settings.epochs, ceil(settings.min_steps / epoch))
    # Whole ones: a checkpoint within an epoch would lose the order of the examples that were still to come.
    together = min(ceil(ROUND / epoch), epochs)
    every = together * epoch
    arguments = TrainingArguments(
        output_dir=str(checkpoints),
        seed=config.seed,
        data_seed=config.seed,
        max_steps=ceil(epochs / together) * every,
        per_device_train_batch_size=settings.batch_size,
        warmup_steps=settings.warmup,
        lr_scheduler_type="linear",
        bf16=bfloat16,
        use_cpu=device.type == "cpu",
        train_sampling_strategy="group_by_length",
        length_column_name="length",
        remove_unused_columns=False,
        eval_strategy="steps",
        save_strategy="steps",
        eval_steps=every,
        save_steps=every,
        logging_steps=every,
        save_total_limit=1,
        load_best_model_at_end=True,
        restore_callback_states_from_checkpoint=True,  # how many rounds Patience has waited
        metric_for_best_model="score",
        greater_is_better=True,
        ddp_find_unused_parameters=True,  # an encoder's own pooler is never used
        report_to="none",
        disable_tqdm=True,  # progress.py shows it
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # DataParallel would cut documents apart; use torchrun
    return arguments


def _optimizer(model: Model, config: TrainConfig) -> torch.optim.Optimizer:
    """AdamW: heads start from nothing and learn faster; biases and norms are not decayed."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        groups.setdefault((name.startswith("encoder."), parameter.ndim > 1), []).append(parameter)
    settings = config.fit
    return torch.optim.AdamW(
        [
            {
                "params": parameters,
                "lr": settings.learning_rate if in_encoder else settings.head_learning_rate,
                "weight_decay": settings.weight_decay if is_matrix else 0.0,
            }
            for (in_encoder, is_matrix), parameters in groups.items()
        ],
        fused=True,
    )


def _have_overlaps(documents: Sequence[Document]) -> bool:
    """Whether annotators marked overlapping spans; if never, predictions don't overlap either."""
    return any(left.end > right.start for document in documents for left, right in pairwise(document.spans))


def _have_halves(documents: Sequence[Document]) -> bool:
    """Whether annotators marked half a pair of quotes or brackets, more often than by mistake."""
    halves = [bool(find_halves(document.quote(span))) for document in documents for span in document.spans]
    return sum(halves) > SLIPS * len(halves)
