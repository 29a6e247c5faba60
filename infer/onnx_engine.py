"""The network in ONNX Runtime, on the CPU, without torch.

The first use of a model folder exports it (`export`, which needs torch and takes some seconds). What it
writes is kept in the model folder as `onnx/<fingerprint>-<precision>/`, or below the system's temporary
folder where the model folder can't be written to. Invariants: an export is complete or absent; it is used
only with the model that it was made from; a window's answer depends on that window alone.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from infer.batching import Batch, Frame
from infer.bundle import CACHE_FOLDER, describe, fingerprint_of
from infer.config import ModelSettings
from infer.engine import EngineError, UnitAnswers
from infer.schema import Schema

Precision = Literal["float32", "int8"]
GRAPH_FILE, TOKENIZER_FILE, REST_FILE = "model.onnx", "tokenizer.json", "export.json"


@dataclass(frozen=True, slots=True)
class Export:
    """An exported model with all that belongs to it: what `Bundle` is to torch."""

    graph: Path
    precision: Precision
    tokenizer: Tokenizer
    frame: Frame
    event_bias: NDArray[np.float32]  # [events]
    schema: Schema
    settings: ModelSettings


def load_export(model: Path, precision: Precision) -> Export:
    """The export of a model folder, made if need be. Raises BundleError and EngineError."""
    schema, settings, _ = describe(model)
    folder = cache_folder(model) / f"{fingerprint_of(model)}-{precision}"
    if not folder.exists():
        _make(model, folder, precision)
    try:
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        rest = json.loads((folder / REST_FILE).read_text(encoding="utf-8"))
        frame, event_bias = Frame(**rest["frame"]), np.array(rest["event_bias"], dtype=np.float32)
    except Exception as error:  # tokenizers raises the bare class
        raise _damaged(folder, error) from error
    return Export(folder / GRAPH_FILE, precision, tokenizer, frame, event_bias, schema, settings)


def cache_folder(model: Path) -> Path:
    """Where a model folder's exports are. Raises EngineError."""
    if os.access(model, os.W_OK):
        return model / CACHE_FOLDER
    folder = Path(tempfile.gettempdir()) / f"vizitka-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise EngineError(f"{folder}: belongs to someone else; set TMPDIR, or use --engine torch")
    return folder


def _make(model: Path, folder: Path, precision: Precision) -> None:
    from infer.export import export

    partial = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}.partial")
    partial.mkdir(parents=True)
    try:
        export(model, partial, precision)
        partial.rename(folder)
    except OSError:
        if not folder.exists():  # another process was faster, and made the same
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _damaged(folder: Path, error: Exception) -> EngineError:
    return EngineError(f"{folder}: damaged export ({error}); delete that folder, it will be made again")


class OnnxEngine:
    """See `Engine`. OMP_NUM_THREADS sets the threads, as for torch; by default one a core."""

    def __init__(self, export: Export) -> None:
        import onnxruntime

        self.event_bias = export.event_bias
        self.name = f"onnx cpu {export.precision}"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "0"))
        options.log_severity_level = 3  # errors
        try:
            self._session = onnxruntime.InferenceSession(
                export.graph, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # of no common class
            raise _damaged(export.graph.parent, error) from error

    def answer(self, batch: Batch) -> UnitAnswers:
        """A window at a time and without its padding: on a CPU larger products are no faster."""
        lengths = batch.mask.sum(axis=1)
        rows = [
            self._session.run(None, {"ids": batch.ids[[row], :length], "pool": batch.pool[[row], :, :length]})
            for row, length in enumerate(lengths)
        ]
        return UnitAnswers(*(np.concatenate(arrays) for arrays in zip(*rows, strict=True)))
