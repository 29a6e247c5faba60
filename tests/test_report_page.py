"""The report in a browser: filters, counts, search and marks do what they say; it fits, and it is quick."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from infer.document import Document, Span
from infer.schema import Schema
from tests.browser import complaints, open_browser, overflow, requests, show
from tests.test_html import CURVE, HOSTILE, make_document, make_report
from train.html import render

EMOJI = "😀 «Фуяо» 👍🏽 и Иван\r\nПетров <script>alert(1)</script>"

# Articles get their height when they come into view, so the page moves for a frame or two.
SETTLE = """arguments[0].scrollIntoView({ block: "center" });
requestAnimationFrame(() => requestAnimationFrame(arguments[1]))"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def page(schema: Schema, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four articles: one faultless, the others with an error of each kind among them."""
    company, person = (
        Span(EMOJI.index(quote), EMOJI.index(quote) + len(quote), label)
        for quote, label in (("«Фуяо»", "PARTNER"), ("Иван\r\nПетров", "OFFICIAL"))
    )
    gold = [
        make_document("fine", company, person, text=EMOJI, events=("visit",)),
        make_document("emoji", company, person, text=EMOJI, source="Блог Ёлки"),
        make_document("kinds", Span(0, 10, "PARTNER"), Span(11, 29, "OFFICIAL"), events=("visit",)),
        make_document("hostile", text=HOSTILE),
    ]
    predicted = [
        gold[0],
        make_document("emoji", replace(company, start=company.start + 1), text=EMOJI),  # bounds, missed
        make_document("kinds", Span(0, 10, "SECTOR"), Span(12, 29, "SECTOR"), Span(43, 50, "SECTOR")),
        gold[3],
    ]
    file = tmp_path_factory.mktemp("report") / "report.html"
    report = make_report(gold, predicted, schema, curve=CURVE, warnings=["Осторожно"] * 9)
    file.write_text(render(report), encoding="utf-8", newline="")
    return file


def _shown(browser: Chrome) -> list[str]:
    names = browser.find_elements(By.CSS_SELECTOR, "details.article:not([hidden]) > summary > b")
    return [name.text for name in names]


def _chips(browser: Chrome) -> dict[str, int]:
    chips = browser.find_elements(By.CSS_SELECTOR, ".chips button")
    return {chip.get_attribute("value") or chip.text: int(chip.text.split()[-1]) for chip in chips}


def _click(browser: Chrome, value: str, row: str = "kinds") -> None:
    browser.find_element(By.CSS_SELECTOR, f'#{row} button[value="{value}"]').click()


def _open(browser: Chrome, name: str) -> WebElement:
    """The opened article of that name."""
    articles = browser.find_elements(By.CSS_SELECTOR, "details.article")
    article = next(one for one in articles if one.find_element(By.TAG_NAME, "b").text == name)
    browser.execute_script("arguments[0].open = true", article)
    WebDriverWait(browser, 5).until(lambda _: article.find_elements(By.CLASS_NAME, "text"))
    return article


def _marked(article: WebElement, css: str) -> list[str]:
    script = "return [...arguments[0].querySelectorAll(arguments[1])].map((mark) => mark.textContent)"
    marked: list[str] = article.parent.execute_script(script, article, css)
    return marked


def test_filters_show_what_they_count(browser: Chrome, page: Path) -> None:
    show(browser, page)
    assert _shown(browser) == ["kinds", "emoji", "fine", "hostile"]
    counts = _chips(browser)
    kinds = {"wrong": 6, "bounds": 1, "label": 1, "both": 1, "missed": 2, "spurious": 1, "faultless": 2}
    assert {kind: counts[kind] for kind in kinds} == kinds
    _click(browser, "missed")
    assert _shown(browser) == ["kinds", "emoji"]
    _click(browser, "label OFFICIAL", "names")
    assert _shown(browser) == ["emoji"]
    assert _chips(browser)["label OFFICIAL"] == _chips(browser)["missed"] == 1
    _click(browser, "event visit", "names")
    assert _shown(browser) == ["kinds"]
    _click(browser, "faultless")
    assert _shown(browser) == ["fine"]
    assert browser.find_element(By.ID, "shown").text == "Показано 1 из 4"
    pressed = browser.find_elements(By.CSS_SELECTOR, '.chips [aria-pressed="true"]')
    assert [chip.get_attribute("value") for chip in pressed] == ["faultless", "event visit"]
    _click(browser, "")
    _click(browser, "", "names")
    assert len(_shown(browser)) == 4


