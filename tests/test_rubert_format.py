"""A backbone in DeepPavlov/rubert-base-cased's format: cased WordPiece in vocab.txt, weights in a .bin."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel

from infer import bundle as bundles
from infer.align import to_units, tokenize
from infer.config import ModelSettings, WindowSettings
from infer.document import Span
from infer.extractor import Extractor
from infer.schema import Schema

PIECES = [
    "Йош",
    "##кар",
    "-",
    "Ола",
    "ёл",
    "##ка",
    "и",
    "й",
    "##й",
    "Кита",
    "ели",
    "Мэр",
    "##а",
    "«",
    "»",
    ".",
]
TEXT = "Мэр «Йошкар-Ола» 😀 и ёлка\r\nКитай ☃дом ели."


@pytest.fixture(scope="module")
def rubert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rubert-base-cased")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *PIECES]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": False}))
    config = BertConfig(
        architectures=["BertModel"],
        vocab_size=len(words),
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=12,
        intermediate_size=96,
        max_position_embeddings=64,
    )
    config.save_pretrained(folder)
    torch.manual_seed(0)
    weights = {f"bert.{name}": tensor for name, tensor in BertModel(config).state_dict().items()}
    torch.save(weights, folder / "pytorch_model.bin")
    return folder


def start(folder: Path) -> bundles.Bundle:
    settings = ModelSettings(windows=WindowSettings(size=24, overlap=8))
    return bundles.start(str(folder), Schema(("PARTNER",), ("visit",)), settings)


def test_tokens_are_cased_and_exact(rubert: Path) -> None:
    encoding = start(rubert).tokenizer(TEXT, return_offsets_mapping=True, add_special_tokens=False)
    tokens = start(rubert).tokenizer.convert_ids_to_tokens(encoding["input_ids"])
    said = [(token, TEXT[a:b]) for token, (a, b) in zip(tokens, encoding["offset_mapping"], strict=True)]
    for token, text in said:
        assert token == "[UNK]" or token.removeprefix("##") == text
    pieces = [token for token, _ in said]
    assert pieces[:3] == ["Мэр", "«", "Йош"]
    assert ("ёл", "ёл") in said
    assert ("##й", "й") in said
    assert "😀" in [text for token, text in said if token == "[UNK]"]


def test_words_that_the_vocabulary_lacks_keep_their_offsets(rubert: Path) -> None:
    bundle = start(rubert)
    units = tokenize([TEXT], bundle.tokenizer, "word")[0]
    for word in ("Йошкар", "ёлка", "Китай", "дом"):
        place = TEXT.index(word)
        ranges, lost = to_units([Span(place, place + len(word), "PARTNER")], units)
        assert not lost
        (first, stop, _), *_ = ranges
        assert TEXT[units.spans[first][0] : units.spans[stop - 1][1]] == word


def test_it_is_extracted_with_saved_and_loaded_again(rubert: Path, tmp_path: Path) -> None:
    bundle = start(rubert)
    torch.nn.init.normal_(bundle.model.span_head.weight, std=0.5)
    bundles.save(bundle, tmp_path / "model")
    before, after = (
        extractor.extract(TEXT * 9) for extractor in (Extractor(bundle), Extractor.load(tmp_path / "model"))
    )
    assert before == after
    assert not list((tmp_path / "model").glob("*.bin"))


def test_the_pretrained_weights_are_read(rubert: Path) -> None:
    expected = torch.load(rubert / "pytorch_model.bin", weights_only=True)
    found = start(rubert).model.encoder.state_dict()
    name = "encoder.layer.1.output.dense.weight"
    assert torch.equal(found[name], expected[f"bert.{name}"])
