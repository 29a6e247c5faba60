"""`python -m benchmarks.backbones BACKBONE ...`: what an encoder is worth, and what it costs.

BACKBONE is a folder, a hub name or `random` (rubert-mini's shape, random weights). Each is fine-tuned by the
default recipe on so many articles, of NEREL (its seven flat types of `LABELS`, outermost spans; checkpoint
by its dev part, scores on its test part) or of our own (dev out of the training articles, scores on the
held-out ones), in a process of its own, so that peak memory is its own too. Finished measurements are kept in
`--output` and not repeated. slovnet's PER on the same NEREL articles stands below the table.

Speeds are the tokens of the articles themselves a second, fine-tuning and extracting, on one machine in one
run: compare them with each other only, and on a machine that others use take `--clock cpu --threads 1`.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean

import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer

from benchmarks.nerel import flatten, run_slovnet
from infer.document import Document
from infer.extractor import Extractor
from infer.memory import keep_memory
from infer.schema import Schema, read_schema
from train.config import TrainConfig, load_config
from train.corpus import load_corpus, split_dev, strip
from train.fit import fit
from train.metrics import score
from train.nerel import read_brat
from train.provenance import digest_backbone

LABELS = ("PERSON", "ORGANIZATION", "PROFESSION", "COUNTRY", "STATE_OR_PROVINCE", "CITY", "EVENT")
MINI = Path("models/rubert-mini")


@dataclass(frozen=True, slots=True)
class Task:
    """One measurement: which encoder, which corpus, how many articles of it (None: all), which seed.

    `weights` is the digest of the encoder's folder, so that one made anew is measured anew.
    """

    backbone: str
    corpus: str
    articles: int | None
    seed: int
    weights: str | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """Strict micro-F1 with its bootstrap interval; speeds in tokens a second, sizes in MB."""

    task: Task
    spans: float
    interval: tuple[float, float]
    events: float | None
    training_speed: float
    inference_speed: float
    megabytes: float
    peak_megabytes: float


def main() -> None:
    """Measure what is missing and print one table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backbones")
    parser.add_argument("backbones", nargs="+", metavar="BACKBONE")
    parser.add_argument("--nerel", type=Path, help="unpacked corpus with train, dev and test")
    parser.add_argument("--nerel-articles", type=int, nargs="*", default=[150, 0], help="0: all of them")
    parser.add_argument("--own-articles", type=int, nargs="*", default=[50, 0], help="0: all of them")
    parser.add_argument("--seeds", type=int, nargs="+", default=[13])
    parser.add_argument("--threads", type=int, help="of the processor; all of them when not given")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--output", type=Path, default=Path("runs/backbones.jsonl"))
    options = parser.parse_args()
    corpora = [("nerel", count) for count in options.nerel_articles if options.nerel]
    corpora += [("own", count) for count in options.own_articles]
    tasks = [
        Task(backbone, corpus, count or None, seed, digest_backbone(backbone))
        for corpus, count in corpora
        for seed in options.seeds
        for backbone in options.backbones
    ]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    done = read_measurements(options.output)
    for task in tasks:
        if task not in done:
            with get_context("spawn").Pool(1) as process:
                done[task] = process.apply(measure, (task, options.nerel, options.threads, options.clock))
            with options.output.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(done[task])) + "\n")
    print_table([done[task] for task in tasks])
    if options.nerel and find_spec("slovnet") and find_spec("natasha"):
        person = Schema(("PERSON",), ())
        test = [flatten(document, person.labels) for document in read_brat(options.nerel / "test")]
        found = [flatten(document, person.labels) for document in run_slovnet(test)]
        print(f"slovnet, PER on NEREL's test articles: {score(test, found, person).spans['PERSON'].f1:.1%}")


