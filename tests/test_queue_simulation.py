"""The simulation of annotating: what it asks for, and its figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from benchmarks import queue
from infer.bundle import Bundle
from infer.decode import Logits
from infer.document import Document
from infer.extractor import Extractor


def test_a_simulated_annotator_gets_each_article_once(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All strategies start alike, and every round adds a step of articles that were not annotated."""
    monkeypatch.setattr(queue, "START", 2)
    monkeypatch.setattr(queue, "STEP", 3)
    monkeypatch.setattr(queue, "MOST", 8)
    extractor, rounds = Extractor(bundle), []

    def answer(documents: Sequence[Document]) -> Iterator[Logits]:
        return extractor.answer_many(documents)

    def learn(documents: Sequence[Document], seed: int) -> queue.Learnt:
        rounds.append({document.id for document in documents})
        return queue.Learnt(answer, bundle.settings.decoding)

    words = ["посол", "завод", "порт", "хор", "лес", "мёд", "суд", "мост", "банк", "театр", "рынок", "вуз"]
    pool = [Document(word, f"{word} {2 * word} {3 * word} {4 * word}") for word in words]
    found = queue.simulate(learn, pool, pool[:2], bundle.schema, seed=1)
    assert [len(ids) for ids in rounds] == [2, *[5, 8] * 3]
    start = rounds[0]
    assert all(start < ids for ids in rounds[1:])
    assert all(small < large for small, large in zip(rounds[1::2], rounds[2::2], strict=True))
    assert {name: curve.shape for name, curve in found.items()} == dict.fromkeys(queue.STRATEGIES, (3, 3))
    assert all(curve[:, 2].tolist() == [8, 20, 32] for curve in found.values())


def test_figures_of_the_simulation() -> None:
    curves = np.array([[0.0, 0.4, 0.6], [0.0, 0.6, 0.8]])[..., None]  # [seeds, rounds, parts]
    assert queue.measure_area(curves).ravel().tolist() == pytest.approx([0.35, 0.5])
    assert queue.measure_margin(np.array([1.0, 2.0, 3.0])) == pytest.approx(4.303 / np.sqrt(3), abs=1e-3)
    random_order = np.array([[0.0, 0.1, 0.25]])
    assert queue.count_needed(curves[..., 0], random_order) == 38  # half of 0.5 is half of the first step
    assert queue.count_needed(random_order, curves[..., 0]) is None
