"""Files that appear under their name only when they are complete."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name to write to; renamed to `path` on success, removed when the block raises."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        yield partial
        with partial.open("r+b") as file:  # Windows has fsync for files open for writing only
            os.fsync(file.fileno())  # or else a power cut could leave the name with nothing in it
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
