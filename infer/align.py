"""Character spans and the model's units, both directions.

A *unit* is the smallest thing a span is made of: a word or a single punctuation mark (or, with
`unit="piece"`, a piece of the tokenizer). Units are cut from the raw text by us, not by the tokenizer, so
every backbone sees the same ones; each unit knows the tokens that overlap it. Characters that give no
token (white space, controls that a tokenizer drops) belong to no unit.

Invariants: offsets are code points of the untouched text; units are ordered and disjoint; every token range
is inside `ids` and ranges never step back. A span that doesn't begin and end with a unit can't be
represented; `to_units` returns it rather than moving it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tokenizers import Encoding, Tokenizer

from infer.document import Span

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORABLE = r"\u00ad\u0300-\u036f\u200b-\u200d\u2060\ufe0f"  # soft hyphens, accents (NFD й), joiners
IDEOGRAPH = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"  # scripts without spaces: a character is a word
# A run of base64 has no words either: it is cut every 40 characters, longer than any word of a name.
WORD = re.compile(rf"[{IDEOGRAPH}]|(?:[^\W{IDEOGRAPH}][{IGNORABLE}]*){{1,40}}|[^\w\s]")

NOT_SPACE = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Units:
    """A tokenised text: `ids` without special tokens; unit k is characters `spans[k]`, tokens `tokens[k]`."""

    ids: list[int]
    spans: list[tuple[int, int]]
    tokens: list[tuple[int, int]]

    def __len__(self) -> int:
        return len(self.spans)


def backend(tokenizer: PreTrainedTokenizerBase | Tokenizer) -> Tokenizer:
    """The fast tokenizer behind a transformers one, or itself, set to encode untouched text whole."""
    fast: Tokenizer
    if isinstance(tokenizer, Tokenizer):
        fast = tokenizer
    elif tokenizer.is_fast:
        fast = tokenizer.backend_tokenizer
    else:
        raise ValueError(
            f"{tokenizer.name_or_path}: has no fast tokenizer, so its offsets can't be known; "
            "save the backbone with a tokenizer.json"
        )
    fast.no_truncation()
    fast.no_padding()
    fast.encode_special_tokens = True  # "<s>" or "[SEP]" inside a scraped page is text
    return fast


def tokenize(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase | Tokenizer, unit: str = "word"
) -> list[Units]:
    """Units of each text, in order; `unit` is "word" or "piece"."""
    encodings = backend(tokenizer).encode_batch(
        [_encodable(text) for text in texts], add_special_tokens=False
    )
    return [_units(text, encoding, unit) for text, encoding in zip(texts, encodings, strict=True)]


def _encodable(text: str) -> str:
    """The text with lone surrogates (half characters from broken JSON) replaced, of the same length."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _units(text: str, encoding: Encoding, unit: str) -> Units:
    if unit == "piece":
        cuts = _trimmed_pieces(text, encoding.offsets)
    else:
        cuts = [match.span() for match in WORD.finditer(text)]
    offsets = encoding.offsets
    units = Units(encoding.ids, [], [])
    first = 0
    for start, end in cuts:
        while first < len(offsets) and offsets[first][1] <= start:
            first += 1
        last = first
        while last < len(offsets) and offsets[last][0] < end:
            last += 1
        if last > first:
            units.spans.append((start, end))
            units.tokens.append((first, last))
    return units


def _trimmed_pieces(text: str, offsets: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Tokens' characters without white space; several tokens of one character (bytes) are one unit."""
    cuts: list[tuple[int, int]] = []
    reached = 0
    for start, end in offsets:
        for part in NOT_SPACE.finditer(text, max(start, reached), end):
            cuts.append(part.span())
            reached = part.end()
    return cuts


def to_units(spans: Iterable[Span], units: Units) -> tuple[list[tuple[int, int, str]], list[Span]]:
    """Spans as unit ranges `(first, last + 1, label)`, and the spans that no unit range equals."""
    starts = {start: index for index, (start, _) in enumerate(units.spans)}
    ends = {end: index + 1 for index, (_, end) in enumerate(units.spans)}
    ranges, lost = [], []
    for span in spans:
        if span.start in starts and span.end in ends:
            ranges.append((starts[span.start], ends[span.end], span.label))
        else:
            lost.append(span)
    return ranges, lost


def to_span(first: int, stop: int, label: str, units: Units, score: float | None = None) -> Span:
    """The characters of units `[first, stop)`: the inverse of `to_units` for one span."""
    return Span(units.spans[first][0], units.spans[stop - 1][1], label, score)
