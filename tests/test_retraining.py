"""Retraining beside the service: the swap, and everything that must leave the old model in place."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from infer import bundle as bundles
from infer.bundle import Bundle
from infer.retraining import COMMANDS, RetrainingError, Training, read_scores
from tests.serving import Running, save_other, serving, wait_until

TRAIN, EVALUATE = ("TRAIN",), ("EVALUATE",)  # for `train` and `evaluate` below, which need fixtures
START = {"action": "START_TRAINING", "project": {"id": 5, "title": "Pilot"}}


@pytest.fixture
def model(bundle: Bundle, tmp_path: Path) -> Path:
    """`runs/latest/model`, by a link as `python -m train` leaves it."""
    bundles.save(bundle, tmp_path / "runs/first/model")
    (tmp_path / "runs/latest").symlink_to("first", target_is_directory=True)
    return tmp_path / "runs/latest/model"


@pytest.fixture
def other(bundle: Bundle, model: Path, tmp_path: Path) -> Path:
    return save_other(bundle, tmp_path / "other/model")


def python(script: str, *arguments: str) -> list[str]:
    """A command that runs a script; its arguments may hold placeholders."""
    return ["{python}", "-c", script, *arguments]


def train(other: Path, spans: float = 0.7, events: float = 0.9) -> list[str]:
    """A stand-in for `python -m train`: a model, its scores, and `latest` linked to the run."""
    script = (
        "import json, pathlib, shutil, sys; other, run, metrics = sys.argv[1:]; run = pathlib.Path(run)\n"
        "print('epoch 1', flush=True); shutil.copytree(other, run / 'model')\n"
        "(run / 'metrics.json').write_text(metrics)\n"
        "link = run.parent / 'latest'; link.unlink(missing_ok=True); link.symlink_to(run.name)\n"
    )
    return python(script, str(other), "{run}", metrics(spans, events))


def evaluate(spans: float = 0.6, events: float = 0.9) -> list[str]:
    """A stand-in for `python -m train.evaluate`."""
    script = (
        "import pathlib, sys; run, metrics = sys.argv[1:]; folder = pathlib.Path(run, 'current')\n"
        "folder.mkdir(); (folder / 'metrics.json').write_text(metrics)\n"
    )
    return python(script, "{run}", metrics(spans, events))


def metrics(spans: float, events: float) -> str:
    return json.dumps({"spans": {"micro": {"f1": spans}}, "events": {"micro": {"f1": events}}})


def retrain(running: Running) -> Training:
    """Start a training and wait for its end."""
    assert running.client.post("/webhook", json=START).status_code == 202
    wait_until(lambda: running.retraining.training.state != "running")
    return running.retraining.training


def test_a_better_model_is_put_into_service(
    model: Path, other: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with serving(model, [python("print('pulled')"), train(other), evaluate()]) as running:
        first = running.worker.served
        training = retrain(running)
        second = running.worker.served
        assert (training.state, training.project) == ("swapped", 5)
        assert second.folder == Path(training.run).resolve() / "model" != first.folder
        assert second.version != first.version
        assert running.client.get("/versions").json() == {"versions": [second.version]}
        told = running.client.get("/training").json()
    assert told["scores"] == {
        "current": {"spans": 0.6, "events": 0.9},
        "new": {"spans": 0.7, "events": 0.9},
    }
    assert told["started"] <= told["finished"]
    assert "spans 0.700 after 0.600" in told["message"]
    assert "training swapped: " in caplog.text
    assert (Path(training.run) / "retraining.log").read_text() == "pulled\nepoch 1\n"
    assert model.parent.resolve() == Path(training.run).resolve(), "a restart finds the new model"


@pytest.mark.parametrize(
    ("new", "state"), [((0.6, 0.9), "swapped"), ((0.7, 0.8), "swapped"), ((0.7, 0.79), "kept")]
)
def test_the_sum_of_both_scores_decides_and_a_tie_swaps(
    model: Path, other: Path, new: tuple[float, float], state: str
) -> None:
    with serving(model, [train(other, *new), evaluate(0.6, 0.9)]) as running:
        first = running.worker.served
        training = retrain(running)
        assert training.state == state
        assert (running.worker.served == first) is (state == "kept")
    assert (model.parent.resolve().name == "first") is (state == "kept"), "a restart finds the same model"


def test_remarks_of_a_command_are_logged_and_the_training_goes_on(
    model: Path, other: Path, caplog: pytest.LogCaptureFixture
) -> None:
    audit = python("import sys; print('3 findings'); sys.exit(1)")
    with serving(model, [audit, train(other), evaluate()]) as running:
        assert retrain(running).state == "swapped"
    assert "has remarks: 3 findings" in caplog.text


def broken(run: str) -> list[str]:
    return python("import pathlib, sys; pathlib.Path(sys.argv[1], 'model/vizitka.json').unlink()", run)


@pytest.mark.parametrize(
    ("commands", "says"),
    [
        ([python("import sys; print('7\\nno server'); sys.exit(2)"), TRAIN], "exit code 2: 7 | no server"),
        ([TRAIN, python("raise SystemExit(3)")], "exit code 3: it said nothing"),
        ([["/no/such/program", "{run}"]], "/no/such/program: can't be started"),
        ([TRAIN], "current/metrics.json: the commands left no scores there"),
        ([TRAIN, EVALUATE, broken("{run}")], "no model folder"),
        ([TRAIN, python("1 / 0")], "current/metrics.json: the commands left no scores there"),
    ],
)
def test_a_training_that_fails_says_why_and_changes_nothing(
    model: Path, other: Path, commands: Sequence[Sequence[str]], says: str, caplog: pytest.LogCaptureFixture
) -> None:
    stands = {TRAIN: train(other), EVALUATE: evaluate()}
    with serving(model, [stands.get(tuple(command), command) for command in commands]) as running:
        first = running.worker.served
        training = retrain(running)
        assert training.state == "failed"
        assert says in training.message
        assert running.worker.served is first
        assert running.client.post("/extract", json={"texts": ["Да"]}).status_code == 200
        assert f"training failed: {training.message}" in caplog.text
        assert model.parent.resolve().name == "first"
        assert running.client.post("/webhook", json=START).status_code == 202, "another may follow"


def test_the_old_model_answers_while_one_training_runs_and_no_second_starts(
    model: Path, other: Path, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    wait = (
        "import pathlib, sys, time; print('10%\\r20%', flush=True)\n"
        "while not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.02)\n"
    )
    with serving(model, [python(wait, str(gate)), train(other), evaluate()]) as running:
        first = running.worker.served.version
        assert running.client.post("/webhook", json=START).json()["state"] == "running"
        wait_until(lambda: running.retraining.training.line == "20%")
        told = running.client.get("/training").json()
        assert (told["state"], told["project"], told["finished"]) == ("running", 5, "")
        assert told["command"].startswith(sys.executable)
        answer = running.client.post("/webhook", json=START)
        assert answer.status_code == 409
        assert "running already" in answer.json()["error"]
        assert running.client.post("/extract", json={"texts": ["Да"]}).json()["model_version"] == first
        gate.touch()
        wait_until(lambda: running.retraining.training.state == "swapped")
        assert running.client.post("/extract", json={"texts": ["Да"]}).json()["model_version"] != first


def test_commands_are_told_project_run_and_the_model_in_service(model: Path, other: Path) -> None:
    show = python(
        "import sys; print(*sys.argv[1:], sep='\\n')", "{project}", "--of={run}", "{model}", "{x} $HOME;ls"
    )
    with serving(model, [show, train(other), evaluate()]) as running:
        first = running.worker.served.folder
        training = retrain(running)
    log = (Path(training.run) / "retraining.log").read_text().splitlines()
    assert log[:4] == ["5", f"--of={training.run}", str(first), "{x} $HOME;ls"]
    assert str(first).endswith("runs/first/model"), "not through a link that the training will move"


def test_no_link_is_left_to_a_worse_model_where_there_was_none(
    model: Path, other: Path, tmp_path: Path
) -> None:
    (tmp_path / "runs/latest").unlink()
    with serving(tmp_path / "runs/first/model", [train(other, 0.1), evaluate()]) as running:
        assert retrain(running).state == "kept"
    assert not (tmp_path / "runs/latest").is_symlink()


def test_a_link_that_someone_else_has_moved_is_left_alone(model: Path, tmp_path: Path) -> None:
    (tmp_path / "runs/theirs").mkdir()
    move = "import os, sys; os.unlink(sys.argv[1]); os.symlink('theirs', sys.argv[1]); sys.exit(1)"
    with serving(model, [python(move, str(tmp_path / "runs/latest"))]) as running:
        assert retrain(running).state == "failed"
    assert (tmp_path / "runs/latest").resolve().name == "theirs"


def test_the_service_ends_its_training_with_all_its_processes(model: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    child = "import pathlib, sys, time\nwhile True: pathlib.Path(sys.argv[1]).touch(); time.sleep(0.02)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}, sys.argv[1]])"
    with serving(model, [python(parent, str(trace)), python("print('never')")]) as running:
        running.client.post("/webhook", json=START)
        wait_until(trace.exists)
    assert running.retraining.training.state == "failed"
    assert "stopped with the service" in running.retraining.training.message
    trace.unlink()
    time.sleep(0.3)
    assert not trace.exists()
    assert not running.retraining.start(5)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"spans": {"micro": {"f1": "x"}}, "events": {}}'])
def test_scores_of_another_shape_are_a_message(tmp_path: Path, text: str) -> None:
    (tmp_path / "metrics.json").write_text(text)
    with pytest.raises(RetrainingError, match="not a metrics"):
        read_scores(tmp_path / "metrics.json")


def test_the_default_commands_are_the_loop_s() -> None:
    assert [" ".join(command[1:]) for command in COMMANDS] == [
        "-m train.studio pull --project {project}",
        "-m train --output {run}",
        "-m train.evaluate {model} --output {run}/current",
    ]


def test_a_link_that_can_not_be_put_back_is_said(
    model: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("infer.retraining._point_back", refuse)
    with serving(model, [train(other, 0.1), evaluate()]) as running:
        training = retrain(running)
    assert training.state == "kept"
    assert "still points to its run (Permission denied), point it to first" in training.message
