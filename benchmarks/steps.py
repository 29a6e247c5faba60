"""`python -m benchmarks.steps`: what a training step costs with and without each of the recipe's economies.

Every variant runs in a process of its own (the allocator's setting can't be undone), one after another on the
same batches of the training annotations: tokens per second in the second of two passes.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import nn

from infer import bundle as bundles
from infer.batching import Frame
from infer.extractor import has_bfloat16, pick_device
from infer.memory import keep_memory
from infer.schema import read_schema
from train.config import load_config
from train.corpus import load_corpus
from train.learner import Learner
from train.targets import Collator, make_examples

DOCUMENTS = 32
VARIANTS = (
    ("the recipe", ""),
    ("memory handed back after every tensor", "freed"),
    ("float32", "float32"),
    ("dropout in the encoder", "dropout"),
    ("none of the three", "freed float32 dropout"),
)


def measure(flags: str) -> float:
    """Training tokens per second of one variant."""
    if "freed" not in flags:
        keep_memory()
    config = load_config(Path("configs/default.yaml"))
    schema = read_schema(config.data.labeling_config)
    settings = config.model_settings("word", False)
    bundle = bundles.start(config.backbone, schema, settings)
    for module in bundle.model.encoder.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.1 if "dropout" in flags else 0.0
    documents = load_corpus(config.data.train, schema).documents[:DOCUMENTS]
    examples = [
        example
        for document in documents
        for example in make_examples(document, bundle.tokenizer, schema, settings, config.fit.max_windows)[0]
    ]
    examples.sort(key=lambda example: example["length"])
    collate = Collator(Frame.of(bundle.tokenizer), settings)
    batches = [
        collate(examples[i : i + config.fit.batch_size])
        for i in range(0, len(examples), config.fit.batch_size)
    ]
    learner = Learner(bundle.model, schema.multiple, config.fit.event_weight).train()
    optimizer = torch.optim.AdamW(learner.parameters(), lr=1e-5, fused=True)
    bfloat16 = "float32" not in flags and has_bfloat16(pick_device("cpu"))
    speed = 0.0
    for _ in range(2):
        started = time.perf_counter()
        for batch in batches:
            with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
                loss = learner(**batch)["loss"]
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        speed = sum(int(batch["mask"].sum()) for batch in batches) / (time.perf_counter() - started)
    return speed


def main() -> None:
    """Print tokens per second of every variant and its ratio to the recipe's."""
    if len(sys.argv) > 1:
        print(measure(sys.argv[1]))
        return
    recipe = 0.0
    for name, flags in VARIANTS:
        command = [sys.executable, "-m", "benchmarks.steps", flags or "-"]
        speed = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        recipe = recipe or speed
        print(f"{name:40} {speed:6.0f} tokens/s   {speed / recipe:5.2f}", flush=True)


if __name__ == "__main__":
    main()
