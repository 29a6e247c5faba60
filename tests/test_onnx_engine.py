from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from infer import bundle as bundles
from infer import engine as engines
from infer import onnx_engine
from infer.__main__ import main
from infer.align import tokenize
from infer.batching import Batch, Frame, make_batch
from infer.bundle import Bundle, fingerprint_of
from infer.config import RunSettings
from infer.document import Document
from infer.engine import EngineError, pick_engine
from infer.extractor import Extractor
from infer.onnx_engine import OnnxEngine, load_export
from infer.torch_engine import TorchEngine
from infer.windows import split

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")
torch = pytest.importorskip("torch")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def batch(bundle: Bundle, documents: list[Document]) -> Batch:
    """Windows of several lengths, padded together."""
    jobs = [
        (units, window)
        for units in tokenize([document.text for document in documents], bundle.tokenizer)
        for window in split(units.tokens, 22, 8)
    ]
    return make_batch(jobs, Frame.of(bundle.tokenizer), 24, "mean")


def onnx(precision: Any = "auto", **settings: Any) -> RunSettings:
    return RunSettings(engine="onnx", precision=precision, **settings)


def test_float32_logits_are_those_of_torch(bundle: Bundle, model: Path, batch: Batch) -> None:
    expected = TorchEngine(bundle.model, torch.device("cpu"), False).answer(batch)
    found = OnnxEngine(load_export(model, "float32")).answer(batch)
    inside = batch.pool.any(axis=-1)  # what stands at padding means nothing
    assert inside.any(axis=1).sum() > 5
    for name in ("spans", "attention", "evidence"):
        one, other = getattr(found, name)[inside], getattr(expected, name)[inside]
        assert np.abs(one - other).max() < 1e-4


def test_float32_extractions_are_those_of_torch(model: Path, documents: list[Document]) -> None:
    expected = list(Extractor.load(model).extract_many(documents))
    found = list(Extractor.load(model, onnx("float32")).extract_many(documents))
    assert [(d.id, d.text, d.spans, d.events) for d in found] == [
        (d.id, d.text, d.spans, d.events) for d in expected
    ]
    for one, other in zip(found, expected, strict=True):
        assert one.event_scores == pytest.approx(other.event_scores, abs=1e-4)


def test_int8_is_near_and_the_default(model: Path, documents: list[Document]) -> None:
    expected = list(Extractor.load(model).extract_many(documents))
    extractor = Extractor.load(model, onnx())
    assert extractor.engine.name == "onnx cpu int8"
    found = list(extractor.extract_many(documents))
    for one, other in zip(found, expected, strict=True):
        assert one.event_scores == pytest.approx(other.event_scores, abs=0.02)
    assert found[2].event_scores != expected[2].event_scores


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_batches_change_nothing(model: Path, documents: list[Document], precision: str) -> None:
    one, other = (
        list(Extractor.load(model, onnx(precision, batch_tokens=tokens)).extract_many(documents))
        for tokens in (1, 4096)
    )
    assert [document.spans for document in one] == [document.spans for document in other]
    for first, second in zip(one, other, strict=True):
        assert first.event_scores == pytest.approx(second.event_scores, abs=1e-5)


matrices = arrays(
    np.float32, st.tuples(st.integers(1, 300), st.integers(1, 5)), elements=st.floats(-9, 9, width=32)
)


@given(matrices)
def test_blocks_hold_a_matrix_to_half_a_step(matrix: Any) -> None:
    from infer.export import to_blocks

    integers, scales = to_blocks(matrix)
    restored = ((integers.astype(np.float32) - 128) * scales[..., None]).reshape(matrix.shape[1], -1).T
    step = np.repeat(scales, integers.shape[-1], axis=1).T[: len(matrix)]
    assert (np.abs(restored[: len(matrix)] - matrix) <= step * 0.501 + 1e-30).all()
    assert not restored[len(matrix) :].any(), "the rest of the last block is zero"


# --- what is kept


