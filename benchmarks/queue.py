"""`python -m benchmarks.queue`: does the queue reach a held-out F1 with fewer articles than chance does?

Active learning, simulated on the training annotations: 25 random articles are "annotated", a model learns
from them, 25 more are chosen, and so on up to 150; after each round the model is scored on the held-out
articles. Chosen at random, by the queue (`train.priority`, what `python -m train.studio queue` runs), or by
the queue's uncertainty alone, without its diversity. Each seed draws another start, which the three share,
so their differences are paired. Writes a table and a plot.

The ruler is a frozen encoder: its vectors are taken once, and each round trains new heads on them, in
seconds. It shows whether the articles chosen teach heads more than others do; scores are far below those of
the whole recipe, which also tunes the encoder, and it says nothing of how much that gains from the choice.
`--full` trains by the whole recipe each round (hours on a CPU). Articles count alike here, however long they
are; what reading them costs is told by their words, which the table has, too.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import t as student
from tqdm import tqdm

from infer import bundle as bundles
from infer.align import tokenize
from infer.config import DecodingSettings
from infer.decode import Logits, decode
from infer.document import Document
from infer.extractor import Extractor, pick_device
from infer.memory import keep_memory
from infer.model import Model
from infer.schema import Schema
from train.config import TrainConfig, load_config
from train.corpus import load_corpus, split_dev, strip
from train.fit import fit
from train.learner import Learner
from train.metrics import f1
from train.priority import choose, rank_uncertainty, weigh
from train.probe import encode, measure_loss, uses_bfloat16
from train.recipe import read_training

START, STEP, MOST = 25, 25, 150  # articles
BATCH, EPOCHS, MIN_STEPS = 2, 10, 200  # of the heads; fewer epochs leave them unready when articles are many
SPAN_RATE, EVENT_RATE = 2e-2, 4e-3  # at the first step, falling to 0; higher ones make events unsteady
PARTS = ("spans", "events")
COLOURS = {"random": "tab:gray", "queue": "tab:blue", "uncertainty alone": "tab:orange"}
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Learnt:
    """A model of one round: its logits for articles, and how to decode them."""

    answer: Callable[[Sequence[Document]], Iterable[Logits]]
    settings: DecodingSettings


Learn = Callable[[Sequence[Document], int], Learnt]  # from articles and a seed
# From articles not annotated, those that are, what was learnt from them, and a seed: what to annotate next.
Select = Callable[[Sequence[Document], Sequence[Document], Learnt, Schema, int], list[Document]]


def main() -> None:
    """Simulate, print the tables, draw the plot."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.queue")
    parser.add_argument("--config", type=Path, default=Path("configs/default.yaml"))
    parser.add_argument("--seeds", type=int, default=5, help="how many starts (%(default)s)")
    parser.add_argument("--full", action="store_true", help="train by the whole recipe")
    parser.add_argument("--plot", type=Path, default=Path("docs/queue.png"))
    options = parser.parse_args()
    keep_memory()
    config = load_config(options.config)
    schema, _, pool = read_training(config)
    heldout = load_corpus(config.data.heldout, schema).documents
    learn = Recipe(schema, config) if options.full else FrozenEncoder(schema, config, [*pool, *heldout])
    found = {name: np.zeros((options.seeds, len(range(START, MOST + 1, STEP)), 3)) for name in STRATEGIES}
    for seed in tqdm(range(options.seeds), unit=" seeds", disable=None):
        for name, curve in simulate(learn, pool, heldout, schema, seed).items():
            found[name][seed] = curve
    report(found)
    plot(found, options.plot)
    print(f"plot -> {options.plot}")


def simulate(
    learn: Learn, pool: Sequence[Document], test: Sequence[Document], schema: Schema, seed: int
) -> dict[str, Floats]:
    """By strategy, from one start: F1 of spans and events on `test`, and words annotated [rounds, 3]."""
    start = random.Random(seed).sample(list(pool), START)
    first = learn(start, seed)
    found = {}
    for name, select in STRATEGIES.items():
        annotated, learnt = start, first
        curve = [[*score(learnt, test, schema), count_words(start)]]
        while len(annotated) < MOST:
            ids = {document.id for document in annotated}
            rest = [document for document in pool if document.id not in ids]
            chosen = select(rest, annotated, learnt, schema, seed)
            annotated = [*annotated, *chosen]
            learnt = learn(annotated, seed)
            curve.append([*score(learnt, test, schema), count_words(annotated)])
        found[name] = np.array(curve)
    return found


