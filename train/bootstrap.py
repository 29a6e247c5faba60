"""Resampling documents, since what one article holds is not independent.

A draw is a row of weights, how often each document was taken; every figure is computed from weighted sums
over documents, so one function gives its value (all weights 1) and its resamples. The draws depend on the
number of documents alone: two models scored on the same documents are resampled together, which is what
makes an interval of their difference a paired one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Interval = tuple[float, float]
Weights = NDArray[np.int64]  # [draws, documents]
RESAMPLES = 2000
PERCENTILES = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95% interval."""

    value: float
    interval: Interval

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {"value": self.value, "interval": list(self.interval)}


@lru_cache(maxsize=8)
def draw(documents: int) -> Weights:
    """Row 0 takes each document once, the other RESAMPLES rows as many with replacement."""
    shares = np.full(documents, 1 / max(documents, 1))
    resamples = np.random.default_rng(0).multinomial(documents, shares, RESAMPLES)
    return np.vstack([np.ones((1, documents), dtype=np.int64), resamples])


def estimate(values: NDArray[np.float64]) -> Estimate:
    """From a figure's values over the rows of `draw`: the first is the figure, the rest its spread."""
    low, high = np.percentile(values[1:], PERCENTILES)
    return Estimate(float(values[0]), (float(low), float(high)))
