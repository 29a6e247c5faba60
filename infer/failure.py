"""An input that gives no record, and how a reader says that it can't go on.

Contract: a reader yields a Failure for a part (a row, a member of an archive) and goes on with the next, and
raises ReadError when nothing more of its file can be read. No other exception leaves a reader but OSError.
A full disk of temporary files is such a one: no fault of the input, it ends the run.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failure:
    """An input that gives no record: why, and what to do about it."""

    id: str
    reason: str
    hint: str


class ReadError(Exception):
    """Nothing more of this file can be read."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.reason, self.hint = reason, hint


@contextmanager
def foreign_parser(reason: str, hint: str) -> Iterator[None]:
    """Whatever a third-party parser raises on arbitrary input, as ReadError with its words in brackets."""
    try:
        yield
    except ReadError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        said = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise ReadError(f"{reason} ({said[:200]})", hint) from None
