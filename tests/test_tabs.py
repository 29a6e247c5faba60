"""Filters of a Data Manager tab: which tasks pass them; the server's own word is in test_studio_server.py."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from infer.schema import Schema
from train.server import digest_of
from train.tabs import make_filters, show_articles

names = st.text(alphabet="абв.[](|)*+?^$\\ 1/", min_size=1, max_size=6)


@given(st.sets(names, min_size=1, max_size=5), names)
def test_the_pattern_fits_the_names_and_no_others(wanted: set[str], other: str) -> None:
    (item,) = make_filters(sorted(wanted), [])["items"]
    for name in {*wanted, other}:
        assert bool(re.search(item["value"], name)) == (name in wanted)


def test_nothing_to_show_is_a_filter_that_no_task_passes() -> None:
    (item,) = make_filters([], [])["items"]
    assert (item["filter"], item["operator"], item["value"]) == ("filter:tasks:id", "equal", 0)


class FakeServer:
    url = "http://studio"

    def __init__(self, *tasks: dict[str, Any]) -> None:
        self.tasks = [{"id": number, "data": data} for number, data in enumerate(tasks, 1)]
        self.filters: dict[str, Any] = {}

    def list_tasks(self, project: int) -> list[dict[str, Any]]:
        return self.tasks

    def put_tab(self, project: int, title: str, filters: dict[str, Any]) -> int:
        self.filters = filters
        return 7


def test_articles_go_by_their_id_and_those_without_by_their_tasks_number(schema: Schema) -> None:
    server = FakeServer({"id": "a", "text": "А"}, {"text": "Б"}, {"id": "c", "text": "В"}, {"id": "a"})
    nameless = f"text-{digest_of('Б')}"
    tab = show_articles(server, 3, schema, "Some", ["a", nameless, "absent"])  # type: ignore[arg-type]
    assert tab.address == "http://studio/projects/3/data?tab=7"
    assert tab.shown == {"a", nameless}
    assert tab.tasks == {"a": 1, nameless: 2, "c": 3}
    assert server.filters == make_filters(["a"], [2])
