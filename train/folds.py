"""Cross-validation over the training annotations: how much scores depend on which articles are learnt from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from train.scores import Scores


@dataclass(frozen=True, slots=True)
class Spread:
    """One figure over the folds: mean, standard deviation (of a sample, n - 1), and each fold's value."""

    mean: float
    deviation: float
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Folds:
    """`pooled` scores all articles together, each predicted by the model of the fold that had it apart."""

    folds: tuple[tuple[str, ...], ...]  # ids of the articles that each fold predicts
    figures: Mapping[str, Spread]
    pooled: Scores

    def to_dict(self) -> dict[str, Any]:
        """What `folds.json` holds."""
        return {
            "folds": [list(fold) for fold in self.folds],
            "figures": {name: asdict(spread) for name, spread in self.figures.items()},
            "pooled": self.pooled.to_dict(),
        }
