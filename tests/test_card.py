"""The model card is one that Hugging Face's own reader accepts, and it names no machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from infer.document import Document, Span
from infer.schema import Schema
from train.card import model_card
from train.metrics import score
from train.scores import Scores

TEXT = "Алексей Островский принял посла Индии."
OFFICIAL, PARTNER = Span(0, 18, "OFFICIAL"), Span(32, 37, "PARTNER")


def _scores(schema: Schema) -> Scores:
    gold = [Document(str(i), TEXT, (OFFICIAL, PARTNER), ("visit",)) for i in range(4)]
    predicted = [Document(str(i), TEXT, (OFFICIAL, PARTNER)[: i % 3], ("visit",)[: i % 2]) for i in range(4)]
    return score(gold, predicted, schema)


def _manifest(schema: Schema, backbone: str = "models/rubert-mini") -> dict[str, Any]:
    return {
        "name": "2026-07-14_12-00",
        "config": {"backbone": backbone, "seed": 13},
        "labels": schema.labels,
        "events": schema.events,
        "data": {"train_documents": 402, "dev_documents": 45, "heldout_sha256": "ab" * 32},
    }


def test_model_index_holds_the_scores(schema: Schema) -> None:
    scores = _scores(schema)
    card = ModelCard(model_card(scores, _manifest(schema), []))
    assert card.data.language == "ru"
    assert card.data.model_name == "2026-07-14_12-00"
    results = {result.metric_name: result for result in card.data.eval_results or []}
    strict = results["Span extraction, strict: f1, micro"]
    assert strict.metric_value == pytest.approx(scores.spans["micro"].f1, abs=1e-4)
    assert (strict.task_type, strict.metric_type) == ("token-classification", "f1")
    assert strict.dataset_revision == "ab" * 32
    events = results["Event types: recall, visit"]
    assert events.metric_value == pytest.approx(scores.events["visit"].recall, abs=1e-4)
    assert events.task_type == "text-classification"
    assert not any("SECTOR" in name for name in results)  # there was none to find


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a backbone in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models/tiny").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("backbone", "base"),
    [
        ("DeepPavlov/rubert-base-cased", "DeepPavlov/rubert-base-cased"),
        ("models/tiny", None),
        ("/home/someone/models/tiny", None),
        ("here", None),
    ],
)
def test_only_a_hub_name_is_a_base_model(
    schema: Schema, backbone: str, base: str | None, folder: Path
) -> None:
    text = model_card(_scores(schema), _manifest(schema, backbone), [])
    assert ModelCard(text).data.base_model == base
    assert "/home/someone" not in text


def test_a_stranger_can_load_it_and_knows_its_limits(schema: Schema) -> None:
    text = model_card(_scores(schema), _manifest(schema), ["task 3: span 4-9\nis not there"])
    assert 'Extractor.load("runs/2026-07-14_12-00/model")' in text
    assert (
        "PARTNER is the weakest label: 100% of its marks are right to the letter, 25% of all found." in text
    )
    assert "- task 3: span 4-9 is not there" in text
    for heading in ("How to load", "Intended use", "Limits", "Scores on 4 held-out articles"):
        assert f"## {heading}" in text


def test_a_schema_without_labels() -> None:
    schema = Schema((), ("visit",))
    scores = score([Document("a", "я", (), ("visit",))], [Document("a", "я")], schema)
    text = model_card(scores, _manifest(schema), [])
    assert "foreign contacts: tells visit." in text
    assert ModelCard(text).data.eval_results
