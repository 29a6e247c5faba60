"""Distillation on models of a few weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, BertConfig, BertModel

from train.distill import Blocks, Distiller, DistillSettings, distance, distil

SETTINGS = DistillSettings(
    per_text=100, length=12, batch_size=4, steps=30, round=10, learning_rate=0.01, masked=0.0
)


def make_bert(layers: int) -> BertModel:
    torch.manual_seed(layers)
    return BertModel(
        BertConfig(
            vocab_size=50,
            hidden_size=8,
            num_hidden_layers=layers,
            num_attention_heads=2,
            intermediate_size=16,
            max_position_embeddings=16,
            initializer_range=0.5,
        )
    )


def make_blocks(count: int) -> Blocks:
    return Blocks(torch.randint(5, 50, (count, 12), generator=torch.Generator().manual_seed(count)))


def test_blocks_hold_every_piece_once_between_special_ones(backbone: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(backbone)
    texts = ["Губернатор встретился", "с делегацией провинции Хэйлунцзян."]
    blocks = Blocks.of(texts, tokenizer, 8)
    expected = [i for text in texts for i in tokenizer(text, add_special_tokens=False)["input_ids"]]
    assert blocks.ids[:, 1:-1].flatten().tolist() == expected[: len(blocks) * 6]
    assert len(expected) - len(blocks) * 6 < 6
    assert set(blocks.ids[:, 0].tolist()) == {tokenizer.cls_token_id}
    assert set(blocks.ids[:, -1].tolist()) == {tokenizer.sep_token_id}
    first, rest = blocks.split(1)
    assert torch.equal(torch.cat([first.ids, rest.ids]), blocks.ids)


@given(st.integers(0, 1000), st.floats(0.1, 10), st.floats(-3, 3))
def test_distance_ignores_scale_and_shift(seed: int, scale: float, shift: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    left, right = torch.randn(2, 2, 3, 8, generator=generator)
    assert distance(left, left * scale + shift).item() == pytest.approx(0, abs=1e-3)
    assert distance(left, right).item() == pytest.approx(
        distance(right, left * scale + shift).item(), abs=1e-2
    )
    assert distance(left, -left).item() == pytest.approx(4, abs=1e-2)


def test_a_student_that_is_its_teacher_has_no_loss() -> None:
    teacher = make_bert(2)
    model = Distiller(teacher, teacher, mask_id=4, masked=0.5).eval()
    assert model(make_blocks(4).ids)["loss"].item() == pytest.approx(0, abs=1e-6)


def test_the_student_follows_every_second_layer() -> None:
    teacher, student = make_bert(4), make_bert(2)
    student.embeddings.load_state_dict(teacher.embeddings.state_dict())
    model = Distiller(student.eval(), teacher, mask_id=4, masked=0.0).eval()
    ids = make_blocks(4).ids
    wanted = teacher(input_ids=ids, output_hidden_states=True).hidden_states
    found = student(input_ids=ids, output_hidden_states=True).hidden_states
    expected = (distance(found[1], wanted[2]) + distance(found[2], wanted[4])) / 2
    assert model(ids)["loss"].item() == pytest.approx(expected.item(), abs=1e-6)
    assert len(model.state_dict()) == len(student.state_dict())  # the teacher is not saved with it


def test_masking_hides_pieces_but_never_the_special_ones() -> None:
    seen: list[torch.Tensor] = []
    student, teacher = make_bert(1), make_bert(1)
    student.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(kwargs["input_ids"]), with_kwargs=True
    )
    model = Distiller(student, teacher, mask_id=4, masked=0.9).train()
    ids = make_blocks(8).ids
    model(ids)
    assert (seen[0][:, 1:-1] == 4).float().mean() > 0.5
    assert torch.equal(seen[0][:, [0, -1]], ids[:, [0, -1]])


@pytest.mark.slow
def test_it_learns_and_a_killed_run_goes_on(tmp_path: Path) -> None:
    def run(folder: Path, steps: int) -> list[dict[str, float]]:
        teacher, student = make_bert(4), make_bert(2)
        student.embeddings.load_state_dict(teacher.embeddings.state_dict())
        settings = SETTINGS.model_copy(update={"steps": steps})
        before = student.embeddings.word_embeddings.weight.clone()
        curve = distil(student, teacher, make_blocks(64), make_blocks(8), 4, settings, folder, lambda _: 0.5)
        assert torch.equal(before, student.embeddings.word_embeddings.weight)
        return curve

    curve = run(tmp_path / "whole", 30)
    assert [entry["step"] for entry in curve] == [0, 10, 20, 30]
    assert curve[-1]["aside"] < 0.7 * curve[0]["aside"]
    assert {entry["probe"] for entry in curve} == {0.5}
    run(tmp_path / "killed", 20)  # as if killed after step 20
    assert [entry["step"] for entry in run(tmp_path / "killed", 30)] == [0, 10, 20, 30]
    assert json.loads((tmp_path / "killed/curve.json").read_text())[-1]["step"] == 30
