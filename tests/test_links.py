"""Addresses of tasks: only of those that the export places on a server."""

from __future__ import annotations

import json
from pathlib import Path

from infer.schema import Schema
from train.links import task_links


def test_tasks_that_tell_project_and_number_have_an_address(tmp_path: Path, schema: Schema) -> None:
    path = tmp_path / "export.json"
    tasks = [
        {"id": 7, "project": 3, "data": {"id": "a.txt", "text": "Текст"}},
        {"id": 8, "project": 3, "data": {"text": "Без имени"}},
        {"data": {"id": "b.txt", "text": "Не с сервера"}},
    ]
    path.write_text(json.dumps(tasks), encoding="utf-8")
    assert task_links(path, schema, "http://ls:8080/") == {
        "a.txt": "http://ls:8080/projects/3/data?task=7",
        "8": "http://ls:8080/projects/3/data?task=8",
    }
    assert task_links(path, schema, None) == {}


def test_flat_records_have_none(tmp_path: Path, schema: Schema) -> None:
    path = tmp_path / "min.json"
    path.write_text(
        json.dumps([{"id": 1, "text": "Текст", "annotator": 1, "annotation_id": 2}]), encoding="utf-8"
    )
    assert task_links(path, schema, "http://ls") == {}
