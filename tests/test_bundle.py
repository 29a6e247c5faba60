from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import BertConfig, BertModel, RobertaConfig, RobertaModel

from infer import bundle as bundles
from infer.bundle import Bundle, BundleError
from infer.config import Calibration, DecodingSettings, ModelSettings, WindowSettings
from infer.document import Document
from infer.extractor import Extractor
from infer.schema import Schema

SMALL = ModelSettings(windows=WindowSettings(size=24, overlap=8))


@pytest.fixture
def folder(bundle: Bundle, tmp_path: Path) -> Path:
    bundles.save(bundle, tmp_path / "model")
    return tmp_path / "model"


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "vizitka.json"
    description = json.loads(path.read_text(encoding="utf-8"))
    change(description)
    path.write_text(json.dumps(description), encoding="utf-8")


def test_a_saved_model_comes_back_with_every_weight(bundle: Bundle, folder: Path) -> None:
    with torch.no_grad():  # a head left at its start values would come back by chance
        for parameter in bundle.model.parameters():
            parameter.add_(torch.rand_like(parameter) / 10)
    bundles.save(bundle, folder)
    loaded = bundles.load(folder).model.state_dict()
    saved = bundle.model.state_dict()
    assert loaded.keys() == saved.keys()
    assert all(torch.equal(loaded[name], saved[name]) for name in saved)


def test_a_saved_model_answers_as_before(bundle: Bundle, folder: Path, documents: list[Document]) -> None:
    before = list(Extractor(bundle).extract_many(documents))
    after = list(Extractor.load(folder).extract_many(documents))
    assert any(document.spans for document in before)
    for old, new in zip(before, after, strict=True):
        assert new == old
        assert [span.score for span in new.spans] == [span.score for span in old.spans]


def test_schema_settings_and_origin_travel_along(backbone: Path, tmp_path: Path) -> None:
    schema = Schema(("A", "Б"), ("x",), multiple=False, text_key="body")
    settings = ModelSettings(
        unit="piece",
        pooling="mean",
        windows=WindowSettings(size=30, overlap=10),
        decoding=DecodingSettings(
            overlapping=True,
            span_calibration=Calibration(slope=0.8, intercept=-0.3),
            event_calibration=Calibration(slope=0.4),
            span_thresholds={"A": 0.2},
            event_thresholds={"x": 0.7},
            below="mark",
        ),
    )
    made = replace(bundles.start(str(backbone), schema, settings), origin={"seed": 7, "backbone": "крошка"})
    bundles.save(made, tmp_path / "model")
    loaded = bundles.load(tmp_path / "model")
    assert (loaded.schema, loaded.settings) == (schema, settings)
    assert loaded.origin == {"seed": 7, "backbone": "крошка"}
    assert not loaded.model.training


def test_a_folder_from_before_calibration_still_loads(bundle: Bundle, tmp_path: Path) -> None:
    bundles.save(bundle, tmp_path / "model")
    path = tmp_path / "model" / bundles.SETTINGS_FILE
    description = json.loads(path.read_text(encoding="utf-8"))
    older = {"overlapping": True, "span_threshold": 0.0, "event_thresholds": {"visit": 0.8}}
    description["settings"]["decoding"] = older
    path.write_text(json.dumps(description), encoding="utf-8")
    decoding = bundles.load(tmp_path / "model").settings.decoding
    assert decoding == DecodingSettings(overlapping=True, event_thresholds={"visit": 0.8})
    older["span_threshold"] = 0.5  # never written; to ignore it would be another model
    path.write_text(json.dumps(description), encoding="utf-8")
    with pytest.raises(BundleError, match="span_threshold"):
        bundles.load(tmp_path / "model")


@pytest.mark.parametrize(
    "schema",
    [Schema((), ("x", "y")), Schema(("A",), ()), Schema(("A",), ("x", "y"), multiple=False)],
    ids=["no labels", "no events", "single choice"],
)
@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_every_kind_of_schema_can_be_saved_and_used(backbone: Path, tmp_path: Path, schema: Schema) -> None:
    bundles.save(bundles.start(str(backbone), schema, SMALL), tmp_path / "model")
    found = Extractor.load(tmp_path / "model").extract("Губернатор встретился с делегацией.")
    assert tuple(found.event_scores) == schema.events
    assert {span.label for span in found.spans} <= set(schema.labels)


def test_a_model_folder_holds_safetensors_and_json_only(folder: Path) -> None:
    assert {path.suffix for path in folder.iterdir()} == {".json", ".safetensors"}
    assert json.loads((folder / "vizitka.json").read_text(encoding="utf-8"))["format"] == bundles.FORMAT
    assert "span_head.weight" in load_file(folder / "model.safetensors")


