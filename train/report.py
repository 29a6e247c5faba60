"""Scores and provenance of a run: `metrics.json`, `manifest.json`, a model card, the terminal's table."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from train.scores import Score, Scores

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


def score_table(scores: Scores) -> str:
    """Strict and partial span F1 by label and event F1 by type, as aligned text."""
    lines = [f"{'':12}  precision  recall     F1   95% interval   gold"]
    for title, group in (
        ("spans, strict", scores.spans),
        ("spans, partial", scores.spans_partial),
        ("events", scores.events),
    ):
        if len(group) > 1:
            lines.append(title)
            lines += [_score_line(name, score) for name, score in group.items()]
    lines.append(
        f"{scores.documents} articles; the whole set of events right in {scores.events_exact.value:.1%}"
    )
    return "\n".join(lines)


def _score_line(name: str, score: Score) -> str:
    low, high = score.f1_interval
    return (
        f"  {name:10}  {score.precision:9.1%}  {score.recall:6.1%}  {score.f1:5.1%}"
        f"  {low:5.1%} - {high:5.1%}  {score.support:5}"
    )


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
