"""What benchmarks measure: the same inputs each time; figures are kept only while they are true of them."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from benchmarks.backbones import Measurement, Task, average, print_table, read_measurements
from benchmarks.learning_curve import count_articles, is_done
from benchmarks.scale import Cost, compose, take_start_off, write_articles
from infer.document import Document
from infer.reading import read_documents
from train.config import TrainConfig, load_config
from train.provenance import digest, digest_backbone
from train.report import write_json

CONFIG = Path("configs/default.yaml")


@pytest.fixture
def backbone(tmp_path: Path) -> str:
    folder = tmp_path / "backbone"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    return str(folder)


def _finish(folder: Path, config: TrainConfig) -> None:
    """The manifest of a run, as far as it is looked at."""
    data = {
        "train_sha256": digest(config.data.train),
        "heldout_sha256": digest(config.data.heldout),
        "backbone_sha256": digest_backbone(config.backbone),
        "train": {"documents": 25},
    }
    folder.mkdir()
    write_json(folder / "manifest.json", {"config": config.model_dump(mode="json"), "data": data})


def test_a_run_is_repeated_when_config_or_backbone_changed(tmp_path: Path, backbone: str) -> None:
    config = load_config(CONFIG, [f"backbone={backbone}", "data.limit=25"])
    run = tmp_path / "25"
    assert not is_done(run, config)
    _finish(run, config)
    assert is_done(run, config)
    assert count_articles(run) == 25
    assert not is_done(run, load_config(CONFIG, [f"backbone={backbone}", "data.limit=25", "seed=7"]))
    Path(backbone, "model.safetensors").write_bytes(b"other weights")
    assert not is_done(run, config)


def test_a_measurement_is_of_the_weights_that_it_was_made_with(tmp_path: Path, backbone: str) -> None:
    task = Task(backbone, "own", None, 13, digest_backbone(backbone))
    figures = {"spans": 0.8, "interval": [0.7, 0.9], "events": None, "training_speed": 1.0}
    sizes = {"inference_speed": 2.0, "megabytes": 3.0, "peak_megabytes": 4.0}
    kept = {"backbone": backbone, "corpus": "own", "articles": None, "seed": 13}
    path = tmp_path / "backbones.jsonl"
    lines = [
        {"task": {**kept, "weights": task.weights}, **figures, **sizes},
        {"task": kept, **figures, **sizes},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    found = read_measurements(path)
    assert found[task] == Measurement(task, 0.8, (0.7, 0.9), None, 1.0, 2.0, 3.0, 4.0)
    Path(backbone, "model.safetensors").write_bytes(b"other weights")
    assert Task(backbone, "own", None, 13, digest_backbone(backbone)) not in found


def test_seeds_are_averaged_and_tasks_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    first = Measurement(Task("one", "own", 50, 13), 0.6, (0.5, 0.7), 0.9, 10, 20, 46, 1000)
    second = Measurement(Task("one", "own", 50, 14), 0.7, (0.6, 0.8), 0.7, 30, 40, 46, 3000)
    mean = average([first, second])
    assert (mean.spans, mean.events) == pytest.approx((0.65, 0.8))
    assert mean.interval == pytest.approx((0.55, 0.75))
    assert (mean.training_speed, mean.inference_speed, mean.peak_megabytes) == (20, 30, 2000)
    assert average([replace(first, events=None)]).events is None
    print_table([first, replace(first, task=Task("one", "nerel", 50, 13)), second])
    seeds = [line.split()[3] for line in capsys.readouterr().out.splitlines()]
    assert seeds == ["seed", "13", "14", "mean", "13"]


def test_a_hub_name_has_no_weights_here() -> None:
    assert digest_backbone("some/model") is None


def test_composed_articles_begin_alike_and_are_read_as_they_are(tmp_path: Path) -> None:
    few, many = (list(islice(compose(words=30), count)) for count in (3, 120))
    assert many[:3] == few
    assert all(len(text.split()) >= 30 for text in many)
    for layout in ("jsonl", "folder"):
        found = list(read_documents([write_articles(many, layout, tmp_path / layout)]))
        assert [item.text for item in found if isinstance(item, Document)] == many


def test_the_quickest_start_is_taken_off() -> None:
    costs = [Cost(1, 1, seconds, 5.0) for seconds in (3.0, 2.0, 2.5)]
    assert take_start_off([*costs, Cost(10, 10, 12.0, 6.0)]) == [Cost(10, 10, 10.0, 6.0)]