def select_randomly(
    rest: Sequence[Document], annotated: Sequence[Document], learnt: Learnt, schema: Schema, seed: int
) -> list[Document]:
    """Any articles."""
    return random.Random(f"{seed} {len(annotated)}").sample(rest, STEP)


def select_by_queue(
    rest: Sequence[Document], annotated: Sequence[Document], learnt: Learnt, schema: Schema, seed: int
) -> list[Document]:
    """What users get."""
    candidates = [weigh(logits, schema, learnt.settings) for logits in learnt.answer(rest)]
    queue = choose(candidates, [document.text for document in annotated], STEP)
    return [queued.candidate.document for queued in queue]


def select_uncertain(
    rest: Sequence[Document], annotated: Sequence[Document], learnt: Learnt, schema: Schema, seed: int
) -> list[Document]:
    """The queue without its diversity."""
    candidates = [weigh(logits, schema, learnt.settings) for logits in learnt.answer(rest)]
    order = np.argsort(-rank_uncertainty(candidates), kind="stable")[:STEP]
    return [candidates[index].document for index in order]


STRATEGIES: dict[str, Select] = {
    "random": select_randomly,
    "queue": select_by_queue,
    "uncertainty alone": select_uncertain,
}


def count_words(documents: Sequence[Document]) -> int:
    """What annotators read."""
    return sum(len(document.text.split()) for document in documents)


def score(learnt: Learnt, gold: Sequence[Document], schema: Schema) -> list[float]:
    """Strict micro-F1 of spans and of events."""
    counts = np.zeros((2, 3), dtype=np.int64)  # hits, predicted, gold
    for truth, logits in zip(gold, learnt.answer(gold), strict=True):
        guess = decode(logits, schema, learnt.settings)
        for part, (ours, theirs) in enumerate(
            ((set(guess.spans), set(truth.spans)), (set(guess.events), set(truth.events)))
        ):
            counts[part] += len(ours & theirs), len(ours), len(theirs)
    return [float(value) for value in f1(counts)]


