"""The command: a run of folds and annotations in, a ranking, page and tab out; each fault one sentence."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infer.document import Document, Span
from infer.labelstudio import to_task
from infer.schema import Schema
from train.predictions import write_answers
from train.report import write_json
from train.server import Project, StudioError
from train.suspects import main
from train.tabs import make_filters

CONFIG = Path(__file__).resolve().parent.parent / "annotations/labeling_config.xml"
TEXT = "Делегация провинции Хэнань прибыла в <Тулу>."
HENAN, TULA = Span(20, 26, "PARTNER", 0.9), Span(38, 42, "PARTNER", 0.95)


def export(path: Path, schema: Schema, *documents: Document) -> Path:
    tasks = [
        {"id": number, "project": 3, **to_task(document, schema)}
        for number, document in enumerate(documents, 1)
    ]
    path.write_text(json.dumps(tasks, ensure_ascii=False), encoding="utf-8")
    return path


@pytest.fixture
def run(tmp_path: Path, schema: Schema) -> Path:
    """Two articles: in b Tula isn't marked and the visit isn't there, of which the model is sure."""
    data = {
        "train": str(
            export(
                tmp_path / "train.json",
                schema,
                Document("a", TEXT, (HENAN,), ("visit",)),
                Document("b", TEXT, (HENAN,)),
                Document("c", TEXT, (HENAN, Span(0, 9, "SECTOR"))),
            )
        ),
        "labeling_config": str(CONFIG),
        "annotators": "latest",
    }
    folder = tmp_path / "run"
    folder.mkdir()
    write_json(folder / "manifest.json", {"config": {"data": data}})
    answers = [
        Document("a", TEXT, (HENAN,), ("visit",), {"visit": 0.9}),
        Document("b", TEXT, (HENAN, TULA), ("visit",), {"visit": 0.99}),
        Document("c", TEXT, (HENAN,), (), {"visit": 0.02}),
    ]
    write_answers(folder / "predictions.jsonl", answers)
    return folder


def test_suspects_are_ranked_with_links(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("LABEL_STUDIO_URL", "http://ls:8080")
    page = tmp_path / "suspects.html"
    assert main([str(run), "--output", str(page)]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "1 0.990 event b visit: no -> yes",
        "http://ls:8080/projects/3/data?task=2",
        "2 0.950 not annotated b - -> PARTNER «Тулу» | я провинции Хэнань прибыла в <⟦Тулу⟧>.",
        "http://ls:8080/projects/3/data?task=2",
        "3 - not found c SECTOR «Делегация» -> - | ⟦Делегация⟧ провинции Хэнань прибыла в <Т",
        "http://ls:8080/projects/3/data?task=3",
        "3 suspects in 3 articles",
        f"page -> {page}",
    ]
    html = page.read_text(encoding="utf-8")
    assert "Подозрений: 2 с оценкой, 1 без неё; 2 статьи." in html
    assert "прибыла в &lt;<mark" in html
    assert '<mark class="model c0 first last" style="--depth: 0">Тулу</mark>&gt;.' in html
    assert html.index("событие") < html.index("не размечено") < html.index("не найдено")
    assert re.findall(r'href="([^"]+)"', html)[0] == "http://ls:8080/projects/3/data?task=2"


def test_corrected_annotations_are_no_suspects_any_more(
    run: Path, schema: Schema, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = export(
        tmp_path / "corrected.json",
        schema,
        Document("a", TEXT, (HENAN,), ("visit",)),
        Document("b", TEXT, (HENAN, TULA), ("visit",)),
        Document("new", TEXT),
    )
    assert main([str(run), str(path)]) == 0
    assert capsys.readouterr().out.splitlines()[-3:] == [
        "0 suspects in 2 articles",
        "1 annotated articles are new since the run, which says nothing of them",
        "1 articles of the run are not in the annotations any more",
    ]


def test_an_article_with_another_text_needs_a_new_run(
    run: Path, schema: Schema, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = export(tmp_path / "other.json", schema, Document("a", TEXT + " Правка."))
    assert main([str(run), str(path)]) == 2
    assert "article a has another text in the annotations than in the run" in capsys.readouterr().err
    path = export(tmp_path / "alien.json", schema, Document("z", TEXT))
    assert main([str(run), str(path)]) == 2
    assert "no article in common" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda run: (run / "predictions.jsonl").unlink(), "no predictions.jsonl there"),
        (lambda run: (run / "manifest.json").unlink(), "no manifest.json there; give the run folder of"),
        (lambda run: (run / "manifest.json").write_text("{}"), "not a run of --folds"),
        (lambda run: (run / "predictions.jsonl").write_text("{"), "not a run of --folds"),
        (lambda run: (run.parent / "train.json").unlink(), "train.json: no such file"),
    ],
)
def test_a_folder_that_is_no_run(
    run: Path, spoil: Callable[[Path], Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(run)
    assert main([str(run)]) == 2
    assert said in capsys.readouterr().err


class FakeServer:
    """A project whose tasks have other numbers than the export says."""

    url = "http://studio"

    def __init__(self) -> None:
        self.filters: dict[str, Any] = {}

    def get_project(self, project: int) -> Project:
        if project != 5:
            raise StudioError("project is not there")
        return Project(project, "Пилот", CONFIG.read_text(encoding="utf-8"))

    def list_tasks(self, project: int) -> list[dict[str, Any]]:
        return [{"id": 41, "data": {"id": "a", "text": TEXT}}, {"id": 42, "data": {"id": "b", "text": TEXT}}]

    def put_tab(self, project: int, title: str, filters: dict[str, Any]) -> int:
        assert title == "Suspects"
        self.filters = filters
        return 9


def test_the_tab_shows_scored_suspects_and_links_lead_to_the_project(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = FakeServer()
    monkeypatch.setattr("train.studio.connect", lambda: server)
    assert main([str(run), "--project", "5"]) == 0
    said = capsys.readouterr().out
    assert "1 articles are in the tab Suspects: http://studio/projects/5/data?tab=9" in said
    assert "http://studio/projects/5/data?task=42" in said
    assert "/projects/3/" not in said
    assert server.filters == make_filters(["b"], [])
    assert main([str(run), "--project", "6"]) == 2
    assert "project is not there" in capsys.readouterr().err