def measure(task: Task, nerel: Path | None, threads: int | None, clock: str) -> Measurement:
    """Fine-tune, score and time one encoder."""
    now = time.process_time if clock == "cpu" else time.perf_counter
    keep_memory()
    if threads:
        torch.set_num_threads(threads)
    print(f"{task}", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        backbone = task.backbone
        if backbone == "random":
            backbone = make_random(Path(scratch) / "random")
        config = load_config(Path("configs/default.yaml"), [f"backbone={backbone}", f"seed={task.seed}"])
        learnt, dev, test, schema = (
            read_nerel(task, nerel) if task.corpus == "nerel" else read_own(task, config)
        )
        started = now()
        fitted = fit(learnt, dev, schema, config, Path(scratch))
        seconds = now() - started
    tokenizer = fitted.bundle.tokenizer
    started = now()
    predicted = list(Extractor(fitted.bundle).extract_many(strip(test)))
    inference = count_tokens(test, tokenizer) / (now() - started)
    scores = score(test, predicted, schema)
    weights = sum(parameter.numel() for parameter in fitted.bundle.model.encoder.parameters())
    return Measurement(
        task=task,
        spans=scores.spans["micro"].f1,
        interval=scores.spans["micro"].f1_interval,
        events=scores.events["micro"].f1 if schema.events else None,
        training_speed=fitted.curve[-1]["epoch"] * count_tokens(learnt, tokenizer) / seconds,
        inference_speed=inference,
        megabytes=2 * weights / 1e6,  # in half precision, as shipped
        peak_megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    )


Corpus = tuple[Sequence[Document], Sequence[Document], Sequence[Document], Schema]


def read_nerel(task: Task, folder: Path | None) -> Corpus:
    """Train, dev and test with the outermost spans of seven types."""
    assert folder is not None
    parts = [
        [flatten(document, LABELS) for document in read_brat(folder / name)]
        for name in ("train", "dev", "test")
    ]
    return draw(parts[0], task), parts[1], parts[2], Schema(LABELS, ())


def read_own(task: Task, config: TrainConfig) -> Corpus:
    """Our training articles without dev, dev, and the held-out ones."""
    schema = read_schema(config.data.labeling_config)
    documents = draw(load_corpus(config.data.train, schema, config.data.annotators).documents, task)
    learnt, dev = split_dev(documents, config.data.dev_fraction, task.seed)
    return learnt, dev, load_corpus(config.data.heldout, schema).documents, schema


def draw(documents: Sequence[Document], task: Task) -> list[Document]:
    """So many articles, the fewer among the more."""
    shuffled = random.Random(task.seed).sample(documents, len(documents))
    return shuffled[: task.articles]


def make_random(folder: Path) -> str:
    """rubert-mini's architecture and tokenizer with weights that nobody trained."""
    torch.manual_seed(0)
    AutoModel.from_config(AutoConfig.from_pretrained(MINI)).save_pretrained(folder)
    AutoTokenizer.from_pretrained(MINI).save_pretrained(folder)
    return str(folder)


def count_tokens(documents: Sequence[Document], tokenizer: object) -> int:
    """Tokens of the texts, each counted once however windows overlap."""
    encode = tokenizer.backend_tokenizer.encode_batch  # type: ignore[attr-defined]
    return sum(len(encoding.ids) for encoding in encode([document.text for document in documents]))


def read_measurements(path: Path) -> dict[Task, Measurement]:
    """What an earlier run has measured."""
    found = {}
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            values = json.loads(line)
            task = Task(**values.pop("task"))
            found[task] = replace(Measurement(task, **values), interval=tuple(values["interval"]))
    return found


def print_table(rows: Sequence[Measurement]) -> None:
    """A line a measurement, and one for the mean of several seeds, its interval the mean of theirs."""
    print(
        f"{'backbone':28} {'corpus':6} {'articles':>8} {'seed':>4}  {'spans':>6} {'95%':>15} {'events':>6}"
        f"  {'train tok/s':>11} {'infer tok/s':>11}  {'MB':>5} {'peak MB':>7}"
    )
    groups: dict[Task, list[Measurement]] = {}
    for row in rows:
        groups.setdefault(replace(row.task, seed=0), []).append(row)
    for group in groups.values():
        for row in group:
            _print_line(row, str(row.task.seed))
        if len(group) > 1:
            _print_line(average(group), "mean")


def average(rows: Sequence[Measurement]) -> Measurement:
    """The mean of measurements that differ in their seed."""
    lows, highs = zip(*(row.interval for row in rows), strict=True)
    events = [row.events for row in rows if row.events is not None]
    means = {
        name: fmean(getattr(row, name) for row in rows)
        for name in ("spans", "training_speed", "inference_speed", "megabytes", "peak_megabytes")
    }
    interval = (fmean(lows), fmean(highs))
    return replace(rows[0], interval=interval, events=fmean(events) if events else None, **means)


def _print_line(row: Measurement, seed: str) -> None:
    low, high = row.interval
    events = f"{row.events:6.1%}" if row.events is not None else ""
    print(
        f"{row.task.backbone[-28:]:28} {row.task.corpus:6} {row.task.articles or 'all':>8}"
        f" {seed:>4}  {row.spans:6.1%} {low:6.1%} - {high:6.1%} {events:>6}"
        f"  {row.training_speed:11,.0f} {row.inference_speed:11,.0f}"
        f"  {row.megabytes:5.1f} {row.peak_megabytes:7,.0f}"
    )


if __name__ == "__main__":
    main()