class FrozenEncoder:
    """Learns heads alone, on vectors of the untouched encoder that are taken once."""

    def __init__(self, schema: Schema, config: TrainConfig, documents: Sequence[Document]) -> None:
        self._device = pick_device("auto")
        self._bfloat16 = uses_bfloat16(config.fit.precision, self._device)
        self._settings = config.model_settings("word", False, False)
        self._schema, self._config = schema, config
        bundle = bundles.start(config.backbone, schema, self._settings)
        self._encoder = bundle.model.to(self._device).eval().encoder
        self._rows = {
            document.id: encode(bundle, document, self._device, self._bfloat16)
            for document in tqdm(documents, desc="Encoding", unit=" articles", disable=None)
        }
        units = tokenize([document.text for document in documents], bundle.tokenizer)
        self._units = {document.id: unit for document, unit in zip(documents, units, strict=True)}

    def __call__(self, documents: Sequence[Document], seed: int) -> Learnt:
        """Train new heads."""
        torch.manual_seed(seed)
        model = Model(self._encoder, len(self._schema.labels), len(self._schema.events)).to(self._device)
        learner = Learner(model, self._schema.multiple, self._config.fit.event_weight).train()
        heads = [pair for pair in model.named_parameters() if not pair[0].startswith("encoder.")]
        optimizer = torch.optim.AdamW(
            {"params": [parameter], "lr": SPAN_RATE if name.startswith("span_") else EVENT_RATE}
            for name, parameter in heads
        )
        rows = [self._rows[document.id] for document in documents]
        epochs = max(EPOCHS, ceil(MIN_STEPS * BATCH / len(rows)))
        batches = torch.cat([torch.randperm(len(rows)) for _ in range(epochs)]).split(BATCH)
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0, total_iters=len(batches))
        for chosen in batches:
            with self._precision():
                loss = torch.stack([measure_loss(learner, *rows[index]) for index in chosen.tolist()]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        model.eval()

        def answer(asked: Sequence[Document]) -> Iterator[Logits]:
            for document in asked:
                with torch.inference_mode(), self._precision():
                    output = model.answer(self._rows[document.id][0].unsqueeze(0))
                    events = model.pool_events(output.attention[0], output.evidence[0])
                spans = output.spans[0].float().cpu().numpy()
                yield Logits(document, self._units[document.id], spans, events.float().cpu().numpy())

        return Learnt(answer, self._settings.decoding)

    def _precision(self) -> torch.autocast:
        return torch.autocast(self._device.type, torch.bfloat16, enabled=self._bfloat16)


class Recipe:
    """Learns as `python -m train` does, a tenth of the articles being dev."""

    def __init__(self, schema: Schema, config: TrainConfig) -> None:
        self._schema, self._config = schema, config

    def __call__(self, documents: Sequence[Document], seed: int) -> Learnt:
        """Train the whole model."""
        config = self._config.model_copy(update={"seed": seed})
        learnt, dev = split_dev(documents, config.data.dev_fraction, seed)
        with TemporaryDirectory() as folder:
            bundle = fit(learnt, dev, self._schema, config, Path(folder)).bundle
        extractor = Extractor(bundle)
        return Learnt(lambda asked: extractor.answer_many(strip(asked)), bundle.settings.decoding)


def report(found: dict[str, Floats]) -> None:
    """Words and F1 by number of articles; then the area under each curve against that of random order."""
    sizes = range(START, MOST + 1, STEP)
    print(f"words annotated{'':7}" + "".join(f"{size:>8}" for size in sizes))
    for name, curves in found.items():
        print(f"  {name:20}" + "".join(f"{words:8.0f}" for words in curves[..., 2].mean(axis=0)))
    for index, part in enumerate(PARTS):
        print(f"\n{part}, F1 in %{'':8}" + "".join(f"{size:>8}" for size in sizes))
        for name, curves in found.items():
            print(f"  {name:20}" + "".join(f"{100 * f1:8.1f}" for f1 in curves[..., index].mean(axis=0)))
        for name, curves in found.items():
            if name != "random":
                gains = 100 * (measure_area(curves) - measure_area(found["random"]))[:, index]
                mean, margin = gains.mean(), measure_margin(gains)
                print(
                    f"  {name} minus random, mean over the curve: {mean:+.2f} "
                    f"(95% {mean - margin:+.2f} to {mean + margin:+.2f})"
                )
                needed = count_needed(curves[..., index], found["random"][..., index])
                print(f"    random's F1 at {MOST} articles is reached with {needed or f'more than {MOST}'}")


def measure_area(curves: Floats) -> Floats:
    """The mean height [seeds, parts] of curves [seeds, rounds, parts], by trapezoids."""
    heights: Floats = np.trapezoid(curves, axis=1) / (curves.shape[1] - 1)
    return heights


def measure_margin(values: Floats) -> Floats:
    """Half the width of the 95% interval of a mean over seeds (Student's t), along the first axis."""
    deviation = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    margin: Floats = student.ppf(0.975, len(values) - 1) * deviation
    return margin


def count_needed(curves: Floats, others: Floats) -> int | None:
    """Articles after which the mean of curves [seeds, rounds] is at the others' last, None if never."""
    goal, heights = others.mean(axis=0)[-1], curves.mean(axis=0)
    for index in range(1, len(heights)):
        before, after = heights[index - 1], heights[index]
        if after >= goal:
            share = max(0.0, (goal - before) / (after - before)) if after > before else 0.0
            return ceil(START + STEP * (index - 1 + share))
    return None


def plot(found: dict[str, Floats], path: Path) -> None:
    """Mean F1 with its 95% interval over seeds, by number of articles."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.4), layout="constrained")
    sizes = list(range(START, MOST + 1, STEP))
    for index, (part, axes) in enumerate(zip(PARTS, figure.subplots(1, 2), strict=True)):
        for name, curves in found.items():
            heights, margin = 100 * curves[..., index].mean(axis=0), 100 * measure_margin(curves[..., index])
            axes.plot(sizes, heights, "o-", color=COLOURS[name], label=name)
            axes.fill_between(sizes, heights - margin, heights + margin, color=COLOURS[name], alpha=0.12)
        axes.set_title(part)
        axes.set_xticks(sizes)
        axes.set_xlabel("annotated articles")
        axes.set_ylabel("held-out micro-F1, %")
        axes.grid(alpha=0.3)
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
