"""`python -m benchmarks.train_speed --profile`: where the recipe's training time goes.

Two tables. Stages: a whole `fit` by the clock, the steps apart from what comes before, between and after.
Operations: torch's own profiler over a few of its steps (forward, backward and optimiser), by kind; these
steps are left out of all else, since being watched slows them. Then, of the matrix-multiply peak measured in
the same process with the same threads, the share that the steps' multiplications reach.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity
from transformers import TrainerCallback

from benchmarks.speed import count_operations
from infer.extractor import pick_device
from infer.memory import keep_memory
from train import fit as fitting
from train.config import TrainConfig
from train.probe import uses_bfloat16
from train.recipe import read_training, split_training

WATCHED = range(3, 8)  # steps under torch's profiler: the first ones set up kernels
KINDS = (  # of an operation, by a part of its name; the first that fits
    ("attention", ("scaled_dot_product", "flash_attention")),
    ("matrix products", ("addmm", "::mm", "bmm", "matmul", "linear")),
    ("optimiser", ("adamw", "_foreach_", "Optimizer", "clip_grad")),
    ("embeddings", ("embedding", "index_select")),
    ("normalisation, activations", ("layer_norm", "gelu", "tanh", "softmax", "dropout")),
    ("casts and copies", ("copy_", "_to_copy", "::to", "cat", "contiguous")),
    ("gradients added, zeroed", ("add_", "zero_", "fill_", "::add")),
)


def profile(config: TrainConfig, now: Callable[[], float]) -> None:
    """Fit the recipe once, watched, and print both tables."""
    keep_memory()
    schema, _, documents = read_training(config)
    learnt, dev = split_training(documents, config)
    shape = json.loads((Path(config.backbone) / "config.json").read_text(encoding="utf-8"))
    seconds: Counter[str] = Counter()
    watch = _Watch(seconds, now)

    class Watched(fitting.DevTrainer):
        """Counts the operations of the windows that it learns from."""

        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            self.add_callback(watch)

        def training_step(self, model: Any, inputs: Any, *rest: Any, **named: Any) -> Any:
            """As ever."""
            if not watch.is_watched:
                lengths = inputs["mask"].sum(1).tolist()
                watch.operations += 3 * sum(count_operations(length, shape) for length in lengths)
            return super().training_step(model, inputs, *rest, **named)

    # Stages have no public seams, since nothing but this needs them.
    patches: Any = fitting
    patches.DevTrainer = Watched
    for name in ("warm_heads", "build_dataset", "fit_calibration"):
        setattr(patches, name, _timed(getattr(fitting, name), name.replace("_", " "), seconds, now))
    patches.DevTrainer.evaluate = _timed(Watched.evaluate, "dev scores", seconds, now)
    before = now()
    with tempfile.TemporaryDirectory() as folder:
        fitting.fit(learnt, dev, schema, config, Path(folder))
    if not watch.is_done:
        raise SystemExit(
            f"fewer steps than {WATCHED[-1] + 1}, too few to watch; give more --epochs or --limit"
        )
    whole = now() - before - seconds.pop("watched steps", 0.0)
    seconds["the rest"] = whole - sum(seconds.values())
    print(f"{'stage':32}{'seconds':>9}{'share':>8}")
    for stage, spent in seconds.most_common():
        print(f"{stage:32}{spent:9.1f}{spent / whole:8.1%}")
    print(f"\n{'within a step':32}{'':9}{'share':>8}")
    spent_by_kind = watch.sum_kinds()
    for kind, spent in spent_by_kind.most_common():
        print(f"{kind:32}{'':9}{spent / sum(spent_by_kind.values()):8.1%}")
    bfloat16 = uses_bfloat16(config.fit.precision, pick_device("auto"))
    reached = watch.operations / seconds["steps"]
    print(
        f"\nsteps reach {reached / 1e9:.0f} billion operations a second, in {'bf16' if bfloat16 else 'fp32'}"
    )
    for name, kind in (("bf16", torch.bfloat16), ("fp32", torch.float32)):
        peak = measure_peak(kind, now)
        print(f"of the {name} matrix peak of {peak / 1e9:.0f}: {reached / peak:.1%}")


class _Watch(TrainerCallback):
    """Times every step, and has torch's profiler watch a few."""

    def __init__(self, seconds: Counter[str], now: Callable[[], float]) -> None:
        self.operations = 0.0
        self.is_watched = False
        self.is_done = False
        self._seconds, self._now = seconds, now
        self._begun = 0.0
        self._profiler = torch.profiler.profile(activities=[ProfilerActivity.CPU])

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """The clock starts, once the profiler does."""
        self.is_watched = state.global_step in WATCHED
        if state.global_step == WATCHED[0]:
            self._profiler.start()
        self._begun = self._now()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """A step's time is that of the steps, or of those watched."""
        spent = self._now() - self._begun
        self._seconds["watched steps" if self.is_watched else "steps"] += spent
        if state.global_step == WATCHED[-1] + 1:  # counted up before this is called
            before = self._now()
            self._profiler.stop()
            self.is_done = True
            self._seconds["watched steps"] += self._now() - before

    def sum_kinds(self) -> Counter[str]:
        """Time of the watched steps by kind of operation, without that of the operations inside."""
        found: Counter[str] = Counter()
        for row in self._profiler.key_averages():
            kind = next((kind for kind, parts in KINDS if any(part in row.key for part in parts)), "the rest")
            found[kind] += row.self_cpu_time_total
        return found


def _timed(
    function: Callable[..., Any], stage: str, seconds: Counter[str], now: Callable[[], float]
) -> Callable[..., Any]:
    def call(*given: Any, **named: Any) -> Any:
        before = now()
        result = function(*given, **named)
        seconds[stage] += now() - before
        return result

    return call


def measure_peak(kind: torch.dtype, now: Callable[[], float]) -> float:
    """Operations a second of the best of ten large matrix products."""
    size = 2048
    matrix = torch.rand(size, size).to(kind)
    best = float("inf")
    for _ in range(10):
        before = now()
        matrix @ matrix
        best = min(best, now() - before)
    return 2 * size**3 / best
