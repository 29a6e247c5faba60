"""`python -m benchmarks.scale --model MODEL`: does an article, or a token, cost more among many?

    articles   `python -m infer` over more and more articles: with a tiny model (one layer, random weights) as
               one jsonl file and as a folder of texts, so that listing, reading, keeping and writing show and
               not the network; with MODEL over fewer
    megabyte   MODEL over one article of 1 MB, and over the same sentences as ordinary articles
    training   the default recipe's `fit`, one epoch over more and more annotated articles

Articles are recombined from the inbox's sentences by a fixed seed: a smaller set is the beginning of a larger
one. Every measurement is a process of its own; its start (a run over one article, the quickest of three) is
taken off its time, and peak memory is the process's. On a machine that others use take `--clock cpu` and
`OMP_NUM_THREADS=1`. What is measured is kept in `--output`; table and plot show all that is there.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

PARTS = ("articles", "megabyte", "training")
LAYOUTS = ("jsonl", "folder")
MEGABYTE = 2**20
STARTS = (1, 1, 1)  # runs over one article
TINY = "tiny model"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cost:
    """What so many articles took; `units` (articles or tokens) are what a rate is told in."""

    articles: int
    units: int
    seconds: float
    megabytes: float


def main() -> None:
    """Measure the parts asked for, print the tables, draw the plot."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale")
    add = parser.add_argument
    add("--model", type=Path, help="a model folder; without it only the tiny model extracts")
    add("--parts", nargs="+", choices=PARTS, default=PARTS)
    add(
        "--layouts", nargs="*", choices=LAYOUTS, default=LAYOUTS, help="of the tiny model's articles; or none"
    )
    add("--sizes", type=int, nargs="+", default=(1_000, 10_000, 100_000), help="articles, tiny model")
    add("--model-sizes", type=int, nargs="+", default=(300, 1_000, 3_000), help="articles, MODEL")
    add("--train-sizes", type=int, nargs="+", default=(50, 100, 200), help="annotated articles")
    add("--words", type=int, default=30, help="of an article at least (%(default)s)")
    add("--engine", choices=("torch", "onnx"), default="onnx")
    add("--clock", choices=("wall", "cpu"), default="wall")
    add("--output", type=Path, default=Path("runs/scale.json"))
    add("--plot", type=Path, default=Path("docs/scale.png"))
    options = parser.parse_args()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    found = json.loads(options.output.read_text(encoding="utf-8")) if options.output.is_file() else {}
    for name, costs in measure(options):
        found[name] = {
            "unit": "token" if name == "training" else "article",
            "clock": options.clock,
            "costs": [asdict(cost) for cost in costs],
        }
        options.output.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print_tables(found)
    plot(found, options.plot)
    print(f"plot -> {options.plot}")


def measure(options: argparse.Namespace) -> Iterator[tuple[str, list[Cost]]]:
    """Every series of measurements by its name, as soon as it is there."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        if "articles" in options.parts:
            tiny = run_alone(make_tiny, scratch / "tiny") if options.layouts else Path()
            for layout in options.layouts:
                yield f"{TINY}, {layout}", extract_sizes(tiny, options.sizes, layout, options, scratch)
            if options.model:
                yield (
                    "MODEL, jsonl",
                    extract_sizes(options.model, options.model_sizes, "jsonl", options, scratch),
                )
        if "megabyte" in options.parts and options.model:
            yield "1 MB of text, MODEL", extract_megabyte(options, scratch)
        if "training" in options.parts:
            yield "training", [run_alone(train, size, options.clock) for size in options.train_sizes]


def extract_sizes(
    model: Path, sizes: Sequence[int], layout: str, options: argparse.Namespace, scratch: Path
) -> list[Cost]:
    """The costs of extracting from so many articles, each size from the start."""
    costs = []
    for size in (*STARTS, *sizes):
        inputs = write_articles(islice(compose(options.words), size), layout, scratch / f"{layout}-{size}")
        seconds, megabytes = run_infer(model, inputs, options)
        print(
            f"{model.name}, {layout}, {size}: {seconds:.1f} s, {megabytes:.0f} MB",
            file=sys.stderr,
            flush=True,
        )
        costs.append(Cost(size, size, seconds, megabytes))
    return take_start_off(costs)


def extract_megabyte(options: argparse.Namespace, scratch: Path) -> list[Cost]:
    """The same sentences as many articles and as one; units are the many, for both."""
    texts: list[str] = []
    for text in compose(words=200):
        texts.append(text)
        if sum(len(text.encode()) for text in texts) >= MEGABYTE:
            break
    costs = []
    for number, articles in enumerate((*[texts[:1]] * len(STARTS), texts, ["\n".join(texts)])):
        inputs = write_articles(articles, "jsonl", scratch / f"megabyte-{number}")
        costs.append(Cost(len(articles), len(texts), *run_infer(options.model, inputs, options)))
    return take_start_off(costs)


def take_start_off(costs: Sequence[Cost]) -> list[Cost]:
    """All but the first, which are starts, without the quickest start's time."""
    start = min(cost.seconds for cost in costs[: len(STARTS)])
    return [Cost(c.articles, c.units, c.seconds - start, c.megabytes) for c in costs[len(STARTS) :]]


def compose(words: int) -> Iterator[str]:
    """Articles without end, of at least so many words each, out of the inbox's sentences."""
    from infer.document import Document
    from infer.reading import read_documents

    documents = (item for item in read_documents(["annotations/inbox"]) if isinstance(item, Document))
    found = (sentence.strip() for d in documents for sentence in re.split(r"(?<=[.!?…])\s+", d.text))
    sentences = [(sentence, len(sentence.split())) for sentence in found if " " in sentence]
    chance = random.Random(13)
    while True:
        text, left = [], words
        while left > 0:
            sentence, length = chance.choice(sentences)
            text.append(sentence)
            left -= length
        yield " ".join(text)


