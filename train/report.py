"""Scores and provenance of a run: `metrics.json`, `manifest.json`, a model card, the terminal's table."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from train.bootstrap import Estimate
from train.matching import KINDS
from train.scores import Score, Scores

TITLES = {
    "spans": "spans, strict",
    "spans_partial": "spans, partial",
    "entities": "entities in an article, by normal form",
    "events": "events",
}
PACKAGES = ("torch", "transformers", "tokenizers", "datasets", "scikit-learn")


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Readable JSON, complete or not there at all."""
    partial = path.with_name(f"{path.name}.partial")
    text = json.dumps(values, ensure_ascii=False, indent=2, default=str)
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(path)


def environment() -> dict[str, Any]:
    """What the scores may depend on besides data and config."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def digest(path: Path) -> str:
    """SHA-256 of a data file, to tell whether two runs saw the same."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def score_table(scores: Scores, baselines: Scores | None = None) -> str:
    """Every F1 with its interval, average precision and the baseline's F1; then the kinds of span errors."""
    lines = [
        f"{'':12}  precision  recall     F1   95% interval   gold  avg.prec" + "  baseline" * bool(baselines)
    ]
    for group, title in TITLES.items():
        own = scores.group(group)
        others = baselines.group(group) if baselines else {}
        if len(own) > 1:
            lines.append(title)
            lines += [_score_line(name, score, others.get(name)) for name, score in own.items()]
            lines.append(
                _macro_line(scores.macro_f1[group], baselines.macro_f1[group] if baselines else None)
            )
    if len(scores.spans) > 1:
        lines.append("span errors" + "".join(f"{kind:>10}" for kind in KINDS))
        lines += [
            f"  {name:9}" + "".join(f"{counts[kind]:10}" for kind in KINDS)
            for name, counts in scores.errors.items()
        ]
    exact = scores.events_exact
    lines.append(
        f"{scores.documents} articles; the whole set of events right in {exact.value:.1%} "
        f"({exact.interval[0]:.1%} - {exact.interval[1]:.1%})"
    )
    return "\n".join(lines)


def _score_line(name: str, score: Score, baseline: Score | None) -> str:
    low, high = score.f1_interval
    average = score.average_precision
    line = (
        f"  {name:10}  {score.precision:9.1%}  {score.recall:6.1%}  {score.f1:5.1%}"
        f"  {low:5.1%} - {high:5.1%}  {score.support:5}"
        f"  {f'{average.value:.1%}' if average else '':>8}"
    )
    return line + (f"  {baseline.f1:8.1%}" if baseline else "")


def _macro_line(macro: Estimate, baseline: Estimate | None) -> str:
    low, high = macro.interval
    line = f"  {'macro':10}  {'':9}  {'':6}  {macro.value:5.1%}  {low:5.1%} - {high:5.1%}  {'':5}  {'':8}"
    return (line + (f"  {baseline.value:8.1%}" if baseline else "")).rstrip()


def model_card(scores: Scores, manifest: Mapping[str, Any], problems: Sequence[str]) -> str:
    """The run's README.md."""
    data = manifest["data"]
    listed = "\n".join(f"- {problem}" for problem in problems) or "None."
    return f"""# Vizitka model

Marks {", ".join(manifest["labels"])} in Russian news and tells {", ".join(manifest["events"])}.
Fine-tuned from `{manifest["config"]["backbone"]}` on {data["train_documents"]} annotated articles;
{data["dev_documents"]} more chose epoch and thresholds.
Use: `python -m infer FOLDER --model {manifest["name"]}/model`.

## Scores on {scores.documents} held-out articles

```
{score_table(scores)}
```
Strict: same label, start and end. Partial: same label and any overlap. Intervals: bootstrap over articles.

## Annotations not used as they stand

{listed}

Config, data hashes and versions are in `manifest.json`.
"""
