"""A run's files: there whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from train.report import write_json, write_text


def test_a_file_that_can_not_be_written_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    write_json(path, {"f1": 0.5})
    before = path.read_bytes()
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\ud800")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