def test_saving_replaces_a_model_and_leaves_nothing_beside_it(bundle: Bundle, folder: Path) -> None:
    (folder / "stale.json").write_text("{}", encoding="utf-8")
    bundles.save(bundle, folder)
    assert not (folder / "stale.json").exists()
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_a_save_that_fails_leaves_the_old_model(
    bundle: Bundle, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(OSError, match="no space"):
        bundles.save(bundle, folder)
    monkeypatch.undo()
    assert bundles.load(folder).schema == bundle.schema
    bundles.save(bundle, folder)  # what the killed one left behind is no obstacle


def test_saving_over_a_link_to_a_model_works(bundle: Bundle, folder: Path) -> None:
    link = folder.with_name("latest")
    link.symlink_to(folder, target_is_directory=True)
    bundles.save(bundle, link)
    assert bundles.load(link).schema == bundle.schema


# --- folders that can't be loaded


def test_another_format_names_both_versions_and_the_ways_out(folder: Path) -> None:
    edit(folder, lambda description: description.update(format=99))
    with pytest.raises(BundleError, match=r"model: model format 99, this Vizitka reads 1; train it again"):
        bundles.load(folder)


def test_a_missing_folder_and_one_of_something_else_say_how_to_get_a_model(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(BundleError, match=r"no model folder \(vizitka\.json is missing\); train one"):
            bundles.load(path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"5", b"{}", b"\xff\xfe"])
def test_a_broken_description_is_named(folder: Path, content: bytes) -> None:
    (folder / "vizitka.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"vizitka\.json: unreadable .*python -m train"):
        bundles.load(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_missing_file_makes_a_damaged_folder(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(BundleError, match="damaged model folder") as caught:
        bundles.load(folder)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json"])
def test_broken_json_makes_a_damaged_folder(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"{")
    with pytest.raises(BundleError, match="damaged model folder"):
        bundles.load(folder)


@pytest.mark.parametrize("keep", [0, 4, 100, -100])
def test_truncated_weights_make_a_damaged_folder(folder: Path, keep: int) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(BundleError, match="damaged model folder"):
        bundles.load(folder)


def drop_schema(description: dict[str, Any]) -> None:
    del description["schema"]


@pytest.mark.parametrize(
    "change",
    [
        drop_schema,
        lambda d: d["schema"].update(labels=["A"]),  # weights of another shape
        lambda d: d["schema"].update(labels=5),
        lambda d: d["schema"].update(colour="red"),
        lambda d: d["settings"].update(unit="letter"),
        lambda d: d["settings"].update(colour="red"),
        lambda d: d["settings"]["windows"].update(overlap=99),
    ],
    ids=["no schema", "other shape", "labels", "schema key", "unit", "settings key", "overlap"],
)
def test_contents_that_make_no_sense_make_a_damaged_folder(
    folder: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    edit(folder, change)
    with pytest.raises(BundleError, match="damaged model folder"):
        bundles.load(folder)


def test_a_schema_that_is_a_list_makes_a_damaged_folder(folder: Path) -> None:
    edit(folder, lambda description: description.update(schema=[]))
    with pytest.raises(BundleError, match="damaged model folder"):
        bundles.load(folder)


# --- backbones


def test_a_backbone_folder_starts_a_model(backbone: Path, schema: Schema) -> None:
    made = bundles.start(str(backbone), schema, SMALL)
    assert (made.model.labels, made.model.events) == (3, 3)
    weights = load_file(backbone / "model.safetensors")
    name = "embeddings.word_embeddings.weight"
    assert torch.equal(made.model.encoder.state_dict()[name], weights[name]), "pre-trained, not new"


def test_a_backbone_that_is_neither_folder_nor_on_the_hub_says_how_to_get_it(
    schema: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # read when first imported
    with pytest.raises(BundleError) as caught:
        bundles.start("someone/rubert", schema, SMALL)
    for part in (
        "backbone someone/rubert: neither a folder here nor reachable",
        "hf download someone/rubert --local-dir rubert",
        "set backbone=rubert",
    ):
        assert part in str(caught.value)


def test_a_folder_without_a_model_is_not_looked_for_on_the_hub(schema: Schema, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="the folder holds no usable model"):
        bundles.start(str(tmp_path), schema, SMALL)


def test_a_backbone_without_weights_is_refused(backbone: Path, schema: Schema, tmp_path: Path) -> None:
    shutil.copytree(backbone, tmp_path / "copy")
    (tmp_path / "copy/model.safetensors").unlink()
    with pytest.raises(BundleError, match="the folder holds no usable model"):
        bundles.start(str(tmp_path / "copy"), schema, SMALL)


def test_a_backbone_with_truncated_weights_is_refused(backbone: Path, schema: Schema, tmp_path: Path) -> None:
    shutil.copytree(backbone, tmp_path / "copy")
    (tmp_path / "copy/model.safetensors").write_bytes(b"{")
    with pytest.raises(BundleError, match="the folder holds no usable model"):
        bundles.start(str(tmp_path / "copy"), schema, SMALL)


def test_windows_larger_than_the_backbones_positions_are_refused_with_the_limit(
    backbone: Path, schema: Schema
) -> None:
    bundles.start(str(backbone), schema, ModelSettings(windows=WindowSettings(size=64, overlap=8)))
    with pytest.raises(
        BundleError, match=r"windows\.size=65 is more than the 64 positions .*size=64 or less"
    ):
        bundles.start(str(backbone), schema, ModelSettings(windows=WindowSettings(size=65, overlap=8)))


TINY = {"vocab_size": 300, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
LONG = "Губернатор встретился с делегацией. " * 40


def test_windows_of_exactly_the_positions_can_be_used(backbone: Path, schema: Schema, tmp_path: Path) -> None:
    shutil.copytree(backbone, tmp_path / "copy")
    BertModel(BertConfig(**TINY, max_position_embeddings=40)).save_pretrained(tmp_path / "copy")
    settings = ModelSettings(windows=WindowSettings(size=40, overlap=8))
    assert Extractor(bundles.start(str(tmp_path / "copy"), schema, settings)).extract(LONG).text == LONG


def test_windows_that_a_roberta_cannot_hold_are_refused(
    backbone: Path, schema: Schema, tmp_path: Path
) -> None:
    shutil.copytree(backbone, tmp_path / "copy")
    config = RobertaConfig(**TINY, max_position_embeddings=66, pad_token_id=1)
    RobertaModel(config).save_pretrained(tmp_path / "copy")
    with pytest.raises(BundleError, match=r"windows\.size"):
        bundles.start(
            str(tmp_path / "copy"), schema, ModelSettings(windows=WindowSettings(size=66, overlap=8))
        )
