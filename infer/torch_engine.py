"""The network in torch, on a CPU or a GPU."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from infer.batching import Batch
from infer.engine import UnitAnswers
from infer.model import Model


class TorchEngine:
    """See `Engine`."""

    def __init__(self, model: Model, device: torch.device, bfloat16: bool) -> None:
        self.device, self.bfloat16 = device, bfloat16
        self.name = f"torch {device.type} {'bfloat16' if bfloat16 else 'float32'}"
        self._model = model.to(device).eval()

    @property
    def event_bias(self) -> NDArray[np.float32]:
        """See `Engine`."""
        return self._model.event_bias.detach().cpu().numpy()

    def answer(self, batch: Batch) -> UnitAnswers:
        """See `Engine`."""
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bfloat16),
        ):
            arrays = (batch.ids, batch.mask, batch.pool)
            output = self._model(*(torch.from_numpy(array).to(self.device) for array in arrays))
        tensors = (output.spans, output.attention, output.evidence)
        return UnitAnswers(*(tensor.float().cpu().numpy() for tensor in tensors))
