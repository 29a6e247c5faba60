"""The report's words: Russian names beside the English terms, numbers as Russian writes them, safe text."""

from __future__ import annotations

import re
from html import escape

from train.matching import BOTH, BOUNDS, LABEL, MISSED, SPURIOUS

KINDS = {
    BOUNDS: "границы",
    LABEL: "метка",
    BOTH: "метка и границы",
    MISSED: "пропуск",
    SPURIOUS: "лишнее",
}
TERMS = {
    BOUNDS: "boundary",
    LABEL: "label",
    BOTH: "both",
    MISSED: "missed",
    SPURIOUS: "spurious",
}
GROUPS = {
    "spans": "Упоминания, строго (spans, strict)",
    "spans_partial": "Упоминания, частично (spans, partial)",
    "entities": "Сущности в статье (entities)",
    "events": "События (events)",
}
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def clean(text: str) -> str:
    """The text with what HTML or UTF-8 can't hold replaced by U+FFFD, character by character."""
    return UNPRINTABLE.sub("\ufffd", text)


def safe(value: object) -> str:
    """Text that is safe in elements and quoted attributes."""
    return escape(clean(str(value)))


def percent(share: float) -> str:
    """A share as percents without the sign: 0.749 is «74,9»."""
    return decimal(100 * share, 1)


def decimal(value: float, digits: int) -> str:
    """A number with a decimal comma."""
    return f"{value:.{digits}f}".replace(".", ",")


def signed(value: float) -> str:
    """A difference with its sign and one decimal."""
    return f"{value:+.1f}".replace(".", ",").replace("-", "−")


def count(number: int, one: str, few: str, many: str) -> str:
    """A number with its Russian noun."""
    if number % 10 == 1 and number % 100 != 11:
        return f"{number} {one}"
    return f"{number} {few if number % 10 in (2, 3, 4) and number % 100 not in (12, 13, 14) else many}"


def count_articles(number: int) -> str:
    """«104 статьи»."""
    return count(number, "статья", "статьи", "статей")
