"""`python -m benchmarks.pooling`: a word's vector from its first piece, or from the mean of all its pieces?

Heads alone are trained on the untouched encoder, on five document-wise folds of the training annotations
(the held-out articles stay unseen), and scored on the fold left out: minutes instead of hours, and what is
compared is just what the choice changes, the vectors that the heads see.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from sklearn.model_selection import GroupKFold

from infer import bundle as bundles
from infer.extractor import Extractor
from infer.memory import keep_memory
from infer.schema import read_schema
from train.config import load_config
from train.corpus import load_corpus, near_duplicates, strip
from train.learner import Learner
from train.metrics import score
from train.probe import warm_heads

POOLINGS: tuple[Literal["first", "mean"], ...] = ("first", "mean")


def main() -> None:
    """Print micro-F1 of each fold and their mean, for both poolings."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pooling")
    parser.add_argument("--config", type=Path, default=Path("configs/default.yaml"))
    parser.add_argument("--folds", type=int, default=5, help="how many of five folds to run")
    options = parser.parse_args()
    keep_memory()
    config = load_config(options.config)
    schema = read_schema(config.data.labeling_config)
    documents = load_corpus(config.data.train, schema).documents
    groups = near_duplicates([document.text for document in documents])
    folds = list(GroupKFold(5, shuffle=True, random_state=config.seed).split(documents, groups=groups))
    found: dict[str, list[tuple[float, float]]] = {pooling: [] for pooling in POOLINGS}
    for number, (train, test) in enumerate(folds[: options.folds], 1):
        learnt, gold = [documents[i] for i in train], [documents[i] for i in test]
        for pooling in POOLINGS:
            torch.manual_seed(config.seed)
            settings = config.model_copy(update={"pooling": pooling}).model_settings("word", False, False)
            bundle = bundles.start(config.backbone, schema, settings)
            warm_heads(
                Learner(bundle.model, schema.multiple, config.fit.event_weight), bundle, learnt, config
            )
            scores = score(gold, list(Extractor(bundle).extract_many(strip(gold))), schema)
            found[pooling].append((scores.spans["micro"].f1, scores.events["micro"].f1))
            spans, events = found[pooling][-1]
            print(f"fold {number}  {pooling:5}  spans {spans:.3f}  events {events:.3f}", flush=True)
    for pooling, pairs in found.items():
        spans, events = np.mean(pairs, axis=0)
        print(f"mean    {pooling:5}  spans {spans:.3f}  events {events:.3f}")


if __name__ == "__main__":
    main()
