"""A service on a tiny model, and stand-ins for the commands that retrain it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from fastapi.testclient import TestClient

from infer import bundle as bundles
from infer.bundle import Bundle
from infer.config import RunSettings
from infer.retraining import COMMANDS, Retraining
from infer.service import build_app
from infer.worker import Worker


@dataclass(frozen=True, slots=True)
class Running:
    client: TestClient
    worker: Worker
    retraining: Retraining


@contextmanager
def serving(
    model: Path,
    commands: Sequence[Sequence[str]] = COMMANDS,
    token: str | None = None,
    max_bytes: int = 1 << 20,
) -> Iterator[Running]:
    """The service in this process; run folders are made beside the model's."""
    worker = Worker(model, RunSettings(device="cpu"))
    retraining = Retraining(worker, commands, model.parent.parent)
    with TestClient(build_app(worker, retraining, token, max_bytes)) as client:
        yield Running(client, worker, retraining)


def save_other(bundle: Bundle, folder: Path) -> Path:
    """The same model with other heads: other answers, another version."""
    torch.manual_seed(7)
    torch.nn.init.normal_(bundle.model.span_head.weight, std=0.5)
    bundles.save(bundle, folder)
    return folder


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