def test_an_export_is_kept_and_used_again(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint_of(model)
    first = load_export(model, "int8")
    assert first.graph.parent.parent == model / "onnx"
    assert fingerprint_of(model) == before, "the cache is no part of the model"
    monkeypatch.setattr("infer.export.export", lambda *_: pytest.fail("made again"))
    assert load_export(model, "int8").graph == first.graph


def test_another_model_in_the_folder_gets_another_export(bundle: Bundle, model: Path) -> None:
    first = load_export(model, "int8")
    cache = model / "onnx"
    kept = cache.rename(model.parent / "onnx")
    with torch.no_grad():
        bundle.model.event_bias.add_(1)
    bundles.save(bundle, model)
    kept.rename(cache)
    second = load_export(model, "int8")
    assert second.graph != first.graph
    assert second.event_bias.tolist() == pytest.approx((first.event_bias + 1).tolist())


def test_a_folder_that_can_not_be_written_has_its_export_elsewhere(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    graph = load_export(model, "int8").graph
    assert graph.parent.parent.parent == tmp_path
    assert graph.parent.parent.stat().st_mode & 0o777 == 0o700
    assert not (model / "onnx").exists()


def test_an_export_that_fails_leaves_nothing(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Path, folder: Path, __: str) -> None:
        (folder / "model.onnx").write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr("infer.export.export", fail)
    with pytest.raises(OSError, match="no space"):
        load_export(model, "int8")
    assert list((model / "onnx").iterdir()) == []


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "export.json"])
def test_a_damaged_export_says_what_to_delete(model: Path, name: str) -> None:
    graph = load_export(model, "int8").graph
    (graph.parent / name).write_text("{}", encoding="utf-8")
    with pytest.raises(EngineError, match=r"onnx/\w+-int8: damaged export .*delete that folder"):
        Extractor.load(model, onnx())


def test_a_model_that_can_not_be_exported_says_so(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("an operator that ONNX lacks\nand more")

    monkeypatch.setattr("torch.onnx.export", refuse)
    with pytest.raises(EngineError, match=r"\(an operator that ONNX lacks\); use --engine torch"):
        load_export(model, "int8")


# --- which engine


def test_the_engine_is_picked_by_device_and_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(engines, "DRIVER", tmp_path / "none")
    assert pick_engine(RunSettings()) == "torch"
    assert pick_engine(RunSettings(engine="auto")) == "onnx"
    assert pick_engine(RunSettings(engine="auto", device="cuda")) == "torch"
    monkeypatch.setattr(engines, "DRIVER", tmp_path)
    assert pick_engine(RunSettings(engine="auto")) == "torch"
    assert pick_engine(RunSettings(engine="auto", device="cpu")) == "onnx"
    with pytest.raises(EngineError, match="engine onnx runs on the CPU, not on cuda"):
        pick_engine(onnx(device="cuda"))
    monkeypatch.setattr(engines, "find_spec", lambda _: None)
    assert pick_engine(RunSettings(engine="auto", device="cpu")) == "torch"
    with pytest.raises(EngineError, match=r"pip install 'vizitka\[onnx\]'"):
        pick_engine(onnx())


@pytest.mark.parametrize(("engine", "precision"), [("torch", "int8"), ("onnx", "bfloat16"), ("auto", "int8")])
def test_a_precision_that_the_engine_lacks_is_refused(engine: Any, precision: Any) -> None:
    with pytest.raises(ValueError, match=f"precision {precision} needs engine"):
        RunSettings(engine=engine, precision=precision)


def test_the_command_says_its_engine_and_does_again_what_another_did(model: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/1.txt").write_text("Губернатор встретился с делегацией провинции.", encoding="utf-8")
    output = tmp_path / "out"
    scores = []
    for engine in ("torch", "onnx"):
        options = [str(tmp_path / "in"), "--model", str(model), "--output", str(output), "--engine", engine]
        assert main(options) == 0
        manifest = json.loads((output / "manifest.json").read_text(encoding="utf-8"))
        assert manifest["model"]["engine"].startswith(engine)
        scores.append(json.loads((output / "extractions.jsonl").read_text(encoding="utf-8"))["event_scores"])
    assert scores[0] != scores[1]
    assert scores[0] == pytest.approx(scores[1], abs=0.02)


def test_an_extractor_without_torch(model: Path) -> None:
    load_export(model, "int8")
    script = (
        "import sys\n"
        "from infer.config import RunSettings\n"
        "from infer.extractor import Extractor\n"
        f"extractor = Extractor.load({str(model)!r}, RunSettings(engine='onnx'))\n"
        "print(extractor.extract('Губернатор').event_scores['visit'])\n"
        "assert not {'torch', 'transformers', 'onnx'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_cache_is_not_someone_elses(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    (tmp_path / "planted").mkdir()
    (tmp_path / f"vizitka-{onnx_engine.os.getuid()}").symlink_to(tmp_path / "planted")
    with pytest.raises(EngineError, match="belongs to someone else"):
        load_export(model, "int8")
