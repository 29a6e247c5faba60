"""Windows of tokenised documents to padded arrays, the same for training and inference; no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from infer.align import Units
from infer.windows import Window

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MULTIPLE = 32  # shapes that recur spare the CPU kernels' set-up; 64 pads more than it saves at these lengths


@dataclass(frozen=True, slots=True)
class Batch:
    """Inputs of `Model.forward` for W windows."""

    ids: NDArray[np.int64]  # [W, T]
    mask: NDArray[np.int64]  # [W, T]
    pool: NDArray[np.float32]  # [W, U, T]


@dataclass(frozen=True, slots=True)
class Frame:
    """What a tokenizer puts around and after a window's tokens."""

    start: int
    end: int
    padding: int

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase) -> Frame:
        """The special tokens of a tokenizer, whatever they are called there."""
        start = tokenizer.cls_token_id if tokenizer.cls_token_id is not None else tokenizer.bos_token_id
        end = tokenizer.sep_token_id if tokenizer.sep_token_id is not None else tokenizer.eos_token_id
        padding = tokenizer.pad_token_id
        if start is None or end is None or padding is None:
            raise ValueError(
                f"{tokenizer.name_or_path}: its tokenizer lacks a start, end or padding token; "
                "use a BERT-like backbone"
            )
        return cls(start, end, padding)


def token_range(units: Units, window: Window, size: int) -> tuple[int, int]:
    """The tokens `[first, last)` that a window of at most `size` holds, special ones included in `size`."""
    if window.start == window.end:
        return 0, 0
    first = units.tokens[window.start][0]
    return first, min(units.tokens[window.end - 1][1], first + size - 2)


def make_batch(
    windows: Sequence[tuple[Units, Window]], frame: Frame, size: int, pooling: Literal["first", "mean"]
) -> Batch:
    """Pad windows together. A unit's pooling weights sum to one; padding units are all zeros."""
    ranges = [token_range(units, window, size) for units, window in windows]
    length = padded_length(max(last - first for first, last in ranges), size)
    rows = max(1, max(window.end - window.start for _, window in windows))
    ids = np.full((len(windows), length), frame.padding, dtype=np.int64)
    mask = np.zeros((len(windows), length), dtype=np.int64)
    pool = np.zeros((len(windows), rows, length), dtype=np.float32)
    for index, ((units, window), (first, last)) in enumerate(zip(windows, ranges, strict=True)):
        row = [frame.start, *units.ids[first:last], frame.end]
        ids[index, : len(row)] = row
        mask[index, : len(row)] = 1
        for unit, (begin, end) in enumerate(units.tokens[window.start : window.end]):
            begin = min(begin, last - 1)  # only where one unit alone exceeds a window
            end = min(end, last) if pooling == "mean" else begin + 1
            pool[index, unit, begin - first + 1 : end - first + 1] = 1 / (end - begin)
    return Batch(ids, mask, pool)


def padded_length(tokens: int, size: int) -> int:
    """Tokens a window's row takes in a batch, special ones and padding included: never above `size`."""
    return min(-(-(tokens + 2) // MULTIPLE) * MULTIPLE, max(size, tokens + 2))
