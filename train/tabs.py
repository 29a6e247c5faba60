"""A Data Manager tab that shows some articles of a Label Studio project.

Articles are found by the `data.id` that we give them, those of other importers by their task's number. Label
Studio 1.23 stores any operator in a tab's filters, but its Data Manager opens no tab at all of a project
where one tab has an operator that it doesn't offer, such as a list of numbers; so names make one regular
expression, numbers a filter each.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from infer.schema import Schema
from train.pull import id_of, name_task
from train.server import Server, persist

NOBODY = 0  # no task has this number


@dataclass(frozen=True, slots=True)
class Tab:
    """Where the tab is, the number of each task of the project by its article, and what it shows."""

    address: str
    tasks: Mapping[str, int]
    shown: frozenset[str]


def show_articles(server: Server, project: int, schema: Schema, title: str, names: Collection[str]) -> Tab:
    """Make the project's tab of this title show these articles, as far as it has them. Raises StudioError."""
    tasks = persist(lambda: server.list_tasks(project))
    numbers = {id_of(name_task(task, schema)): int(task["id"]) for task in reversed(tasks)}
    own = {str(task["data"].get("id")) for task in tasks}
    shown = frozenset(names) & numbers.keys()
    filters = make_filters(sorted(shown & own), sorted(numbers[name] for name in shown - own))
    tab = persist(lambda: server.put_tab(project, title, filters))
    return Tab(f"{server.url}/projects/{project}/data?tab={tab}", numbers, shown)


def make_filters(names: Collection[str], numbers: Collection[int]) -> dict[str, Any]:
    """Filters that tasks of these `data.id` and of these numbers pass, no others."""
    pattern = f"^({'|'.join(map(re.escape, names))})$"
    by_name = [{"filter": "filter:tasks:data.id", "operator": "regex", "type": "String", "value": pattern}]
    by_number = [
        {"filter": "filter:tasks:id", "operator": "equal", "type": "Number", "value": number}
        for number in numbers or ([] if names else [NOBODY])
    ]
    return {"conjunction": "or", "items": [*(by_name if names else []), *by_number]}
