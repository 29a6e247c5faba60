"""`python -m benchmarks.learning_curve`: held-out F1 by the number of training articles.

The default config on 25, 50, 100, 200, 400 and all training articles (drawn by the seed, the smaller in the
larger), each a whole `python -m train`. A finished run of the same config, backbone and annotations is not
repeated. Writes a table and a plot.
"""

from __future__ import annotations

import argparse
import json
from math import inf
from pathlib import Path
from typing import Any

from infer.memory import keep_memory
from train.config import TrainConfig, load_config
from train.provenance import digest, digest_backbone
from train.recipe import train

SIZES = (25, 50, 100, 200, 400, 0)


def main() -> None:
    """Train what is missing, print the table, draw the plot."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning_curve")
    parser.add_argument("--config", type=Path, default=Path("configs/default.yaml"))
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="0: all of them")
    parser.add_argument("--runs", type=Path, default=Path("runs/learning-curve"), help="folder of the runs")
    parser.add_argument("--plot", type=Path, default=Path("docs/learning-curve.png"))
    parser.add_argument("overrides", nargs="*", metavar="section.key=value", help="changes to the config")
    options = parser.parse_intermixed_args()
    keep_memory()
    rows = []
    for size in options.sizes:
        config = load_config(options.config, [*options.overrides, f"data.limit={size or 'null'}"])
        folder = options.runs / str(size or "all")
        if not is_done(folder, config):
            train(config, folder)
        rows.append((count_articles(folder), read_scores(folder)))
    rows.sort(key=lambda row: row[0])
    print(f"{'articles':>8}  spans F1  95% interval    events F1  95% interval")
    for size, scores in rows:
        print(f"{size:8}  {_cell(scores['spans'])}  {_cell(scores['events']):>24}")
    plot(rows, options.plot)
    print(f"plot -> {options.plot}")


def is_done(folder: Path, config: TrainConfig) -> bool:
    """Whether a run of this config, on this backbone and these annotations, is finished there."""
    if not (folder / "manifest.json").is_file():
        return False
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    inputs = {
        "backbone_sha256": digest_backbone(config.backbone),
        "train_sha256": digest(config.data.train),
        "heldout_sha256": digest(config.data.heldout),
    }
    same_inputs = all(manifest["data"].get(name) == value for name, value in inputs.items())
    return same_inputs and bool(manifest["config"] == config.model_dump(mode="json"))


def count_articles(folder: Path) -> int:
    """Annotated articles of a finished run, those of dev among them."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return int(manifest["data"]["train"]["documents"])


def read_scores(folder: Path) -> dict[str, dict[str, Any]]:
    """Micro scores of spans and events of a finished run."""
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return {part: metrics[part]["micro"] for part in ("spans", "events")}


def plot(rows: list[tuple[int, dict[str, dict[str, Any]]]], path: Path) -> None:
    """F1 with its interval by number of articles, on a logarithmic axis."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    sizes = [size for size, _ in rows]
    for part, colour in (("events", "tab:orange"), ("spans", "tab:blue")):
        f1 = [100 * scores[part]["f1"] for _, scores in rows]
        low, high = zip(*(scores[part]["f1_interval"] for _, scores in rows), strict=True)
        axes.plot(sizes, f1, "o-", color=colour, label=part)
        axes.fill_between(sizes, [100 * v for v in low], [100 * v for v in high], color=colour, alpha=0.15)
    axes.set_xscale("log")
    # A number that would run into the next one is left out.
    named = [size for size, after in zip(sizes, [*sizes[1:], inf], strict=True) if after > 1.2 * size]
    axes.set_xticks(named, [str(size) for size in named])
    axes.minorticks_off()
    axes.set_xlabel("training articles")
    axes.set_ylabel("held-out micro-F1, %")
    axes.grid(alpha=0.3)
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def _cell(score: dict[str, Any]) -> str:
    low, high = score["f1_interval"]
    return f"{score['f1']:8.1%}  {low:.1%} - {high:.1%}"


if __name__ == "__main__":
    main()
