"""`python -m benchmarks.speed MODEL`: articles a second, peak memory and start-up, beside other ways.

Every contender runs in a process of its own on the same articles (the inbox and held-out texts, in turn):

    pipelines   transformers' token-classification and text-classification pipelines on the same backbone, an
                article at a time, as a user would first write them; their heads are random, for speed only
    tuned       the same sorted by length, in batches, in bfloat16 where the processor has it
    slovnet     slovnet's NER of news, which does half of the job
    torch-*, onnx-*   ours, spans and events; normal forms are a stage of its own, not in the rate

Pipelines cut off what exceeds 512 tokens, we don't. Start-up is from the start of the process to the first
answer, with the files already in the system's cache. The second table says where our time goes and, of the
float32 peak that numpy's matrix product reaches in the same process, what the network's multiplications
reach (int8 may exceed it). On a machine that others use take `--clock cpu --threads 1`: processor seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from infer.batching import Batch
    from infer.engine import UnitAnswers

RIVALS = ("pipelines", "tuned", "slovnet")
OURS = ("torch-float32", "torch-bfloat16", "onnx-float32", "onnx-int8")
BATCH = 16
Answer = Callable[[Sequence[str]], Iterable[Any]]  # texts to one answer each, in any order
Clock = Callable[[], float]


def main() -> None:
    """Measure all contenders and print the tables, or measure one (`--only`, in a process of its own)."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed")
    parser.add_argument("model", type=Path, metavar="MODEL", help="a model folder")
    parser.add_argument("--backbone", default="models/rubert-mini", help="of the pipelines (%(default)s)")
    parser.add_argument("--articles", type=int, default=300)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--contenders", nargs="+", choices=RIVALS + OURS, default=RIVALS + OURS)
    parser.add_argument("--output", type=Path, help="a JSON file for the figures")
    parser.add_argument(
        "--only", nargs=3, metavar=("CONTENDER", "ARTICLES", "STARTED"), help=argparse.SUPPRESS
    )
    options = parser.parse_args()
    if options.only:
        contender, articles, started = options.only
        texts = json.loads(Path(articles).read_text(encoding="utf-8"))
        clock = time.process_time if options.clock == "cpu" else time.perf_counter
        print(json.dumps(measure(contender, options, texts, float(started), clock)))
        return
    with tempfile.TemporaryDirectory() as folder:
        articles = Path(folder) / "articles.json"
        articles.write_text(json.dumps(read_texts(options.articles)), encoding="utf-8")
        found = {name: run_alone(name, options, articles) for name in options.contenders}
    print(f"{options.articles} articles, {options.threads} threads, {options.clock} clock\n")
    print_rates(found)
    print_stages({name: figures for name, figures in found.items() if name in OURS})
    if options.output:
        options.output.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def read_texts(count: int) -> list[str]:
    """The articles, repeated as often as it takes."""
    from infer.document import Document
    from infer.reading import read_documents

    found = read_documents(["annotations/inbox", "annotations/heldout.json"])
    return list(islice(cycle([item.text for item in found if isinstance(item, Document)]), count))


def run_alone(contender: str, options: argparse.Namespace, articles: Path) -> dict[str, Any]:
    """The figures of one contender, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.speed", str(options.model), "--backbone", options.backbone]
    command += ["--clock", options.clock, "--only", contender, str(articles)]
    environment = os.environ | dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(options.threads)
    )
    environment |= {"TRANSFORMERS_VERBOSITY": "error", "TOKENIZERS_PARALLELISM": "false", "TQDM_DISABLE": "1"}
    print(f"{contender} ...", file=sys.stderr, flush=True)
    if contender.startswith("onnx"):  # the export at a model's first use is no part of a start-up
        from infer.config import RunSettings
        from infer.extractor import Extractor

        Extractor.load(options.model, RunSettings(engine="onnx", precision=contender.split("-")[1]))
    done = subprocess.run([*command, str(time.time())], env=environment, stdout=subprocess.PIPE, check=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def measure(
    contender: str, options: argparse.Namespace, texts: Sequence[str], started: float, clock: Clock
) -> dict[str, Any]:
    """Rate, start-up and peak memory of one contender in this process; of ours the stages too."""
    stages: Counter[str] = Counter()
    if contender in OURS:
        answer = load_ours(options.model, contender, stages, clock)
    else:
        answer = {"pipelines": load_pipelines, "tuned": load_tuned, "slovnet": load_slovnet}[contender](
            options.backbone
        )
    for _ in answer(texts[:1]):
        pass
    start_up = time.time() - started
    stages.clear()
    before = clock()
    answered = sum(1 for _ in answer(texts))
    seconds = clock() - before
    assert answered == len(texts)
    if contender in OURS:
        stages["batching"] = stages.pop("batching, network") - stages["network"]
    figures = {
        "articles_per_second": answered / (seconds - stages["normal forms"]),
        "start_up": start_up,
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,  # Linux counts in KiB
        "stages": {name: value / seconds for name, value in stages.items() if name != "operations"},
    }
    if contender in OURS:
        figures["peak_share"] = stages["operations"] / stages["network"] / measure_peak(clock)
    return figures


def load_pipelines(backbone: str) -> Answer:
    """Two pipelines, an article at a time."""
    from transformers import pipeline

    spans = pipeline("token-classification", model=backbone, aggregation_strategy="simple")
    events = pipeline("text-classification", model=backbone, top_k=None)
    return lambda texts: ((spans(text), events(text, truncation=True)) for text in texts)


def load_tuned(backbone: str) -> Answer:
    """Two pipelines in batches of texts of like length."""
    import torch
    from transformers import pipeline

    from infer.extractor import has_bfloat16

    dtype = torch.bfloat16 if has_bfloat16(torch.device("cpu")) else torch.float32
    spans = pipeline("token-classification", model=backbone, aggregation_strategy="simple", dtype=dtype)
    events = pipeline("text-classification", model=backbone, top_k=None, dtype=dtype)

    def answer(texts: Sequence[str]) -> Iterable[Any]:
        ordered = sorted(texts, key=len, reverse=True)
        found = spans(ordered, batch_size=BATCH), events(ordered, batch_size=BATCH, truncation=True)
        return zip(*found, strict=True)

    return answer


def load_slovnet(_: str) -> Answer:
    """Slovnet's NER of news."""
    from benchmarks.nerel import load_slovnet as load_tagger

    return partial(map, load_tagger())


