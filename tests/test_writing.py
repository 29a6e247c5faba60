"""The formats of a run, side by side."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import openpyxl
import pandas as pd
import pytest

from infer.labelstudio import read_tasks
from infer.records import Extraction
from infer.writing import FORMATS, name_files, write_formats
from tests.extractions import ARTICLES, SCHEMA, make_extraction


@pytest.fixture(autouse=True)
def _page(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of which only the name is written; `test_page` has the true one."""

    def write_page(records: Iterable[Mapping[str, Any]], path: Path) -> None:
        path.write_text(" ".join(extraction.record["id"] for extraction in records), encoding="utf-8")

    stub = ModuleType("infer.page")
    stub.write_page = write_page  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "infer.page", stub)


def write(folder: Path, *formats: str, articles: Iterable[Extraction] = ARTICLES) -> list[str]:
    articles = list(articles)
    return write_formats(formats, folder, lambda: iter(articles), SCHEMA, "vizitka-1")


def records(folder: Path) -> list[dict[str, Any]]:
    raw = (folder / "extractions.jsonl").read_bytes().decode("utf-8")
    return [json.loads(line) for line in raw.split("\n")[:-1]]


def test_every_format_has_the_files_that_it_names(tmp_path: Path) -> None:
    for format in FORMATS:
        folder = tmp_path / format
        folder.mkdir()
        write(folder, format)
        assert sorted(path.name for path in folder.iterdir()) == sorted(name_files(format))
        assert f"extractions.{format}" in name_files(format)


def test_jsonl_is_the_contracts_records(tmp_path: Path) -> None:
    write(tmp_path, "jsonl")
    assert records(tmp_path) == [article.record for article in ARTICLES]
    assert list(records(tmp_path)[0]) == ["id", "text", "events", "event_scores", "spans", "meta"]


def test_all_formats_of_one_run_agree(tmp_path: Path) -> None:
    write(tmp_path, *FORMATS)
    found = records(tmp_path)
    spans = sum(len(record["spans"]) for record in found)
    visits = sum("visit" in record["events"] for record in found)
    book = openpyxl.load_workbook(tmp_path / "extractions.xlsx")
    assert book.sheetnames == ["extractions", "mentions", "entities", "summary"]
    for name in book.sheetnames:
        csv = pd.read_csv(tmp_path / f"{name}.csv", sep=";", decimal=",")
        parquet = pd.read_parquet(tmp_path / f"{name}.parquet")
        xlsx = pd.read_excel(tmp_path / "extractions.xlsx", sheet_name=name)
        for table in (csv, xlsx):
            assert list(table.columns) == list(parquet.columns)
            pd.testing.assert_frame_equal(
                table.astype(str).replace("nan", ""),
                parquet.replace("", None).astype(str).replace({"nan": "", "None": ""}),
                check_dtype=False,
            )
        if name == "extractions":
            assert parquet["id"].tolist() == [record["id"] for record in found]
            assert parquet["length"].tolist() == [len(record["text"]) for record in found]
        elif name == "mentions":
            assert len(parquet) == spans
        elif name == "entities":
            assert parquet["mentions"].sum() == spans
        else:
            assert parquet["articles"].sum() == len(found)
            assert parquet["visit"].sum() == visits
    tasks = json.loads((tmp_path / "extractions.labelstudio").read_bytes())
    assert len(tasks) == len(found)
    assert (tmp_path / "extractions.html").read_text(encoding="utf-8") == "a.txt b.txt c.txt d.txt"


def test_label_studio_tasks_have_predictions_and_the_ending_that_its_import_wants(tmp_path: Path) -> None:
    write(tmp_path, "labelstudio")
    path = tmp_path / "extractions.labelstudio.json"
    assert path.read_bytes() == (tmp_path / "extractions.labelstudio").read_bytes()
    tasks, problems = read_tasks(path, SCHEMA)
    assert not problems
    assert [(task.id, task.text) for task in tasks] == [
        (article.record["id"], article.record["text"]) for article in ARTICLES
    ]
    first = json.loads(path.read_bytes())[0]
    assert "annotations" not in first
    (prediction,) = first["predictions"]
    assert prediction["model_version"] == "vizitka-1"
    regions = [item for item in prediction["result"] if item["type"] == "labels"]
    text = first["data"]["text"]
    assert [text[item["value"]["start"] : item["value"]["end"]] for item in regions] == [
        span["text"] for span in ARTICLES[0].record["spans"]
    ]
    # Their results read as annotations give the spans again.
    raw = [{**task, "annotations": task["predictions"]} for task in json.loads(path.read_bytes())]
    path.write_text(json.dumps(raw), encoding="utf-8")
    tasks, problems = read_tasks(path, SCHEMA)
    assert not problems
    assert [len(task.annotations[0].spans) for task in tasks] == [3, 2, 0, 1]
    assert tasks[1].annotations[0].events == ("visit", "agreement")


def test_nothing_extracted_is_written_too(tmp_path: Path) -> None:
    write(tmp_path, *FORMATS, articles=[])
    assert records(tmp_path) == []
    assert json.loads((tmp_path / "extractions.labelstudio").read_bytes()) == []
    assert len(pd.read_parquet(tmp_path / "mentions.parquet")) == 0


def test_a_lone_surrogate_and_a_formula_pass_through_every_format(tmp_path: Path) -> None:
    odd = make_extraction(
        "=1+1.txt", "Мэр \ud800\x00 Калуги", {"Калуги": "PARTNER"}, meta={"title": "=\ud800\x01"}
    )
    remarks = write(tmp_path, *FORMATS, articles=[odd])
    assert records(tmp_path)[0]["text"] == "Мэр \ud800\x00 Калуги"
    assert (
        json.loads((tmp_path / "extractions.labelstudio").read_bytes())[0]["data"]["text"]
        == odd.record["text"]
    )
    assert pd.read_parquet(tmp_path / "extractions.parquet")["title"].tolist() == ["=\ufffd\x01"]
    assert pd.read_excel(tmp_path / "extractions.xlsx")["title"].tolist() == ["=\ufffd"]
    assert pd.read_csv(tmp_path / "extractions.csv", sep=";")["id"].tolist() == ["'=1+1.txt"]
    assert sorted(remarks) == [
        "cells without their control characters in csv: 1",
        "cells without their control characters in xlsx: 1",
    ]


def test_extractions_are_read_once_for_all_tables(tmp_path: Path) -> None:
    passes = 0

    def extractions() -> Iterator[Extraction]:
        nonlocal passes
        passes += 1
        yield from ARTICLES

    write_formats(["csv", "xlsx", "parquet"], tmp_path, extractions, SCHEMA, "v")
    assert passes == 1


@pytest.mark.parametrize("format", [format for format in FORMATS if format != "html"])
def test_what_breaks_off_leaves_the_last_complete_result(tmp_path: Path, format: str) -> None:
    write(tmp_path, format)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def broken() -> Iterator[Extraction]:
        yield ARTICLES[1]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_formats([format], tmp_path, broken, SCHEMA, "v")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_without_links_the_label_studio_file_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr("os.link", refuse)
    for _ in range(2):
        write(tmp_path, "labelstudio")
        assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1
    assert len(list(tmp_path.iterdir())) == 2
