"""Vizitka's inference: a model folder and this package are all that a deployment needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infer.document import Document, Span
    from infer.extractor import Extractor

__all__ = ["Document", "Extractor", "Span"]


def __getattr__(name: str) -> Any:
    """Import on first use: `python -m infer --help` should not wait for torch."""
    if name == "Extractor":
        from infer.extractor import Extractor

        return Extractor
    if name in ("Document", "Span"):
        from infer import document

        return getattr(document, name)
    raise AttributeError(f"module 'infer' has no attribute {name!r}")
