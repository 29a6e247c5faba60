"""The pages of conflicts and suspects in a browser: they fit, ask for nothing, hostile text stays text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from infer.document import Document, Span
from infer.labelstudio import Annotation, Task
from infer.schema import Schema
from tests.browser import complaints, open_browser, overflow, requests, show
from train.conflicts import list_conflicts
from train.conflicts_page import conflicts_page
from train.doubts import Doubt
from train.matching import BOUNDS, MISSED, RIGHT, SPURIOUS
from train.suspects_page import suspects_page

TEXT = "<script>alert(1)</script> " + "😀 Делегация «провинции\r\nХэнань» " * 20 + "ы" * 300
NAME = "</td><img src=x onerror=alert(1)>" + "длинное" * 20
WHOLE, PART = Span(26, 60, "PARTNER", 0.9), Span(38, 60, "SECTOR", 0.8)


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with open_browser() as opened:
        yield opened


def _conflicts(schema: Schema) -> str:
    names = ("anna@example.org", "<b>boris</b>", "vera" * 12)
    given = zip(names, ((WHOLE,), (PART,), ()), (("visit",), (), ()), strict=True)
    annotations = tuple(Annotation(name, "", spans, events) for name, spans, events in given)
    found = list_conflicts([Task(NAME, TEXT, annotations)], schema)
    return conflicts_page(
        {"a<b.json": found}, {"a<b.json": {NAME: "http://ls/projects/1/data?task=2"}}, schema
    )


def _suspects(schema: Schema) -> str:
    article = Document(NAME, TEXT)
    doubts = [
        Doubt(article, BOUNDS, 0.9, WHOLE, PART),
        Doubt(article, SPURIOUS, 0.8, None, PART),
        Doubt(article, RIGHT, 0.7, WHOLE, WHOLE),
        Doubt(article, SPURIOUS, 0.6, event="visit"),
        Doubt(article, MISSED, 0.5, WHOLE),
    ]
    return suspects_page(doubts, {NAME: "http://ls/projects/1/data?task=2"}, schema)


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("render", [_conflicts, _suspects])
def test_pages_fit_and_are_quiet(
    render: object, width: int, browser: Chrome, schema: Schema, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    page.write_text(render(schema), encoding="utf-8", newline="")  # type: ignore[operator]
    show(browser, page, width)
    assert complaints(browser) == []
    assert requests(browser) == [page.as_uri()]
    assert overflow(browser) <= 0
    assert browser.find_elements(By.TAG_NAME, "img") == []
    shown = browser.find_element(By.TAG_NAME, "main").text
    assert "<script>alert(1)</script>" in shown
    assert NAME[:30] in shown
