"""Cross-validation over the training annotations: how far scores depend on the articles learnt from.

Near-duplicates are in one fold, and each article is predicted once, by a model that hasn't seen it. A run
folder ends up with folds.json, predictions.jsonl (out-of-fold answers in the contract's records, in the
export's order) and manifest.json; until then `folds/<number>/` holds what is done, and a killed run goes on
from there. The held-out annotations take no part.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import GroupKFold

from infer import bundle as bundles
from infer.document import Document
from infer.extractor import Extractor
from infer.labelstudio import LabelStudioError
from infer.schema import Schema
from train.config import TrainConfig
from train.corpus import near_duplicates
from train.evaluation import predict
from train.fit import CACHE, CHECKPOINTS, fit
from train.metrics import figures, summarize
from train.predictions import PREDICTIONS, read_answers, write_answers
from train.provenance import digest, environment
from train.recipe import read_training, split_training, start_processes
from train.report import score_table, write_json
from train.scores import Scores
from train.tally import tally

FOLDS = "folds"
HEADLINES = ("spans.micro.f1", "spans.macro_f1", "entities.micro.f1", "events.micro.f1", "events.exact")


@dataclass(frozen=True, slots=True)
class Spread:
    """One figure over the folds: mean, standard deviation (of a sample, n - 1), and each fold's value."""

    mean: float
    deviation: float
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Folds:
    """`pooled` scores all articles together, each predicted by the model of the fold that had it apart."""

    folds: tuple[tuple[str, ...], ...]  # ids of the articles that each fold predicts
    figures: Mapping[str, Spread]
    pooled: Scores

    def to_dict(self) -> dict[str, Any]:
        """What `folds.json` holds."""
        return {
            "folds": [list(fold) for fold in self.folds],
            "figures": {name: asdict(spread) for name, spread in self.figures.items()},
            "pooled": self.pooled.to_dict(),
        }


def cross_validate(config: TrainConfig, folder: Path, count: int, resume: bool = False) -> None:
    """Train `count` models, score each on its own fold and all together, write the run folder."""
    state = start_processes()
    started, date = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
    schema, _, documents = read_training(config)
    try:
        folds = split_folds(documents, count, config.seed)
    except ValueError as error:
        raise LabelStudioError(f"{config.data.train}: {error}") from None
    parts = [folder / FOLDS / str(number) for number in range(1, count + 1)]
    if not resume and state.is_main_process:
        shutil.rmtree(folder / FOLDS, ignore_errors=True)
    state.wait_for_everyone()
    done = [_has_answers(part / PREDICTIONS, fold) for part, fold in zip(parts, folds, strict=True)]
    for number, (part, fold) in enumerate(zip(parts, folds, strict=True), 1):
        if done[number - 1]:
            continue
        apart = {document.id for document in fold}
        learnt, dev = split_training([document for document in documents if document.id not in apart], config)
        if state.is_main_process:
            print(
                f"fold {number} of {count}: {len(learnt)} articles to learn from, {len(dev)} for dev, "
                f"{len(fold)} to predict -> {part}"
            )
        fitted = fit(learnt, dev, schema, config, part, resume)
        if state.is_main_process:
            bundles.save(fitted.bundle, part / "model")
            answers = predict(Extractor.load(part / "model"), fold)
            write_answers(part / PREDICTIONS, answers)
            for name in ("model", CHECKPOINTS, CACHE):
                shutil.rmtree(part / name)
    if not state.is_main_process:
        return
    answered = [read_answers(part / PREDICTIONS) for part in parts]
    result = measure_folds(folds, answered, schema)
    by_id = {document.id: document for answers in answered for document in answers}
    write_answers(folder / PREDICTIONS, [by_id[document.id] for document in documents])
    write_json(folder / "folds.json", result.to_dict())
    manifest = {
        "name": folder.name,
        "date": date,
        "config": config.model_dump(mode="json"),
        "data": {"train_documents": len(documents), "train_sha256": digest(config.data.train)},
        "environment": environment(),
        "seconds": round(time.monotonic() - started),
    }
    write_json(folder / "manifest.json", manifest)
    shutil.rmtree(folder / FOLDS)
    print(folds_table(result))
    print(f"scores      -> {folder / 'folds.json'}\npredictions -> {folder / PREDICTIONS}")


def split_folds(documents: Sequence[Document], count: int, seed: int) -> list[list[Document]]:
    """The documents in `count` folds of about equally many groups of near-duplicates. Raises ValueError."""
    groups = near_duplicates([document.text for document in documents])
    if not 2 <= count <= len(set(groups)):
        raise ValueError(
            f"{count} folds can't be made of {len(set(groups))} different annotated articles; "
            "take at least 2 folds and at most as many as there are articles"
        )
    splitter = GroupKFold(n_splits=count, shuffle=True, random_state=seed)
    return [[documents[i] for i in fold] for _, fold in splitter.split(documents, groups=groups)]


def measure_folds(
    folds: Sequence[Sequence[Document]], answers: Sequence[Sequence[Document]], schema: Schema
) -> Folds:
    """Each figure's spread over the folds that have it, and the scores of all answers together."""
    values: dict[str, list[float]] = {}
    for gold, predicted in zip(folds, answers, strict=True):
        counted = tally(gold, predicted, schema)
        for name, value in figures(counted, np.ones((1, len(gold)), dtype=np.int64)).items():
            values.setdefault(name, []).append(float(value[0]))
    pooled = tally(
        [document for fold in folds for document in fold],
        [document for fold in answers for document in fold],
        schema,
    )
    return Folds(
        tuple(tuple(document.id for document in fold) for fold in folds),
        {
            name: Spread(float(np.mean(found)), float(np.std(found, ddof=1)), tuple(found))
            for name, found in values.items()
            if len(found) > 1
        },
        summarize(pooled),
    )


def folds_table(result: Folds) -> str:
    """The headline figures' mean and spread, then the scores of all articles."""
    lines = [f"{'':18}   mean  deviation  folds"]
    for name in HEADLINES:
        if name not in result.figures:  # a schema of spans only, or of events only
            continue
        spread = result.figures[name]
        values = "  ".join(f"{value:.1%}" for value in spread.values)
        lines.append(f"{name:18}  {spread.mean:5.1%}  {spread.deviation:9.1%}  {values}")
    return "\n".join(
        [*lines, "all articles, each predicted by a model that hasn't seen it", score_table(result.pooled)]
    )


def _has_answers(path: Path, fold: Sequence[Document]) -> bool:
    """Whether a fold is done, for the very articles that it has now."""
    if not path.is_file():
        return False
    return [(d.id, d.text) for d in read_answers(path)] == [(d.id, d.text) for d in fold]
