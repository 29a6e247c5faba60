"""The main job end to end on the tiny backbone: train, reload, score, extract; resume; two processes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from infer import Extractor
from infer.__main__ import main as infer
from infer.bundle import Bundle, save
from infer.document import Document, Span
from infer.labelstudio import to_task
from infer.schema import Schema, parse_schema
from tests.exports import make_export
from train.__main__ import main as train
from train.config import load_config
from train.evaluate import main as evaluate
from train.recipe import link_latest
from train.recipe import train as recipe

ROOT = Path(__file__).resolve().parent.parent
FAST = (
    "windows.size=32",
    "windows.overlap=8",
    "fit.learning_rate=0.001",
    "fit.head_learning_rate=0.003",
    "fit.event_weight=1",
)

SHORTEST = ("fit.epochs=1", "fit.min_steps=1", "fit.head_epochs=0", *FAST)


@pytest.fixture
def home(tmp_path: Path, schema: Schema, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with annotations and the shipped config, as a user's own would be."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/default.yaml").write_text(
        (ROOT / "configs/default.yaml").read_text(encoding="utf-8")
    )
    folder = tmp_path / "annotations"
    folder.mkdir()
    config = (ROOT / "annotations/labeling_config.xml").read_text(encoding="utf-8")
    (folder / "labeling_config.xml").write_text(config, encoding="utf-8")
    make_export(folder, "train", schema, 60)
    make_export(folder, "heldout", schema, 20, start=100)
    return tmp_path


def test_train_evaluate_and_infer_agree_and_learn(
    home: Path, backbone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train([f"backbone={backbone}", "fit.epochs=12", *FAST]) == 0
    printed = capsys.readouterr().out
    run = home / "runs/latest"
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["spans"]["micro"]["f1"] > 0.9
    assert metrics["events"]["micro"]["f1"] > 0.9
    assert metrics["documents"] == 20
    assert "OFFICIAL" in printed
    assert sorted(path.name for path in run.iterdir()) == [
        "README.md",
        "manifest.json",
        "metrics.json",
        "model",
        "report.html",
    ]
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["config"]["backbone"] == str(backbone)
    assert max(epoch["score"] for epoch in manifest["curve"]) > 0.9

    assert metrics["coverage"] == 1
    assert metrics["baselines"]["spans"]["micro"]["f1"] > 0.9  # the marked words are always the same
    assert any(warning.startswith("spans micro: ") for warning in manifest["warnings"])
    assert "WARNING: spans micro: the model's F1" in printed

    # evaluating the folder again, from disk, gives the very same scores
    again = ["--train", "annotations/train.json", "--output", str(home / "again")]
    assert evaluate([str(run / "model"), *again]) == 0
    assert json.loads((home / "again/metrics.json").read_text(encoding="utf-8")) == metrics

    # and so does counting by hand what `python -m infer` wrote
    inbox = home / "inbox"
    inbox.mkdir()
    tasks = json.loads((home / "annotations/heldout.json").read_text(encoding="utf-8"))
    for number, task in enumerate(tasks):
        (inbox / f"{number:02}.txt").write_text(task["data"]["text"], encoding="utf-8", newline="")
    assert infer([str(inbox), "--output", str(home / "out")]) == 0
    lines = (home / "out/extractions.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    hits = found = 0
    for task, record in zip(tasks, records, strict=True):
        gold = {
            (item["value"]["start"], item["value"]["end"], item["value"]["labels"][0])
            for item in task["annotations"][0]["result"]
            if item["type"] == "labels"
        }
        spans = {(span["start"], span["end"], span["label"]) for span in record["spans"]}
        assert all(record["text"][s["start"] : s["end"]] == s["text"] for s in record["spans"])
        hits, found = hits + len(gold & spans), found + len(spans)
    assert hits / found == pytest.approx(metrics["spans"]["micro"]["precision"])


def test_two_models_are_compared(
    home: Path, bundle: Bundle, capsys: pytest.CaptureFixture[str], schema: Schema
) -> None:
    save(bundle, home / "first")
    torch.nn.init.zeros_(bundle.model.span_head.weight)  # marks nothing, or everything alike
    save(bundle, home / "second")
    assert evaluate(["first", "second", "annotations/train.json", "--output", "compared"]) == 0
    assert "B - A" in capsys.readouterr().out
    values = json.loads((home / "compared/comparison.json").read_text(encoding="utf-8"))
    assert (values["first"], values["second"], values["documents"]) == ("first", "second", 60)
    for model, side in (("first", "first"), ("second", "second")):
        assert evaluate([model, "annotations/train.json", "--output", model + "-scores"]) == 0
        scores = json.loads((home / f"{model}-scores/metrics.json").read_text(encoding="utf-8"))
        assert values["figures"]["spans.micro.f1"][side] == scores["spans"]["micro"]["f1"]
        assert "baselines" not in scores

    save(replace(bundle, schema=replace(schema, labels=schema.labels[::-1])), home / "reversed")
    assert evaluate(["first", "reversed"]) == 0, "the order of labels is no difference"

    save(replace(bundle, schema=replace(schema, labels=("PARTNER", "OFFICIAL", "TOPIC"))), home / "other")
    assert evaluate(["first", "other"]) == 2
    assert "only models of the same labels can be compared" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none"], "none: no model folder"),
        (["model", "none"], "none: no model folder"),
        (["model", "none.json"], "none.json: no such file"),
        (["model", "--train", "none.json"], "none.json: no such file"),
        (
            ["model", "model", "--train", "annotations/train.json"],
            "--train is for the baselines of one model",
        ),
        (["model", "model", "model"], "one or two model folders"),
        (["annotations/train.json"], "one or two model folders"),
        (["model", "a.json", "b.json"], "at most one annotations file"),
    ],
)
def test_evaluation_that_can_not_start_says_why(
    home: Path, bundle: Bundle, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    save(bundle, home / "model")
    assert evaluate(arguments) == 2
    assert message in capsys.readouterr().err


def test_scores_that_can_not_be_written_say_why(
    home: Path, bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    save(bundle, home / "model")
    (home / "taken").write_text("", encoding="utf-8")
    assert evaluate(["model", "--output", "taken"]) == 2
    printed = capsys.readouterr()
    assert "evaluate: can't write taken (File exists)" in printed.err
    assert "spans, strict" in printed.out


def test_the_newest_run_is_the_latest_or_none_is(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("first", "second"):
        (home / "runs" / name).mkdir(parents=True)
        link_latest(Path("runs") / name)
        assert (home / "runs/latest").resolve().name == name

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("links are not for you")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    link_latest(Path("runs/first"))
    assert not (home / "runs/latest").is_symlink(), "else users would go on with the second's model"
    assert "--model runs/first/model" in capsys.readouterr().out


def test_only_the_command_points_latest_at_its_run(home: Path, backbone: Path) -> None:
    config = load_config(home / "configs/default.yaml", [f"backbone={backbone}", *SHORTEST])
    recipe(config, Path("benchmark"))
    assert (home / "benchmark/report.html").is_file()
    assert not (home / "runs").exists()


def test_a_run_killed_before_its_first_checkpoint_resumes(home: Path, backbone: Path) -> None:
    arguments = ["--output", "run", f"backbone={backbone}", *SHORTEST]
    assert train(arguments) == 0
    whole = (home / "run/metrics.json").read_bytes()
    (home / "run/metrics.json").unlink()
    (home / "run/checkpoints/checkpoint-50").mkdir(parents=True)  # killed while it was being written
    assert train([*arguments, "--resume"]) == 0
    assert (home / "run/metrics.json").read_bytes() == whole


def test_a_run_shorter_than_a_round_shows_its_loss(
    home: Path, backbone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(["--output", "run", f"backbone={backbone}", *SHORTEST]) == 0
    assert re.search(r"epoch +1\.0  loss \d\.\d{3}  dev:", capsys.readouterr().out)


def test_another_schema_retrains_without_touching_code(
    home: Path, backbone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Crops and pests, one season each: other labels, other tag names, another text key, single choice."""
    config = """<View><Text name="page" value="$body"/>
      <Labels name="marks" toName="page"><Label value="CROP"/><Label value="PEST"/></Labels>
      <Choices name="season" toName="page"><Choice value="spring"/><Choice value="autumn"/></Choices>
    </View>"""
    (home / "annotations/labeling_config.xml").write_text(config, encoding="utf-8")
    schema = parse_schema(config)
    assert (schema.labels, schema.events, schema.multiple) == (("CROP", "PEST"), ("spring", "autumn"), False)
    for name, start in (("train", 0), ("heldout", 60)):
        tasks = []
        for number in range(start, start + 60):
            crop, season = (("Фуяо", "spring"), ("туризма", "autumn"))[number % 2]
            text = f"Компания {crop} {number % 9} Островский"
            spans = (Span(9, 9 + len(crop), "CROP"), Span(len(text) - 10, len(text), "PEST"))
            tasks.append(to_task(Document(f"{name}{number}", text, spans, (season,)), schema))
        (home / f"annotations/{name}.json").write_text(json.dumps(tasks), encoding="utf-8")
    assert "body" in tasks[0]["data"]
    target = ("decoding.target_precision=0.9", "decoding.below=mark")
    assert train([f"backbone={backbone}", "fit.epochs=10", *target, *FAST]) == 0
    metrics = json.loads((home / "runs/latest/metrics.json").read_text(encoding="utf-8"))
    assert metrics["spans"]["PEST"]["f1"] > 0.9
    assert metrics["events"]["micro"]["f1"] > 0.9
    decoding = Extractor.load(home / "runs/latest/model").bundle.settings.decoding
    assert decoding.below == "mark"
    assert not decoding.half_pairs
    assert decoding.span_calibration.slope != 1
    (line,) = [
        line for line in capsys.readouterr().out.splitlines() if line.startswith("CROP: precision 0.9")
    ]
    assert line.endswith("annotate more or raise data.dev_fraction"), "six dev articles are too few"
    manifest = json.loads((home / "runs/latest/manifest.json").read_text(encoding="utf-8"))
    assert line in manifest["unreached"]
    result = Extractor.load(home / "runs/latest/model").extract("Компания Фуяо 3 Островский")
    assert result.events == ("spring",)
    assert sum(result.event_scores.values()) == pytest.approx(1)


