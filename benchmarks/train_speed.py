"""`python -m benchmarks.train_speed`: the default recipe beside the two `Trainer` runs of the tutorials.

    recipe          spans and events with one encoder: `train.fit.fit`, which warms the heads, takes dev
                    scores and calibrates; all of that is in its time
    tutorial        token classification, then sequence classification, as transformers' tutorials have
                    them (`benchmarks.tutorial`), in float32
    tutorial-bf16   the same with `bf16=True`

Backbone, annotations, dev split, seed, epochs and learning rate are the same; nobody stops early. Every run
is a process of its own, one after another. Its time goes from the backbone's loading to the model that is
kept; imports aren't in it, nor the scoring of the held-out articles, which is the same for all.
The tutorials cut texts at 512 tokens, in training and on the held-out articles, which costs them what is
marked behind the cut; the recipe reads all. Tokens a second are those of the uncut texts, without padding,
times epochs, over the time for both tasks. On a machine that others use take `--clock cpu --threads 1`.

`--profile` tells instead where the recipe's time goes (`benchmarks.step_profile`).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from infer.document import Document

CONTENDERS = ("recipe", "tutorial", "tutorial-bf16")


@dataclass(frozen=True, slots=True)
class Run:
    """What a process has trained: seconds, peak megabytes, its answers on the held-out articles."""

    tokens: int  # of the articles learnt from, times epochs
    seconds: float
    megabytes: float
    answers: Sequence[Document]


def main() -> None:
    """Train every contender, print the table; or profile the recipe."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train_speed")
    add = parser.add_argument
    add("--config", type=Path, default=Path("configs/default.yaml"))
    add("--epochs", type=int, help="of everyone (the config's)")
    add("--limit", type=int, help="so many annotated articles, drawn by the seed (all)")
    add("--threads", type=int, default=os.cpu_count())
    add("--clock", choices=("wall", "cpu"), default="wall")
    add("--contenders", nargs="+", choices=CONTENDERS, default=("recipe", "tutorial"))
    add("--tutorial-batch", type=int, default=16, help="articles a step of the tutorials (%(default)s)")
    add("--output", type=Path, help="a JSON file for the figures")
    add("--profile", action="store_true", help="where the recipe's time goes, instead")
    options = parser.parse_args()
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(options.threads))
    os.environ |= {"TRANSFORMERS_VERBOSITY": "error", "TOKENIZERS_PARALLELISM": "false", "TQDM_DISABLE": "1"}
    os.environ |= {"HF_DATASETS_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    if options.profile:
        with get_context("spawn").Pool(1) as process:
            process.apply(profile, (options,))
        return
    found = {name: compare(name, options) for name in options.contenders}
    print_table(found, options)
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def compare(contender: str, options: argparse.Namespace) -> dict[str, float]:
    """Time, memory and held-out F1 of one contender, of both tasks together."""
    runs = []
    for part in ("recipe",) if contender == "recipe" else ("spans", "events"):
        print(f"{contender}, {part} ..." if part != contender else f"{contender} ...", flush=True)
        with get_context("spawn").Pool(1) as process:
            runs.append(process.apply(run, (contender, part, options)))
        print(f"  {runs[-1].seconds:.1f} s, {runs[-1].megabytes:.0f} MB", flush=True)
    # The spans are the first run's, the events the last one's.
    pairs = zip(runs[0].answers, runs[-1].answers, strict=True)
    answers = [replace(spans, events=events.events) for spans, events in pairs]
    with get_context("spawn").Pool(1) as process:
        scores = process.apply(score_answers, (answers, options))
    seconds = sum(run.seconds for run in runs)
    return {
        "seconds": seconds,
        "tokens_per_second": runs[0].tokens / seconds,
        "peak_megabytes": max(run.megabytes for run in runs),
        **scores,
    }


def run(contender: str, part: str, options: argparse.Namespace) -> Run:
    """Train one model in this process and answer the held-out articles with it."""
    from benchmarks.backbones import count_tokens
    from infer.extractor import Extractor
    from train.corpus import load_corpus, strip
    from train.fit import fit
    from train.recipe import read_training, split_training

    config = load(options)
    now = time.process_time if options.clock == "cpu" else time.perf_counter
    schema, _, documents = read_training(config)
    learnt, dev = split_training(documents, config)
    heldout = strip(load_corpus(config.data.heldout, schema).documents)
    if contender == "recipe":
        from infer.memory import keep_memory

        keep_memory()  # as the command does
        started = now()
        with tempfile.TemporaryDirectory() as folder:
            bundle = fit(learnt, dev, schema, config, Path(folder)).bundle
        seconds, megabytes = now() - started, peak()
        answers = list(Extractor(bundle).extract_many(heldout))
        tokenizer: object = bundle.tokenizer
    else:
        from benchmarks import tutorial

        lesson = tutorial.Lesson(
            backbone=config.backbone,
            learnt=learnt,
            dev=dev,
            schema=schema,
            epochs=config.fit.epochs,
            learning_rate=config.fit.learning_rate,
            seed=config.seed,
            batch_size=options.tutorial_batch,
            bfloat16=contender == "tutorial-bf16",
        )
        train, answer = {
            "spans": (tutorial.train_spans, tutorial.answer_spans),
            "events": (tutorial.train_events, tutorial.answer_events),
        }[part]
        started = now()
        trainer = train(lesson)
        seconds, megabytes = now() - started, peak()
        answers = answer(trainer, heldout, schema)
        tokenizer = trainer.data_collator.tokenizer
    return Run(count_tokens(learnt, tokenizer) * config.fit.epochs, seconds, megabytes, answers)


def score_answers(answers: Sequence[Document], options: argparse.Namespace) -> dict[str, float]:
    """Strict micro-F1 on the held-out articles."""
    from infer.schema import read_schema
    from train.corpus import load_corpus
    from train.metrics import score

    config = load(options)
    schema = read_schema(config.data.labeling_config)
    scores = score(load_corpus(config.data.heldout, schema).documents, answers, schema)
    return {"span_f1": scores.spans["micro"].f1, "event_f1": scores.events["micro"].f1}


def profile(options: argparse.Namespace) -> None:
    """Print where the recipe's time goes, in this process."""
    from benchmarks.step_profile import profile as profile_steps

    profile_steps(load(options), time.process_time if options.clock == "cpu" else time.perf_counter)


def load(options: argparse.Namespace):  # type: ignore[no-untyped-def]  # importing TrainConfig takes a while
    """The recipe with the epochs asked for, whole."""
    from train.config import load_config

    config = load_config(options.config, [f"data.limit={options.limit or 'null'}"])
    epochs = options.epochs or config.fit.epochs
    whole = {"epochs": epochs, "min_steps": 1, "patience": epochs}
    return config.model_copy(update={"fit": config.fit.model_copy(update=whole)})


def peak() -> float:
    """Megabytes that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux counts in KiB


def print_table(found: Mapping[str, Mapping[str, float]], options: argparse.Namespace) -> None:
    """A line a contender; its time in times the recipe's."""
    print(f"\n{options.threads} threads, {options.clock} clock")
    heads = ("seconds", "x recipe", "tokens/s", "peak MB", "spans F1", "events F1")
    print(f"{'':14}" + "".join(f"{head:>10}" for head in heads))
    for name, figures in found.items():
        ratio = figures["seconds"] / found["recipe"]["seconds"] if "recipe" in found else float("nan")
        print(
            f"{name:14}{figures['seconds']:10.1f}{ratio:10.2f}"
            f"{figures['tokens_per_second']:10,.0f}{figures['peak_megabytes']:10,.0f}"
            f"{figures['span_f1']:10.1%}{figures['event_f1']:10.1%}"
        )


if __name__ == "__main__":
    main()
