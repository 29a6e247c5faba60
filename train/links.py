"""Addresses of tasks on the Label Studio server that they were exported from."""

from __future__ import annotations

from pathlib import Path

from infer.labelstudio import load_export
from infer.schema import Schema


def task_links(path: Path, schema: Schema, server: str | None) -> dict[str, str]:
    """Addresses by article, of those whose task tells its project and number; none without a server.

    Raises LabelStudioError. The numbers are those of the export: one whose task was deleted comes back.
    """
    links: dict[str, str] = {}
    for position, raw in enumerate(load_export(path, schema), 1):
        task, project = raw.get("id"), raw.get("project")
        if server and isinstance(task, int) and isinstance(project, int):
            name = str(raw["data"].get("id", raw.get("id", position)))
            links.setdefault(name, task_link(server, project, task))
    return links


def task_link(server: str, project: int, task: int) -> str:
    """Where a task opens in the browser."""
    return f"{server.rstrip('/')}/projects/{project}/data?task={task}"
