"""Documents in, Documents out: the only prediction path, for users and for evaluation alike.

    extractor = Extractor.load("runs/latest/model")
    extractor.extract("Делегация провинции Хэйлунцзян ...").spans

Invariants: outputs come in the order of inputs, one each, with id, text and meta untouched; a result
depends neither on batch size nor on the other documents (to float tolerance); memory is bounded by the
buffer and the longest document, not by how many come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from infer import bundle as bundles
from infer.align import Units, tokenize
from infer.batching import Frame, make_batch, padded_length, token_range
from infer.bundle import Bundle
from infer.config import RunSettings
from infer.decode import Logits, decode, pool_events
from infer.document import Document
from infer.engine import Engine, pick_engine
from infer.onnx_engine import Export, OnnxEngine, load_export
from infer.windows import Window, merge, split

if TYPE_CHECKING:  # imported where it is needed: ONNX Runtime can do without
    import torch


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A document with its windows, waiting for the model."""

    document: Document
    units: Units
    windows: list[Window]


@dataclass(frozen=True, slots=True)
class _Answer:
    """The model's rows for one window's units; see `UnitAnswers`."""

    spans: NDArray[np.float32]
    attention: NDArray[np.float32]
    evidence: NDArray[np.float32]


class Extractor:
    """A loaded model that marks spans and events."""

    def __init__(self, bundle: Bundle | Export, run: RunSettings | None = None) -> None:
        """A bundle answers with torch, an export with ONNX Runtime, whatever `run.engine` says."""
        self.bundle = bundle
        self.run = run or RunSettings()
        self.engine: Engine
        if isinstance(bundle, Export):
            self._frame = bundle.frame
            self.engine = OnnxEngine(bundle)
        else:
            from infer.torch_engine import TorchEngine

            self._frame = Frame.of(bundle.tokenizer)
            device = pick_device(self.run.device)
            self.engine = TorchEngine(bundle.model, device, self.run.precision == "bfloat16")

    @classmethod
    def load(cls, folder: str | Path, run: RunSettings | None = None) -> Extractor:
        """From a model folder. Raises BundleError, DeviceError or EngineError."""
        run = run or RunSettings()
        if pick_engine(run) == "onnx":
            return cls(load_export(Path(folder), "float32" if run.precision == "float32" else "int8"), run)
        return cls(bundles.load(Path(folder)), run)

    def extract(self, document: Document | str) -> Document:
        """The document with spans, events and their probabilities."""
        if isinstance(document, str):
            document = Document("", document)
        return next(self.extract_many([document]))

    def extract_many(self, documents: Iterable[Document]) -> Iterator[Document]:
        """Lazily, in order; windows of several documents share batches of like length."""
        schema, settings = self.bundle.schema, self.bundle.settings.decoding
        return (decode(logits, schema, settings) for logits in self.answer_many(documents))

    def answer_many(self, documents: Iterable[Document]) -> Iterator[Logits]:
        """As `extract_many`, before decoding: for those who ask what else the model considered."""
        waiting: list[_Prepared] = []
        windows = 0
        for document in documents:
            waiting.append(self._prepare(document))
            windows += len(waiting[-1].windows)
            if windows >= self.run.buffer_windows:
                yield from self._answer(waiting)
                waiting, windows = [], 0
        yield from self._answer(waiting)

    def _prepare(self, document: Document) -> _Prepared:
        settings = self.bundle.settings
        units = tokenize([document.text], self.bundle.tokenizer, settings.unit)[0]
        windows = split(units.tokens, settings.windows.size - 2, settings.windows.overlap)
        return _Prepared(document, units, windows)

    def _answer(self, prepared: Sequence[_Prepared]) -> Iterator[Logits]:
        jobs = [(item.units, window) for item in prepared for window in item.windows]
        answers = self._run(jobs)
        position = 0
        for item in prepared:
            own = answers[position : position + len(item.windows)]
            position += len(item.windows)
            yield self._merge(item, own)

    def _run(self, jobs: Sequence[tuple[Units, Window]]) -> list[_Answer]:
        """The model over windows, longest first so that a batch holds windows of like length."""
        size = self.bundle.settings.windows.size
        lengths = [last - first for first, last in (token_range(*job, size) for job in jobs)]
        order = sorted(range(len(jobs)), key=lambda index: -lengths[index])
        answers: list[_Answer | None] = [None] * len(jobs)
        while order:
            count = max(1, self.run.batch_tokens // padded_length(lengths[order[0]], size))
            chosen, order = order[:count], order[count:]
            for index, answer in zip(chosen, self._forward([jobs[index] for index in chosen]), strict=True):
                answers[index] = answer
        return [answer for answer in answers if answer is not None]

    def _forward(self, jobs: Sequence[tuple[Units, Window]]) -> Iterator[_Answer]:
        settings = self.bundle.settings
        batch = make_batch(jobs, self._frame, settings.windows.size, settings.pooling)
        output = self.engine.answer(batch)
        for index, (_, window) in enumerate(jobs):
            rows = window.end - window.start
            arrays = (output.spans, output.attention, output.evidence)
            yield _Answer(*(array[index, :rows].copy() for array in arrays))

    def _merge(self, item: _Prepared, answers: Sequence[_Answer]) -> Logits:
        spans, attention, evidence = (
            np.concatenate(merge(item.windows, [getattr(answer, name) for answer in answers]))
            for name in ("spans", "attention", "evidence")
        )
        events = pool_events(attention, evidence, self.engine.event_bias)
        return Logits(item.document, item.units, spans, events)


class DeviceError(ValueError):
    """The device asked for isn't there; the message names it."""


def pick_device(name: str) -> torch.device:
    """`auto` is the first GPU if there is one. Raises DeviceError."""
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise DeviceError(f"device {name!r}: not one that torch knows; use cpu, cuda or auto") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise DeviceError(f"device {name!r}: torch finds no GPU here; use --device cpu")
    return device


def has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 matrix products are native there; emulated ones are slower than float32."""
    import torch

    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
