"""Distillation: a student of few layers learns to give the hidden states that its teacher gives.

Teacher and student read the same pieces with the same embeddings, so states are compared token by token.
Layer k of the student follows layer k * (teacher's layers / student's layers) of the teacher (patient
distillation, Sun et al. 2019, arXiv 1908.09355); a share of the student's input is masked, so that it
also learns to tell a piece from its surroundings. The embeddings stay as they are: they are the teacher's
own, and a piece that the texts don't hold must not be left behind.

Transformers' `Trainer` runs it, so that a killed run goes on and a GPU is used where there is one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset
from transformers import BertModel, PreTrainedTokenizerBase, Trainer, TrainingArguments, set_seed

from infer.config import Settings
from infer.extractor import has_bfloat16, pick_device

Probe = Callable[[BertModel], float]


class DistillSettings(Settings):
    """Values and reasons are in configs/pretrain.yaml."""

    per_text: int = Field(ge=1, description="characters taken of one text")
    length: int = Field(ge=8, description="pieces in a block, special ones included")
    batch_size: int = Field(ge=1, description="blocks a step")
    steps: int = Field(ge=1)
    round: int = Field(ge=1, description="steps between checkpoints, each with its loss and probe score")
    learning_rate: float = Field(gt=0)
    masked: float = Field(ge=0, lt=1, description="share of the student's pieces hidden from it")


@dataclass(frozen=True, slots=True)
class Blocks(Dataset[dict[str, Tensor]]):
    """Stretches of text: pieces [blocks, length], special ones at both ends."""

    ids: Tensor

    @classmethod
    def of(cls, texts: Iterable[str], tokenizer: PreTrainedTokenizerBase, length: int) -> Blocks:
        """Texts end to end, cut into blocks of one length; a rest that fills none is left out."""
        pieces: list[int] = []
        for text in texts:
            pieces += tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids
        count = len(pieces) // (length - 2)
        inner = torch.tensor(pieces[: count * (length - 2)], dtype=torch.int32).reshape(count, length - 2)
        first = torch.full((count, 1), int(tokenizer.cls_token_id or 0), dtype=torch.int32)
        last = torch.full((count, 1), int(tokenizer.sep_token_id or 0), dtype=torch.int32)
        return cls(torch.cat([first, inner, last], dim=1))

    def split(self, count: int) -> tuple[Blocks, Blocks]:
        """The first so many blocks, and the rest."""
        return Blocks(self.ids[:count]), Blocks(self.ids[count:])

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"ids": self.ids[index].long()}


class Distiller(nn.Module):
    """The student with its loss; the teacher is kept out of the parameters and of the checkpoints."""

    def __init__(self, student: BertModel, teacher: BertModel, mask_id: int, masked: float) -> None:
        super().__init__()
        self.student = student
        self._teacher = (teacher,)
        teacher.eval()  # type: ignore[no-untyped-call]
        self.mask_id, self.masked = mask_id, masked
        self.stride = teacher.config.num_hidden_layers // student.config.num_hidden_layers

    def forward(self, ids: Tensor) -> dict[str, Tensor]:
        """Of `ids` [B, L]: the mean over layers of the squared distance of normalised states."""
        teacher = self._teacher[0].to(ids.device)  # type: ignore[arg-type]
        with torch.no_grad():
            wanted = teacher(input_ids=ids, output_hidden_states=True).hidden_states[:: self.stride][1:]
        shown = ids
        if self.training and self.masked:
            hidden = torch.rand(ids.shape, device=ids.device) < self.masked
            hidden[:, [0, -1]] = False
            shown = ids.masked_fill(hidden, self.mask_id)
        found = self.student(input_ids=shown, output_hidden_states=True).hidden_states[1:]
        losses = [distance(student, state) for student, state in zip(found, wanted, strict=True)]
        return {"loss": torch.stack(losses).mean(), "last": losses[-1].detach()}


def distance(found: Tensor, wanted: Tensor) -> Tensor:
    """Mean squared distance of states [B, L, H], each normalised over H: 2 - 2 * their correlation."""
    width = found.shape[-1:]
    left, right = (functional.layer_norm(states.float(), width) for states in (found, wanted))
    return functional.mse_loss(left, right)


def distil(
    student: BertModel,
    teacher: BertModel,
    blocks: Blocks,
    aside: Blocks,
    mask_id: int,
    settings: DistillSettings,
    folder: Path,
    probe: Probe,
) -> list[dict[str, float]]:
    """Train the student in place; checkpoints go under `folder`, where a killed run is taken up.

    Returns the curve: per round its step, loss on the blocks kept aside (all layers, the last), probe score.
    """
    set_seed(0)
    for module in student.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    student.embeddings.requires_grad_(False)
    trainer = ProbeTrainer(
        model=Distiller(student, teacher, mask_id, settings.masked),
        args=_arguments(settings, folder),
        train_dataset=blocks,
        eval_dataset=aside,
    )
    trainer.probe = probe
    trainer.curve_file = folder / "curve.json"
    trainer.train(resume_from_checkpoint=any(folder.glob("checkpoint-*")))
    return trainer.read_curve()


class ProbeTrainer(Trainer):
    """A Trainer whose evaluation is the loss on texts kept aside and a probe of the student."""

    probe: Probe
    curve_file: Path

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """The round's figures, also appended to the curve."""
        model, aside = self.model, self.eval_dataset
        assert isinstance(model, Distiller)
        assert isinstance(aside, Blocks)
        model.eval()
        with torch.inference_mode(), self.compute_loss_context_manager():
            parts = [model(ids.long().to(self.args.device)) for ids in torch.split(aside.ids, 16)]
        figures = {
            "step": float(self.state.global_step),
            "aside": torch.stack([part["loss"] for part in parts]).mean().item(),
            "last_layer": torch.stack([part["last"] for part in parts]).mean().item(),
            "probe": self.probe(model.student),
        }
        model.train()
        curve = [entry for entry in self.read_curve() if entry["step"] < figures["step"]]
        self.curve_file.write_text(json.dumps([*curve, figures], indent=1) + "\n", encoding="utf-8")
        print("  ".join(f"{name} {value:.4g}" for name, value in figures.items()), flush=True)
        return {f"eval_{name}": value for name, value in figures.items()}

    def read_curve(self) -> list[dict[str, float]]:
        """The rounds so far, those before a kill included."""
        if not self.curve_file.is_file():
            return []
        curve: list[dict[str, float]] = json.loads(self.curve_file.read_text(encoding="utf-8"))
        return curve


def _arguments(settings: DistillSettings, folder: Path) -> TrainingArguments:
    device = pick_device("auto")
    return TrainingArguments(
        output_dir=str(folder),
        max_steps=settings.steps,
        per_device_train_batch_size=settings.batch_size // PartialState().num_processes,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=0.05,
        weight_decay=0.01,
        bf16=has_bfloat16(device),
        use_cpu=device.type == "cpu",
        remove_unused_columns=False,
        eval_strategy="steps",
        eval_on_start=True,
        eval_steps=settings.round,
        save_steps=settings.round,
        save_total_limit=1,
        logging_steps=settings.round,
        report_to="none",
    )
