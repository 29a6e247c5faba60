"""What flows through Vizitka: a text with labelled spans and event types.

Invariants: `[start, end)` are offsets in Unicode code points of the untouched `text`; every span lies
inside its document and is not empty, so `text[start:end]` is always the marked string. Both types are
frozen: a stage makes a new Document (`dataclasses.replace`), it never edits one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Code points `[start, end)` of a text with their label; `score` is a probability, None for gold.

    `uncertain`: scored below the label's threshold, by a model told to mark such spans and not to drop them.
    """

    start: int
    end: int
    label: str
    score: float | None = field(default=None, compare=False)
    uncertain: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"a span needs 0 <= start < end, not [{self.start}, {self.end}) {self.label}")

    def overlaps(self, other: Span) -> bool:
        """Whether the two share a character, whatever their labels."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Document:
    """A text with its spans (sorted), its event types and, once extracted, each event's probability."""

    id: str
    text: str
    spans: tuple[Span, ...] = ()
    events: tuple[str, ...] = ()
    event_scores: Mapping[str, float] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.spans and max(span.end for span in self.spans) > len(self.text):
            raise ValueError(f"document {self.id}: a span ends past the text's {len(self.text)} characters")
        object.__setattr__(self, "spans", tuple(sorted(self.spans)))

    def quote(self, span: Span) -> str:
        """The characters that the span covers."""
        return self.text[span.start : span.end]
