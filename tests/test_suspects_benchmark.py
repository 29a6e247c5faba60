"""Planted errors: as many as asked for, of each kind, drawn by the seed; and how finding them is counted."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from benchmarks.suspects import KINDS, Error, main, plant, table
from infer.document import Document, Span
from infer.schema import Schema
from tests.exports import make_export
from train.__main__ import main as train
from train.doubts import Doubt
from train.matching import SPURIOUS

TEXT = "Делегация провинции Хэнань прибыла в Тулу и осмотрела завод."
SPANS = (Span(10, 26, "PARTNER"), Span(37, 41, "PARTNER"))


def _documents(count: int) -> list[Document]:
    return [Document(f"d{number}", TEXT, SPANS, ("visit",)) for number in range(count)]


def test_a_share_of_spans_and_events_is_spoilt(schema: Schema) -> None:
    documents = _documents(40)
    spoilt, errors = plant(documents, schema, 0.2, Random(1))
    by_kind = {kind: [error for error in errors if error.kind == kind] for kind in KINDS}
    assert {kind: len(found) for kind, found in by_kind.items()} == {
        **dict.fromkeys(KINDS[:4], 4),  # a fifth of 80 spans
        "event": 24,  # and of 40 articles' three answers
    }
    before, after = ({one.id: one for one in documents}, {one.id: one for one in spoilt})
    for error in errors:
        gold, bad = before[error.article], after[error.article]
        if error.kind == "event":
            assert (error.event in gold.events) != (error.event in bad.events)
        else:
            assert set(gold.spans) ^ set(bad.spans)
    touched = {error.article for error in errors}
    assert all(after[name] == before[name] for name in before.keys() - touched)
    assert sum(len(one.spans) for one in spoilt) == 80  # as many removed as added
    assert plant(documents, schema, 0.2, Random(1)) == (spoilt, errors)


def test_an_error_is_found_where_somebody_would_see_it() -> None:
    article = Document("a", TEXT)
    error = Error("removed", "a", 10, 26)
    assert error.is_hit(Doubt(article, SPURIOUS, 0.9, None, Span(20, 26, "PARTNER")))
    assert not error.is_hit(Doubt(article, SPURIOUS, 0.9, None, Span(37, 41, "PARTNER")))
    assert not error.is_hit(Doubt(article, SPURIOUS, 0.9, event="visit"))
    assert not error.is_hit(Doubt(Document("b", TEXT), SPURIOUS, 0.9, None, Span(10, 26, "PARTNER")))
    assert Error("event", "a", event="visit").is_hit(Doubt(article, SPURIOUS, 0.9, event="visit"))


def test_precision_and_recall_worked_by_hand() -> None:
    doubts = [
        Doubt(Document("a", TEXT), SPURIOUS, 0.9, None, SPANS[0]),
        Doubt(Document("b", TEXT), SPURIOUS, 0.8, None, SPANS[0]),
        Doubt(Document("c", TEXT), SPURIOUS, 0.7, event="visit"),
    ]
    errors = [
        Error("removed", "a", 10, 26),
        Error("removed", "d", 10, 26),
        Error("event", "c", event="visit"),
    ]
    rows = [line.split() for line in table(doubts, errors)]
    assert rows[1] == ["3", "66.7%", "66.7%", "50.0%", "-", "-", "-", "100.0%"]


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_all_or_nothing(share: float, schema: Schema) -> None:
    spoilt, errors = plant(_documents(4), schema, share, Random(0))
    assert len(spoilt) == 4
    assert bool(errors) == bool(share)


def test_folds_on_the_spoilt_annotations(
    tmp_path: Path,
    backbone: Path,
    schema: Schema,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = make_export(tmp_path, "train", schema, 24)
    run, spoilt = tmp_path / "run", tmp_path / "spoilt"
    fast = ("windows.size=32", "windows.overlap=8", "fit.epochs=1", "fit.min_steps=1", "fit.head_epochs=1")
    arguments = [f"backbone={backbone}", f"data.train={path}", "--folds", "2", "--output", str(run), *fast]
    assert train(arguments) == 0
    for extra in ([], ["--folds", "2", "--output", str(spoilt)]):
        command = ["suspects", str(run), "--share", "0.2", *extra]
        monkeypatch.setattr("sys.argv", command)
        main()
        assert "24 articles, 28 errors planted" in capsys.readouterr().out
    assert (spoilt / "predictions.jsonl").is_file()
