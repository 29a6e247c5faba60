"""Files that appear when they are complete."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from infer.files import replacing


def test_what_is_synced_can_be_written_as_windows_wants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = []
    monkeypatch.setattr(
        os, "fsync", lambda file: modes.append(fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE)
    )
    with replacing(tmp_path / "a") as partial:
        partial.write_text("whole", encoding="utf-8")
    assert (tmp_path / "a").read_text(encoding="utf-8") == "whole"
    assert modes == [os.O_RDWR]