def test_sub_word_annotations_train_a_model_of_pieces(home: Path, backbone: Path, schema: Schema) -> None:
    for name, count in (("train", 30), ("heldout", 10)):
        tasks = [
            to_task(
                Document(f"{name}{n}", f"Делегация {n} Хэйлунцзян", (Span(10, 10 + len(str(n)), "SECTOR"),)),
                schema,
            )
            for n in range(count)
        ]
        tasks[0] = to_task(Document(f"{name}0", "Делегация 0", (Span(0, 3, "SECTOR"),)), schema)
        (home / f"annotations/{name}.json").write_text(json.dumps(tasks), encoding="utf-8")
    assert train([f"backbone={backbone}", "fit.epochs=1", *FAST]) == 0
    manifest = json.loads((home / "runs/latest/manifest.json").read_text(encoding="utf-8"))
    assert manifest["settings"]["unit"] == "piece"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["backbone=no/such"], "neither a folder here nor reachable"),
        (["data.train=none.json"], "none.json: no such file"),
        (["data.labeling_config=none.xml"], "none.xml: no labeling config there"),
        (["--config", "none.yaml"], "none.yaml: no such config"),
        (["--config", "configs"], "configs: can't be read as a config (Is a directory)"),
        (["--output", "configs/default.yaml", *SHORTEST], "can't write configs/default.yaml"),
        (["fit.epochs=0"], "fit.epochs"),
        (["--resume"], "no killed run with checkpoints"),
        (["--resume", "--folds", "3"], "no killed run with folds"),
        (["--folds", "1"], "1 folds can't be made of"),
        (["windows.size=512"], "more than the 64 positions"),
    ],
)
def test_what_can_not_start_says_why_and_exits_with_2(
    home: Path,
    backbone: Path,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # else it retries for a minute
    assert train([f"backbone={backbone}", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_held_out_reprint_of_a_training_article_is_reported(
    home: Path, backbone: Path, schema: Schema
) -> None:
    text = "Делегация провинции Хэйлунцзян осмотрела в Калуге новый завод компании Фуяо и осталась довольна."
    for name in ("train", "heldout"):
        path = home / f"annotations/{name}.json"
        tasks = json.loads(path.read_text(encoding="utf-8"))
        tasks.append(to_task(Document(f"reprint-{name}", text), schema))
        path.write_text(json.dumps(tasks), encoding="utf-8")
    assert train([f"backbone={backbone}", "fit.epochs=1", *FAST]) == 0
    problems = json.loads((home / "runs/latest/manifest.json").read_text(encoding="utf-8"))["problems"]
    assert any(
        "reprint-heldout is a near-duplicate of training article reprint-train" in text for text in problems
    )


def _start(home: Path, *arguments: str, launcher: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", *launcher, *(("-m",) if launcher else ()), "train", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, cwd=home, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def _finish(process: subprocess.Popen[str]) -> list[str]:
    """What a run says of its rounds: epoch, loss, dev scores."""
    output = process.communicate(timeout=300)[0]
    assert process.returncode == 0, output
    return [line for line in output.splitlines() if line.startswith("epoch")]


@pytest.mark.slow
def test_a_killed_run_resumes_and_the_same_seed_gives_the_same_scores(home: Path, backbone: Path) -> None:
    arguments = (f"backbone={backbone}", "fit.patience=5", "data.dev_fraction=0.3", *FAST)
    printed = {}
    for name in ("whole", "twice"):
        printed[name] = _finish(_start(home, "--output", f"runs/{name}", *arguments))
    whole = (home / "runs/whole/metrics.json").read_bytes()
    assert (home / "runs/twice/metrics.json").read_bytes() == whole
    assert printed["whole"] == printed["twice"]

    process = _start(home, "--output", "runs/killed", *arguments)
    deadline = time.monotonic() + 120
    while not list((home / "runs/killed").glob("checkpoints/checkpoint-1??/trainer_state.json")):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (home / "runs/killed/metrics.json").exists()
    rest = _finish(_start(home, "--output", "runs/killed", "--resume", *arguments))
    assert 1 < len(rest) < len(printed["whole"])
    assert rest == printed["whole"][-len(rest) :], "it meets the same examples in the same order"
    assert (home / "runs/killed/metrics.json").read_bytes() == whole
    curves = [
        json.loads((home / f"runs/{name}/manifest.json").read_bytes())["curve"]
        for name in ("whole", "killed")
    ]
    assert curves[0] == curves[1], "it waits for a better round no longer than the whole run"


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["torch.distributed.run", "accelerate.commands.launch"])
def test_two_processes_train_one_model(home: Path, backbone: Path, launcher: str) -> None:
    count = ("--nproc-per-node", "2") if launcher.startswith("torch") else ("--cpu", "--num_processes", "2")
    arguments = (f"backbone={backbone}", "fit.epochs=10", "fit.batch_size=2", *FAST)
    process = _start(home, "--output", "runs/two", *arguments, launcher=(launcher, *count))
    output = process.communicate(timeout=300)[0]
    assert process.returncode == 0, output
    assert output.count("articles to learn from") == 1
    metrics = json.loads((home / "runs/two/metrics.json").read_text(encoding="utf-8"))
    assert metrics["spans"]["micro"]["f1"] > 0.9


def test_help_does_not_wait_for_torch() -> None:
    script = (
        "import runpy, sys\n"
        "sys.argv = ['train', '--help']\n"
        "try:\n"
        "    runpy.run_module('train', run_name='__main__')\n"
        "except SystemExit as end:\n"
        "    assert not end.code\n"
        "slow = {'torch', 'transformers', 'numpy', 'pydantic', 'datasets', 'accelerate', 'sklearn'}\n"
        "slow &= set(sys.modules)\n"
        "assert not slow, slow\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "section.key=value" in done.stdout
