"""Keeping memory is a favour to speed: it must never stop a run."""

from __future__ import annotations

import ctypes

import pytest

from infer.memory import keep_memory


def test_the_allocator_is_told_to_keep_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    told = []

    class Library:
        def mallopt(self, parameter: int, value: int) -> int:
            told.append((parameter, value))
            return 1

    monkeypatch.setattr(ctypes, "CDLL", lambda name: Library())
    keep_memory()
    assert told == [(-1, 2**31 - 1), (-4, 0)]


@pytest.mark.parametrize("error", [OSError, AttributeError, TypeError])
def test_a_system_without_glibc_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def refuse(name: str | None) -> None:
        raise error

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    keep_memory()