def write_articles(texts: Iterable[str], layout: str, place: Path) -> Path:
    """One jsonl file, or a folder of texts, a hundred in each subfolder."""
    if layout == "jsonl":
        path = place.with_suffix(".jsonl")
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
        return path
    for number, text in enumerate(texts):
        path = place / f"{number // 100:04}" / f"{number % 100:02}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return place


def run_infer(model: Path, inputs: Path, options: argparse.Namespace) -> tuple[float, float]:
    """Seconds and peak megabytes of the command."""
    with tempfile.TemporaryDirectory() as output:
        command = [
            "infer",
            str(inputs),
            "--model",
            str(model),
            "--output",
            output,
            "--engine",
            options.engine,
        ]
        before = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - before
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"python -m {' '.join(command)} ended with {process.returncode}")
    seconds = usage.ru_utime + usage.ru_stime if options.clock == "cpu" else wall
    return seconds, usage.ru_maxrss / 1024  # Linux counts in KiB


def run_alone(function: Callable[..., T], *arguments: object) -> T:
    """What a function returns, in a process of its own: a child's peak begins with that of its parent."""
    with get_context("spawn").Pool(1) as process:
        return process.apply(function, arguments)


def make_tiny(folder: Path) -> Path:
    """A model folder with the embedded backbone's tokenizer that finds about as many spans as people mark."""
    import torch
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    from infer import bundle as bundles
    from infer.config import RunSettings
    from infer.extractor import Extractor
    from infer.schema import read_schema
    from train.config import TrainConfig

    config = TrainConfig()
    torch.manual_seed(0)
    shape = AutoConfig.from_pretrained(
        config.backbone, num_hidden_layers=1, hidden_size=128, num_attention_heads=2, intermediate_size=128
    )
    backbone = folder.with_name("tiny-backbone")
    AutoModel.from_config(shape).save_pretrained(backbone)
    AutoTokenizer.from_pretrained(config.backbone).save_pretrained(backbone)
    schema = read_schema(config.data.labeling_config)
    bundle = bundles.start(
        str(backbone), schema, config.model_settings("word", overlapping=False, half_pairs=False)
    )
    torch.nn.init.normal_(bundle.model.span_head.weight, std=0.1)
    with torch.no_grad():
        bundle.model.span_head.bias.copy_(torch.tensor([3.0, 0.0, 0.0]).repeat(len(schema.labels)))
    bundles.save(bundle, folder)
    Extractor.load(folder, RunSettings(engine="onnx"))  # exports it, which is no part of a run
    return folder


def train(articles: int, clock: str) -> Cost:
    """Fit the default recipe for one epoch; units are the tokens learnt from."""
    from benchmarks.backbones import count_tokens
    from infer.memory import keep_memory
    from train.config import load_config
    from train.fit import fit
    from train.recipe import read_training, split_training

    keep_memory()
    changes = [f"data.limit={articles}", "fit.epochs=1", "fit.min_steps=1"]
    config = load_config(Path("configs/default.yaml"), changes)
    schema, _, documents = read_training(config)
    learnt, dev = split_training(documents, config)
    now = time.process_time if clock == "cpu" else time.perf_counter
    before = now()
    with tempfile.TemporaryDirectory() as folder:
        fitted = fit(learnt, dev, schema, config, Path(folder))
    seconds = now() - before
    tokens = count_tokens(learnt, fitted.bundle.tokenizer)
    return Cost(len(learnt), tokens, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


Found = Mapping[str, Mapping[str, object]]


def print_tables(found: Found) -> None:
    """A line a measurement, with the ratios to the first of its series."""
    print(f"{'':24}{'articles':>9}{'seconds':>10}{'a second':>11}{'ratio':>7}{'peak MB':>9}{'ratio':>7}")
    for name, series in found.items():
        costs = read_costs(series)
        for cost in costs:
            rate, first = cost.units / cost.seconds, costs[0].units / costs[0].seconds
            memory = cost.megabytes / costs[0].megabytes
            print(
                f"{name:24}{cost.articles:9,}{cost.seconds:10.1f}{rate:11,.1f}{rate / first:7.2f}"
                f"{cost.megabytes:9,.0f}{memory:7.2f}  {series['unit']}s, {series['clock']} clock"
            )


def plot(found: Found, path: Path) -> None:
    """Rates and peak memory beside those of the smallest size, by number of articles."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    for name, series in found.items():
        costs = read_costs(series)
        if name.startswith("1 MB"):
            continue
        sizes = [cost.articles for cost in costs]
        rates = [cost.units / cost.seconds for cost in costs]
        panels[0].plot(sizes, [rate / rates[0] for rate in rates], "o-", label=name)
        panels[1].plot(sizes, [cost.megabytes / costs[0].megabytes for cost in costs], "o-", label=name)
    for axes, title in zip(panels, ("articles (training: tokens) a second", "peak memory"), strict=True):
        axes.set_title(f"{title}, smallest size = 1", fontsize=10)
        axes.set_xscale("log")
        axes.set_ylim(0, 1.6)
        axes.set_xlabel("articles")
        axes.grid(alpha=0.3)
    panels[0].legend(loc="lower left", fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def read_costs(series: Mapping[str, object]) -> list[Cost]:
    """The measurements of a series as they were kept."""
    costs = series["costs"]
    assert isinstance(costs, list)
    return [Cost(**cost) for cost in costs]


if __name__ == "__main__":
    main()