def load_ours(model: Path, contender: str, stages: Counter[str], clock: Clock) -> Answer:
    """Our extractor and the normal forms; `stages` collects seconds, and the network's operations."""
    from infer.config import RunSettings
    from infer.document import Document
    from infer.extractor import Extractor
    from infer.normal import Normalizer

    engine, precision = contender.split("-")
    extractor = Extractor.load(model, RunSettings(engine=engine, precision=precision))
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))

    def counted(batch: Batch) -> UnitAnswers:
        stages["operations"] += sum(
            count_operations(int(tokens), config) for tokens in batch.mask.sum(axis=1)
        )
        return network(batch)

    def timed(function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            before = clock()
            result = function(*arguments)
            stages[stage] += clock() - before
            return result

        return call

    # Stages have no public seams, since nothing but this needs them.
    network = timed(extractor.engine.answer, "network")
    patches: Any = extractor
    patches.engine.answer = counted
    patches._prepare = timed(extractor._prepare, "tokenisation, windows")
    patches._run = timed(extractor._run, "batching, network")
    patches._decode = timed(extractor._decode, "decoding")
    name_spans = timed(Normalizer().normal_forms, "normal forms")

    def answer(texts: Sequence[str]) -> Iterator[Any]:
        for document in extractor.extract_many(Document("", text) for text in texts):
            yield name_spans(document)

    return answer


def count_operations(tokens: int, config: Mapping[str, int]) -> float:
    """Multiplications and additions of a BERT-like encoder's matrix products over one window."""
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    by_weights = 2 * tokens * (4 * hidden**2 + 2 * hidden * inner)
    attention = 4 * tokens**2 * hidden
    return float(config["num_hidden_layers"] * (by_weights + attention))


def measure_peak(clock: Clock) -> float:
    """Operations a second of the best of ten large float32 matrix products."""
    size = 2048
    matrix = np.random.default_rng(0).random((size, size), dtype=np.float32)
    best = float("inf")
    for _ in range(10):
        before = clock()
        matrix @ matrix
        best = min(best, clock() - before)
    return 2 * size**3 / best


def print_rates(found: Mapping[str, Mapping[str, Any]]) -> None:
    """A line a contender, with the ratios to those that are not ours."""
    rivals = [name for name in RIVALS if name in found]
    heads = ["articles/s", *(f"x {name}" for name in rivals), "start-up s", "peak MB"]
    print(f"{'':16}" + "".join(f"{head:>13}" for head in heads))
    for name, figures in found.items():
        rate = figures["articles_per_second"]
        ratios = "".join(f"{rate / found[rival]['articles_per_second']:13.2f}" for rival in rivals)
        rest = f"{figures['start_up']:13.1f}{figures['peak_megabytes']:13.0f}"
        print(f"{name:16}{rate:13.2f}{ratios}{rest}")


def print_stages(found: Mapping[str, Mapping[str, Any]]) -> None:
    """Shares of our time by stage, and of the float32 peak that the network reaches."""
    stages = list(dict.fromkeys(stage for figures in found.values() for stage in figures["stages"]))
    print(f"\n{'share of time':16}" + "".join(f"{stage:>23}" for stage in [*stages, "float32 peak reached"]))
    for name, figures in found.items():
        shares = [figures["stages"][stage] for stage in stages] + [figures["peak_share"]]
        print(f"{name:16}" + "".join(f"{share:23.1%}" for share in shares))


if __name__ == "__main__":
    main()
