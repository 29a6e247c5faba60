"""A tiny backbone and schema, built in code: no network, milliseconds to train a step."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from infer import bundle as bundles
from infer.bundle import Bundle
from infer.config import ModelSettings, WindowSettings
from infer.document import Document
from infer.schema import Schema, parse_schema

pytest.register_assert_rewrite("tests.teacher")

ROOT = Path(__file__).resolve().parent.parent
TEXTS = (
    "Губернатор Алексей Островский встретился с делегацией провинции Хэйлунцзян.",
    "Компания «Фуяо» подписала меморандум о развитии солнечной энергетики и туризма.",
    "Выставка открылась в Калуге, посол Индии Раджеш Шарма осмотрел стенды. The Q-Carbon Co., Ltd. 2018",
)


@pytest.fixture(scope="session")
def schema() -> Schema:
    return parse_schema((ROOT / "annotations/labeling_config.xml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 2 x 32 BERT with a cased WordPiece vocabulary of single letters and threes of letters."""
    folder = tmp_path_factory.mktemp("backbone")
    tokenizer = Tokenizer(models.WordPiece(list_pieces(), unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def list_pieces() -> dict[str, int]:
    """The same pieces in the same order at any time, which a trained vocabulary would not have."""
    words = re.findall(r"\w+|[^\w\s]", " ".join(TEXTS))
    letters = {letter for word in words for letter in word}
    threes = {word[i : i + 3] for word in words for i in range(0, len(word), 3)}
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = sorted(letters | threes)
    return {
        piece: number for number, piece in enumerate([*special, *pieces, *(f"##{piece}" for piece in pieces)])
    }


@pytest.fixture
def bundle(backbone: Path, schema: Schema) -> Bundle:
    """An untrained model whose heads still say something, with windows so small that texts need several."""
    torch.manual_seed(1)
    settings = ModelSettings(windows=WindowSettings(size=24, overlap=8))
    made = bundles.start(str(backbone), schema, settings)
    torch.nn.init.normal_(made.model.span_head.weight, std=0.5)
    torch.nn.init.normal_(made.model.event_attention.weight, std=0.5)
    made.model.eval()
    return made


@pytest.fixture(scope="session")
def documents() -> list[Document]:
    """Texts of very different lengths, none of them annotated."""
    joined = " ".join(TEXTS)
    return [
        Document("short", "Да"),
        Document("one", TEXTS[0]),
        Document("long", " ".join([joined] * 12)),
        Document("two", TEXTS[1]),
        Document("space", " \n\t "),
    ]


@pytest.fixture
def model(bundle: Bundle, tmp_path: Path) -> Path:
    """The tiny model as a folder."""
    bundles.save(bundle, tmp_path / "model")
    return tmp_path / "model"
