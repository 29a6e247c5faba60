"""What runs the network: the one seam between it and the rest, which is numpy and plain Python.

`torch_engine` runs a model in memory on a CPU or a GPU; `onnx_engine` runs what was exported from a model
folder, on the CPU, and imports no torch. In float32 their logits are the same to 1e-4.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from infer.batching import Batch
from infer.config import RunSettings

DRIVER = Path("/proc/driver/nvidia")  # importing torch only to ask for a GPU would take seconds


class EngineError(ValueError):
    """The engine asked for can't be used; the message says what would help."""


@dataclass(frozen=True, slots=True)
class UnitAnswers:
    """Per unit of W windows, padded to U units; what stands at padding means nothing."""

    spans: NDArray[np.float32]  # [W, U, labels, 3] logits
    attention: NDArray[np.float32]  # [W, U, events]
    evidence: NDArray[np.float32]  # [W, U, events]


class Engine(Protocol):
    """Answers batches of windows, each window as if it were alone."""

    @property
    def name(self) -> str:
        """All that answers depend on beside the model, e.g. "torch cpu float32"."""

    @property
    def event_bias(self) -> NDArray[np.float32]:
        """What is added to the pooled evidence [events]."""

    def answer(self, batch: Batch) -> UnitAnswers:
        """The network's outputs."""


def pick_engine(run: RunSettings) -> Literal["torch", "onnx"]:
    """`auto` is onnx where its extra is installed and no GPU would be used. Raises EngineError."""
    installed = find_spec("onnxruntime") is not None and find_spec("onnx") is not None
    if run.engine == "torch":
        return "torch"
    if run.engine == "auto":
        on_cpu = run.device == "cpu" or (run.device == "auto" and not DRIVER.exists())
        return "onnx" if on_cpu and installed else "torch"
    if not installed:
        raise EngineError("engine onnx: not installed; pip install 'vizitka[onnx]', or use --engine torch")
    if run.device not in ("auto", "cpu"):
        raise EngineError(f"engine onnx runs on the CPU, not on {run.device}; use --engine torch there")
    return "onnx"
