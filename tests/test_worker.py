"""The thread of the model: order, turns, and a replacement that fails."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from infer import bundle as bundles
from infer.bundle import Bundle, BundleError
from infer.document import Document
from infer.worker import TURN, Worker
from tests.serving import save_other


@pytest.fixture
def worker(bundle: Bundle, tmp_path: Path) -> Iterator[Worker]:
    bundles.save(bundle, tmp_path / "model")
    worker = Worker(tmp_path / "model")
    yield worker
    worker.close()


def test_a_short_request_need_not_wait_for_a_long_one(worker: Worker) -> None:
    turns: list[list[str]] = []

    def work(documents: Sequence[Document]) -> list[str]:
        assert threading.current_thread().name == "model_0"
        turns.append([document.id for document in documents])
        return turns[-1]

    long = [Document(f"long {n}", "Да") for n in range(5 * TURN + 1)]
    short = [Document("short", "Да")]

    async def ask() -> list[list[str]]:
        return await asyncio.gather(worker.run(work, long), worker.run(work, short))

    answers = asyncio.run(ask())
    assert answers == [[document.id for document in long], ["short"]]
    assert turns.index(["short"]) == 1
    assert max(map(len, turns)) == TURN


def test_an_error_of_the_model_is_the_asker_s_and_the_thread_goes_on(worker: Worker) -> None:
    documents = [Document("a", "Да")]
    with pytest.raises(ZeroDivisionError):
        asyncio.run(worker.run(lambda _: [1 // 0], documents))
    assert asyncio.run(worker.run(worker.served.extract, documents))[0].id == "a"


def test_a_version_tells_models_apart_and_a_broken_one_is_not_taken(
    worker: Worker, bundle: Bundle, tmp_path: Path
) -> None:
    first = worker.served
    with pytest.raises(BundleError, match="no model folder"):
        worker.replace(tmp_path / "nowhere")
    assert worker.served is first
    second = worker.replace(save_other(bundle, tmp_path / "other"))
    assert worker.served is second
    assert second.version != first.version
    shutil.copytree(tmp_path / "other", tmp_path / "copy")
    assert worker.replace(tmp_path / "copy").version == second.version