def test_other_marks_step_back_when_filtered(browser: Chrome, page: Path) -> None:
    show(browser, page)
    article = _open(browser, "kinds")
    assert not _marked(article, "mark.dim")
    _click(browser, "both")
    assert set(_marked(article, "mark:not(.dim)")) == {"А", "лексей Островский"}  # split by the other mark
    assert "Губернатор" in _marked(article, "mark.dim.gold")


def test_search_ignores_case_and_yo(browser: Chrome, page: Path) -> None:
    show(browser, page)
    browser.find_element(By.TAG_NAME, "body").send_keys("/")
    field = browser.switch_to.active_element
    field.send_keys("елки")
    WebDriverWait(browser, 5).until(lambda _: len(_shown(browser)) == 1)
    assert _shown(browser) == ["emoji"]
    assert _chips(browser)["wrong"] == 2
    field.clear()
    field.send_keys("иван")
    WebDriverWait(browser, 5).until(lambda _: len(_shown(browser)) == 2)


def test_marks_cover_exactly_the_mentions(browser: Chrome, page: Path) -> None:
    show(browser, page)
    article = _open(browser, "emoji")
    assert _marked(article, ".text") == [EMOJI]
    assert "".join(_marked(article, "mark.gold.bounds:not(mark mark)")) == "«Фуяо»"
    assert _marked(article, "mark.model") == ["Фуяо»"]
    assert _marked(article, "mark.gold.missed") == ["Иван\r\nПетров"]
    assert not article.find_elements(By.CSS_SELECTOR, ".text script")
    fine = _open(browser, "fine")
    assert _marked(fine, "mark.both") == ["«Фуяо»", "Иван\r\nПетров"]
    quotes = [button.text for button in article.find_elements(By.CSS_SELECTOR, ".errors button")]
    assert quotes == ["«Фуяо»", "Фуяо»", "Иван Петров"]
    button = article.find_element(By.CSS_SELECTOR, ".errors button")
    browser.execute_async_script(SETTLE, button)
    button.click()
    assert article.find_elements(By.CSS_SELECTOR, "mark.flash")


def test_an_article_opens_from_the_keyboard(browser: Chrome, page: Path) -> None:
    show(browser, page)
    summary = browser.find_elements(By.CSS_SELECTOR, "details.article > summary")[2]
    browser.execute_script("arguments[0].focus()", summary)
    summary.send_keys(" ")
    WebDriverWait(browser, 5).until(
        lambda _: browser.find_elements(By.CSS_SELECTOR, "details[open] .faultless")
    )


def test_print_and_toggle_open_what_is_shown(browser: Chrome, page: Path) -> None:
    show(browser, page)
    _click(browser, "faultless")
    browser.find_element(By.ID, "toggle").click()
    opened = browser.find_elements(By.CSS_SELECTOR, "details.article[open]:not([hidden])")
    assert len(opened) == 2
    assert len(browser.execute_cdp_cmd("Page.printToPDF", {})["data"]) > 10_000


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_makes_no_request_and_no_complaint(
    browser: Chrome, page: Path, width: int, dark: bool
) -> None:
    show(browser, page, width, dark=dark)
    for name in ("kinds", "emoji", "hostile"):
        _open(browser, name)
    assert overflow(browser) == 0
    assert complaints(browser) == []
    assert requests(browser) == [page.as_uri()]


@pytest.mark.slow
def test_500_long_articles_open_fast(browser: Chrome, schema: Schema, tmp_path: Path) -> None:
    text = "Губернатор принял делегацию провинции Хэйлунцзян, обсудили туризм и энергетику. " * 75
    marks = [Span(start, start + 10, "PARTNER") for start in range(0, 5900, 150)]
    gold = [make_document(str(i), *marks, text=text, source="wire") for i in range(500)]
    predicted: list[Document] = [make_document(str(i), *marks[i % 3 :], text=text) for i in range(500)]
    file = tmp_path / "report.html"
    report = make_report(gold[:2], predicted[:2], schema)  # its scores play no part here
    file.write_text(render(replace(report, gold=gold, predicted=predicted)), encoding="utf-8")
    started = time.monotonic()
    show(browser, file)
    assert browser.find_element(By.ID, "shown").text == "Показано 500 из 500"
    assert time.monotonic() - started < 10
    started = time.monotonic()
    _click(browser, "missed")
    assert browser.find_element(By.ID, "shown").text == "Показано 333 из 500"
    assert time.monotonic() - started < 5
