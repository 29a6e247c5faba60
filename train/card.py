"""The model card: a run's README.md, with Hugging Face's front matter (`model-index`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from train.report import score_table
from train.scores import Score, Scores

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

TASKS = {
    "spans": ("token-classification", "Span extraction, strict"),
    "spans_partial": ("token-classification", "Span extraction, partial"),
    "entities": ("token-classification", "Entities found in the document"),
    "events": ("text-classification", "Event types"),
}


def model_card(scores: Scores, manifest: Mapping[str, Any], problems: Sequence[str]) -> str:
    """The whole card; `manifest` is that of the run."""
    data, config = manifest["data"], manifest["config"]
    listed = "\n".join(f"- {' '.join(problem.split())}" for problem in problems) or "None."
    labels, events = ", ".join(manifest["labels"]), ", ".join(manifest["events"])
    tasks = [f"marks {labels}"] * bool(labels) + [f"tells {events}"] * bool(events)
    return f"""---
{front_matter(scores, manifest)}
---

# Vizitka model {manifest["name"]}

Reads Russian news about a region's foreign contacts: {" and ".join(tasks)}.
Fine-tuned from `{_name_backbone(config["backbone"])}` on {data["train_documents"]} annotated articles;
{data["dev_documents"]} more chose epoch and thresholds. Seed {config["seed"]}.

## How to load

```python
from infer import Extractor

document = Extractor.load("runs/{manifest["name"]}/model").extract("Текст статьи")
```
or `python -m infer FOLDER --model runs/{manifest["name"]}/model`. The folder holds safetensors and JSON
only; it is read by the `infer` package of Vizitka, not by transformers' pipelines.

## Intended use

Finding articles, partners, officials and topics for a person who then reads the article: lists, counts,
monitoring. Every mention comes with its place in the text and a probability, so that it can be checked.

## Limits

- Russian news in the manner of the annotated articles; other genres and languages were not tested.
- {_name_weakest(scores)}
- Mentions are not linked to a registry: two people of the same name are one string.
- It reads what an article claims. It does not know whether that is true, and must not be the only ground
  for a decision about a person or an organisation.

## Scores on {scores.documents} held-out articles

```
{score_table(scores)}
```
Strict: same label, start and end. Partial: same label and any overlap. Intervals: 95%, bootstrap over
articles.

## Annotations not used as they stand

{listed}

Config, data hashes and counts, versions and machine are in `manifest.json`; every article with its errors
is in `report.html`.
"""


def front_matter(scores: Scores, manifest: Mapping[str, Any]) -> str:
    """YAML that the Hugging Face hub reads: language, task, and the scores as `model-index`."""
    from huggingface_hub import ModelCardData

    backbone = str(manifest["config"]["backbone"])
    card = ModelCardData(
        language="ru",
        library_name="vizitka",
        pipeline_tag="token-classification",
        tags=["named-entity-recognition", "event-classification", "news"],
        base_model=None if _is_folder(backbone) else backbone,
        model_name=manifest["name"],
        eval_results=[
            result
            for group in TASKS
            for name, score in scores.group(group).items()
            if score.support
            for result in _results(group, name, score, manifest["data"]["heldout_sha256"])
        ],
    )
    return str(card.to_yaml())


def _results(group: str, name: str, score: Score, revision: str) -> list[EvalResult]:
    from huggingface_hub import EvalResult

    task, title = TASKS[group]
    return [
        EvalResult(
            task_type=task,
            task_name=title,
            dataset_type="annotations",
            dataset_name="Held-out annotations",
            dataset_split="heldout",
            dataset_revision=revision,
            metric_type=kind,
            metric_name=f"{title}: {kind}, {name}",
            metric_value=round(value, 4),
        )
        for kind, value in (("precision", score.precision), ("recall", score.recall), ("f1", score.f1))
    ]


def _name_weakest(scores: Scores) -> str:
    found = {name: score for name, score in scores.spans.items() if name != "micro" and score.support}
    if not found:
        return "Spans were not scored."
    name = min(found, key=lambda name: found[name].f1)
    score = found[name]
    shares = f"{score.precision:.0%} of its marks are right to the letter", f"{score.recall:.0%} of all found"
    return f"{name} is the weakest label: {', '.join(shares)}."


def _name_backbone(backbone: str) -> str:
    """A hub name as it is; of a folder elsewhere only the last part, which tells nothing of the machine."""
    return Path(backbone).name if Path(backbone).is_absolute() else backbone


def _is_folder(backbone: str) -> bool:
    return Path(backbone).is_dir() or Path(backbone).is_absolute() or backbone.count("/") != 1
