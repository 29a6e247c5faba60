"""The recipe: load, fit, save, reload, evaluate, report.

A run folder `runs/<name>` ends up with model/, metrics.json, report.html, manifest.json and README.md;
`runs/latest` links to the newest that the command finished. Checkpoints live there only while the run does.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from accelerate import PartialState

from infer import bundle as bundles
from infer.document import Document
from infer.extractor import Extractor, pick_device
from infer.labelstudio import LabelStudioError
from infer.schema import Schema, read_schema
from train.card import model_card
from train.config import TrainConfig
from train.corpus import Corpus, load_corpus, near_duplicates, split_dev
from train.evaluation import evaluate
from train.fit import CACHE, CHECKPOINTS, fit
from train.html import Report, render
from train.provenance import describe, digest, digest_backbone, environment
from train.reliability import measure_reliability
from train.report import write_json, write_text

RUNS = Path("runs")


class RunError(ValueError):
    """The run folder can't be used; the message says why."""


def open_run(output: Path | None, resume: bool, name: str, trace: str = CHECKPOINTS) -> Path:
    """The run's folder: the given one or `runs/<name>`; on resume, the given or the newest unfinished one.

    `trace` is what an unfinished run has in its folder and a finished one has not.
    """
    if not resume:
        return output or RUNS / name
    unfinished = [output] if output else sorted(RUNS.glob("*"), reverse=True)
    for folder in unfinished:
        if (folder / trace).is_dir() and not folder.is_symlink():
            return folder
    raise RunError(f"{output or RUNS}: no killed run with {trace} to resume there; start without --resume")


def train(config: TrainConfig, folder: Path, resume: bool = False) -> None:
    """One run from annotations to report. Raises the modules' own errors before the first step."""
    state = start_processes()
    started, date = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
    schema, corpus, documents = read_training(config)
    heldout = load_corpus(config.data.heldout, schema)
    reprints = _find_reprints(corpus.documents, heldout.documents)
    learnt, dev = split_training(documents, config)
    if state.is_main_process:
        print(
            f"{len(learnt)} articles to learn from, {len(dev)} for dev, "
            f"{len(heldout.documents)} held out -> {folder}"
        )
    if not resume:
        shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)

    fitted = fit(learnt, dev, schema, config, folder, resume)
    if not state.is_main_process:
        return
    data: dict[str, Any] = {
        "train_documents": len(learnt),
        "dev_documents": len(dev),
        "heldout_documents": len(heldout.documents),
        "train_sha256": digest(config.data.train),
        "heldout_sha256": digest(config.data.heldout),
        "labeling_config_sha256": digest(config.data.labeling_config),
        "backbone_sha256": digest_backbone(config.backbone),
        "train": describe(documents),
        "heldout": describe(heldout.documents),
        "spans_not_learnt": len(fitted.lost),
    }
    origin = {"backbone": config.backbone, "seed": config.seed, **data}
    bundles.save(replace(fitted.bundle, origin=origin), folder / "model")

    extractor = Extractor.load(folder / "model")
    evaluation, predicted = evaluate(extractor, heldout.documents, documents)
    scores = evaluation.scores
    write_json(folder / "metrics.json", evaluation.to_dict())
    problems = [str(problem) for problem in (*corpus.problems, *heldout.problems)]
    problems += [f"{loss.document}: {loss.span.label} «{loss.text}» {loss.reason}" for loss in fitted.lost]
    manifest = {
        "name": folder.name,
        "date": date,
        "config": config.model_dump(mode="json"),
        "labels": schema.labels,
        "events": schema.events,
        "settings": fitted.bundle.settings.model_dump(mode="json"),
        "data": data,
        "problems": reprints + problems,
        "unreached": fitted.unreached,
        "warnings": evaluation.warnings(),
        "curve": fitted.curve,
        "environment": environment(),
        "seconds": round(time.monotonic() - started),
        "scores": {
            "span_f1": scores.spans["micro"].f1,
            "entity_f1": scores.entities["micro"].f1,
            "event_f1": scores.events["micro"].f1,
        },
    }
    write_json(folder / "manifest.json", manifest)
    write_text(folder / "README.md", model_card(scores, manifest, reprints + problems))
    decoding = extractor.bundle.settings.decoding
    report = Report(
        f"Vizitka: отчёт о прогоне {folder.name}",
        schema,
        heldout.documents,
        predicted,
        evaluation,
        measure_reliability(heldout.documents, predicted, schema, decoding),
        fitted.curve,
        manifest,
        reprints + fitted.unreached,
        problems,
    )
    write_text(folder / "report.html", render(report))
    shutil.rmtree(folder / CHECKPOINTS)
    shutil.rmtree(folder / CACHE)
    print(evaluation.summary())
    for sentence in fitted.unreached:
        print(sentence)
    if reprints + problems:
        print(f"{len(reprints + problems)} annotations not used as they stand -> {folder / 'manifest.json'}")
    print(f"model  -> {folder / 'model'}\nreport -> {folder / 'report.html'}")


def read_training(config: TrainConfig) -> tuple[Schema, Corpus, list[Document]]:
    """The schema, the training export, and the documents of it that the config wants learnt."""
    schema = read_schema(config.data.labeling_config)
    corpus = load_corpus(config.data.train, schema, config.data.annotators)
    documents = corpus.documents
    if config.data.limit:
        # Shuffled whole, so that a smaller limit draws a part of what a larger one draws.
        documents = random.Random(config.seed).sample(documents, len(documents))[: config.data.limit]
    return schema, corpus, documents


def split_training(
    documents: Sequence[Document], config: TrainConfig
) -> tuple[list[Document], list[Document]]:
    """Documents to learn from and dev documents. Raises LabelStudioError when there are too few."""
    try:
        return split_dev(documents, config.data.dev_fraction, config.seed)
    except ValueError as error:
        raise LabelStudioError(f"{config.data.train}: {error}") from None


def _find_reprints(documents: Sequence[Document], heldout: Sequence[Document]) -> list[str]:
    """Held-out articles that training has seen in nearly the same words: their scores flatter."""
    groups = near_duplicates([document.text for document in (*heldout, *documents)])
    seen = {group: document.id for group, document in zip(groups[len(heldout) :], documents, strict=True)}
    return [
        f"held-out {document.id} is a near-duplicate of training article {seen[group]}: take one of them out"
        for group, document in zip(groups, heldout, strict=False)
        if group in seen
    ]


def start_processes() -> PartialState:
    """What this process is among those of the run."""
    return PartialState(cpu=pick_device("auto").type == "cpu")


def link_latest(folder: Path) -> None:
    """Point `runs/latest` at a run folder; where that can't be done, at nothing, never at an older run."""
    link = RUNS / "latest"
    try:
        RUNS.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)  # first, since Windows replaces no link to a folder
        link.symlink_to(os.path.relpath(folder, RUNS), target_is_directory=True)
    except (OSError, ValueError) as error:  # Windows lets few users make links, and none to another drive
        print(f"{link} can't be made ({error}); name the model instead: --model {folder / 'model'}")
