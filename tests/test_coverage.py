"""Coverage: whole with the extractor's windows at any size, and less where something is left unread."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from infer import windows
from infer.bundle import Bundle
from infer.config import ModelSettings, WindowSettings
from infer.document import Document
from infer.windows import Window
from train import coverage as module
from train.coverage import coverage


@pytest.mark.parametrize(("size", "overlap"), [(64, 16), (24, 8), (16, 0)])
@pytest.mark.parametrize("unit", ["word", "piece"])
def test_everything_is_answered(
    bundle: Bundle, documents: list[Document], size: int, overlap: int, unit: str
) -> None:
    settings = ModelSettings.model_validate({"unit": unit, "windows": {"size": size, "overlap": overlap}})
    assert coverage(documents, bundle.tokenizer, settings) == 1


def test_texts_without_letters_have_nothing_to_answer(bundle: Bundle) -> None:
    assert coverage([Document("a", " \n"), Document("b", "")], bundle.tokenizer, bundle.settings) == 1


def test_a_word_longer_than_a_window_is_not_read_whole(bundle: Bundle) -> None:
    settings = ModelSettings(windows=WindowSettings(size=8, overlap=0))
    text = "да " + "ы" * 30  # thirty tokens of the tiny vocabulary in one word
    assert coverage([Document("a", text)], bundle.tokenizer, settings) == pytest.approx(2 / 32)


def _first_only(tokens: Sequence[tuple[int, int]], size: int, overlap: int) -> list[Window]:
    return windows.split(tokens, size, overlap)[:1]


def _twice(tokens: Sequence[tuple[int, int]], size: int, overlap: int) -> list[Window]:
    return windows.split(tokens, size, overlap) * 2


@pytest.mark.parametrize(("split", "low", "high"), [(_first_only, 0.01, 0.9), (_twice, 0, 0)])
def test_truncation_and_double_answers_show(
    bundle: Bundle,
    documents: list[Document],
    monkeypatch: pytest.MonkeyPatch,
    split: object,
    low: float,
    high: float,
) -> None:
    monkeypatch.setattr(module, "split", split)
    assert low <= coverage(documents, bundle.tokenizer, bundle.settings) <= high
