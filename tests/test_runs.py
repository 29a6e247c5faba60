"""The table of runs: newest first, and a folder that is no finished run is named as such."""

from __future__ import annotations

import json
import os
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from train.report import main


def _make_run(runs: Path, name: str, date: str, f1: float = 0.75, **config: Any) -> Path:
    folder = runs / name
    (folder / "model").mkdir(parents=True)
    manifest = {
        "date": date,
        "config": {"backbone": "/home/someone/models/tiny", "seed": 13, **config},
        "data": {"train_documents": 402},
        "seconds": 705,
    }
    score = {"f1": f1, "f1_interval": [f1 - 0.02, f1 + 0.03], "support": 9}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "metrics.json").write_text(
        json.dumps({"spans": {"micro": score}, "events": {"micro": score | {"support": 0}}}), encoding="utf-8"
    )
    (folder / "report.html").write_text("", encoding="utf-8")
    return folder


def _links(page: str) -> list[str]:
    links = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            links.extend(value or "" for key, value in attrs if key in ("href", "src"))

    Reader().feed(page)
    return links


def test_newest_first_with_scores_and_links(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _make_run(tmp_path, "old", "2026-01-02T03:04:05")
    _make_run(tmp_path, "new & <b>", "2026-02-02T03:04:05", 0.8)
    (tmp_path / "latest").symlink_to("old", target_is_directory=True)
    assert main([str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("new & <b>")
    assert lines[2].split("  ")[0] == "old"
    assert len(lines) == 4  # latest is a link to a run, not one more
    assert "80.0 (78.0-83.0)" in lines[1]
    assert "2026-01-02 03:04  tiny" in lines[2]
    assert lines[2].split()[-2:] == ["–", "12"]  # no events in gold; minutes
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert _links(page) == ["new%20%26%20%3Cb%3E/report.html", "old/report.html"]
    assert "<b>" not in page
    assert "/home/someone" not in page


def test_unfinished_and_broken_runs_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _make_run(tmp_path, "a-fine", "2026-01-01T00:00:00")
    (tmp_path / "b-killed/checkpoints").mkdir(parents=True)
    (_make_run(tmp_path, "d-cut", "2026-01-01T00:00:00") / "manifest.json").write_text("{")
    (_make_run(tmp_path, "e-alien", "2026-01-01T00:00:00") / "manifest.json").write_text("[]")
    (_make_run(tmp_path, "f-lacking", "2026-01-01T00:00:00") / "metrics.json").write_text("{}")
    (_make_run(tmp_path, "g-no-metrics", "2026-01-01T00:00:00") / "metrics.json").unlink()
    for folder in tmp_path.iterdir():
        os.utime(folder, (0, 0))
    assert main([str(tmp_path)]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "75.0" in lines["a-fine"]
    assert "unfinished" in lines["b-killed"]
    assert "--resume" in lines["b-killed"]
    for name in ("d-cut", "e-alien", "f-lacking", "g-no-metrics"):
        assert "broken" in lines[name], name
    assert "'spans'" in lines["f-lacking"]
    assert "no metrics.json" in lines["g-no-metrics"]
    assert "manifest.json is not JSON" in lines["d-cut"]


def test_a_cross_validation_has_its_pooled_scores(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _make_run(tmp_path, "folds", "2026-01-01T00:00:00")
    pooled = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    (folder / "metrics.json").unlink()
    (folder / "model").rmdir()
    values = {"folds": [["a"], ["b"], ["c"]], "pooled": pooled}
    (folder / "folds.json").write_text(json.dumps(values), encoding="utf-8")
    (tmp_path / "killed/folds").mkdir(parents=True)
    assert main([str(tmp_path)]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "402 in 3 folds  13    75.0 (73.0-78.0)" in lines["folds"]
    assert "--resume" in lines["killed"]


def test_what_training_did_not_make_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo/manifest.json").write_text("{}", encoding="utf-8")  # of extractions
    (tmp_path / "pretrain/tuned/model").mkdir(parents=True)
    (tmp_path / "learning-curve/25/model").mkdir(parents=True)
    (tmp_path / "backbones.jsonl").write_text("", encoding="utf-8")
    assert main([str(tmp_path)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2, "head and the page's name"


def test_no_runs_folder_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none")]) == 2
    assert "python -m train" in capsys.readouterr().err


def test_an_empty_folder_has_an_empty_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("name")
