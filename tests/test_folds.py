"""Cross-validation: every article once, by a model that hasn't seen it; spread and pooled scores; resume."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev

import pytest

from infer.document import Document, Span
from infer.labelstudio import to_task
from infer.schema import Schema
from train import folds as module
from train.__main__ import main as train
from train.corpus import load_corpus
from train.fit import Fitted, fit
from train.folds import folds_table, measure_folds, split_folds
from train.metrics import score
from train.predictions import read_answers, write_answers
from train.runs import read_runs

FAST = ("windows.size=32", "windows.overlap=8", "fit.epochs=1", "fit.min_steps=1", "fit.head_epochs=1")
ROOT = Path(__file__).resolve().parent.parent


def _documents(count: int) -> list[Document]:
    return [Document(f"d{n}", f"Делегация номер {n} прибыла на завод имени {n}") for n in range(count)]


def test_each_article_is_in_one_fold_and_reprints_are_together() -> None:
    text = "Делегация провинции Хэйлунцзян осмотрела в Калуге новый завод и осталась довольна"
    reprints = [Document(f"r{n}", f"{text} {'весьма ' * (n % 2)}визитом") for n in range(4)]
    documents = [*_documents(9), *reprints]
    folds = split_folds(documents, 3, seed=1)
    assert sorted(d.id for fold in folds for d in fold) == sorted(d.id for d in documents)
    assert sum(any(d in reprints for d in fold) for fold in folds) == 1
    assert split_folds(documents, 3, seed=1) == folds
    assert split_folds(documents, 3, seed=2) != folds


def _annotated(count: int) -> list[Document]:
    """Articles that are no near-duplicates of each other."""
    documents = []
    for n in range(count):
        text = f"Делегация {n} Хэйлунцзян {n + 7} прибыла {3 * n} с визитом {n * n} сегодня."
        place = text.index("Хэйлунцзян")
        spans = (Span(place, place + 10, "PARTNER"),)
        documents.append(Document(f"d{n}", text, spans, ("visit",) * (n % 2)))
    return documents


@pytest.mark.parametrize("count", [0, 1, 5])
def test_too_few_articles_or_folds_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} folds can't be made of 4 different"):
        split_folds(_documents(4), count, seed=1)


def test_spread_is_over_folds_and_pooled_over_articles(schema: Schema) -> None:
    span = Span(0, 9, "PARTNER")
    gold = [replace(document, spans=(span,)) for document in _documents(5)]
    folds = [gold[:1], gold[1:]]
    answers = [[gold[0]], [replace(document, spans=()) for document in gold[1:]]]
    result = measure_folds(folds, answers, schema)
    found = result.figures["spans.PARTNER.f1"]
    assert (found.values, found.mean) == ((1, 0), 0.5)
    assert found.deviation == pytest.approx(stdev((1, 0)))
    assert result.pooled.spans["PARTNER"].recall == 1 / 5
    assert result.folds == (("d0",), ("d1", "d2", "d3", "d4"))


def test_the_table_of_a_schema_of_events_only() -> None:
    gold = [replace(document, events=("visit",)) for document in _documents(4)]
    folds = [gold[:2], gold[2:]]
    table = folds_table(measure_folds(folds, folds, Schema((), ("visit",))))
    assert "events.micro.f1     100.0%" in table
    assert "spans.macro_f1" not in table


def test_answers_survive_being_written(tmp_path: Path) -> None:
    spans = (Span(0, 9, "PARTNER", 0.5), Span(10, 15, "SECTOR", 0.25))
    answer = Document("a/b", "Делегация номер \ud800", spans, ("visit",), {"visit": 0.75}, {"year": 2023})
    write_answers(tmp_path / "p.jsonl", [answer])
    (again,) = read_answers(tmp_path / "p.jsonl")
    assert again == answer
    assert [span.score for span in again.spans] == [0.5, 0.25]


@pytest.fixture
def arguments(tmp_path: Path, backbone: Path, schema: Schema, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    tasks = [to_task(document, schema) for document in _annotated(24)]
    (tmp_path / "train.json").write_text(json.dumps(tasks), encoding="utf-8")
    return [
        *("--config", str(ROOT / "configs/default.yaml"), f"backbone={backbone}", "data.train=train.json"),
        *(f"data.labeling_config={ROOT / 'annotations/labeling_config.xml'}", "--folds", "3", *FAST),
    ]


def test_folds_end_in_scores_and_out_of_fold_answers(
    tmp_path: Path,
    arguments: list[str],
    schema: Schema,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[set[str]] = []

    def watched(learnt: list[Document], dev: list[Document], *rest: object) -> Fitted:
        seen.append({document.id for document in (*learnt, *dev)})
        return fit(learnt, dev, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "fit", watched)
    assert train([*arguments, "--output", "run"]) == 0
    assert "deviation" in capsys.readouterr().out
    names = ["folds.json", "manifest.json", "predictions.jsonl"]
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == names
    (run,) = read_runs(tmp_path)
    assert run.cells[1] == "24 in 3 folds", run.fault
    values = json.loads((tmp_path / "run/folds.json").read_text(encoding="utf-8"))
    gold = load_corpus(tmp_path / "train.json", schema).documents
    for learnt, fold in zip(seen, values["folds"], strict=True):
        assert learnt == {document.id for document in gold} - set(fold)
    answers = read_answers(tmp_path / "run/predictions.jsonl")
    assert [(answer.id, answer.text) for answer in answers] == [(d.id, d.text) for d in gold]
    assert score(gold, answers, schema).spans["micro"].f1 == values["pooled"]["spans"]["micro"]["f1"]
    spread = values["figures"]["spans.micro.f1"]
    assert spread["mean"] == pytest.approx(mean(spread["values"]))
    assert len(spread["values"]) == 3


def test_a_killed_cross_validation_goes_on_at_its_fold(
    tmp_path: Path,
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert train([*arguments, "--output", "whole"]) == 0
    calls = 0

    def fragile(*given: object) -> Fitted:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return fit(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "fit", fragile)
    assert train([*arguments, "--output", "killed"]) == 130
    assert "--resume goes on" in capsys.readouterr().err
    assert not (tmp_path / "killed/folds.json").exists()
    assert train([*arguments, "--output", "killed", "--resume"]) == 0
    assert calls == 4  # the second fold again, and the third
    for name in ("folds.json", "predictions.jsonl"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
