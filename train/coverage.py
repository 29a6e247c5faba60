"""How much of the texts a model answers for, counted from the windows that the extractor would cut."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerBase

from infer.align import tokenize
from infer.batching import token_range
from infer.config import ModelSettings
from infer.document import Document
from infer.windows import split

WORD_CHARACTER = re.compile(r"\w")


def coverage(
    documents: Sequence[Document], tokenizer: PreTrainedTokenizerBase | Tokenizer, settings: ModelSettings
) -> float:
    """The share of letters and digits that exactly one window reads whole and answers; 1.0 without any."""
    answered = total = 0
    for document in documents:
        units = tokenize([document.text], tokenizer, settings.unit)[0]
        answers: Counter[int] = Counter()
        for window in split(units.tokens, settings.windows.size - 2, settings.windows.overlap):
            first, last = token_range(units, window, settings.windows.size)
            for unit in range(window.answer_start, window.answer_end):
                begin, end = units.tokens[unit]
                answers[unit] += first <= begin and end <= last
        covered = bytearray(len(document.text))
        for unit, count in answers.items():
            if count == 1:
                start, end = units.spans[unit]
                covered[start:end] = b"\1" * (end - start)
        places = [match.start() for match in WORD_CHARACTER.finditer(document.text)]
        answered += sum(covered[place] for place in places)
        total += len(places)
    return answered / total if total else 1.0
