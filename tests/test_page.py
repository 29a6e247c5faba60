"""The analysts' page: what it shows is what the records say, whatever they hold; filters, keys, addresses."""

from __future__ import annotations

import json
import random
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from infer.page import _to_article
from infer.page import write_page as write_extractions
from infer.records import Extraction
from tests.browser import complaints, open_browser, overflow, requests, show

HOSTILE = (
    "<script>alert(1)</script></script><!-- <b>&amp; \"'\u2028\u2029 $x ${y} "
    "\u202eabc\u202c \u05e9\u05dc\u05d5\u05dd"  # written from right to left
)
EVENTS = ("visit", "agreement", "exhibition")


def make_record(
    name: str,
    text: str,
    *spans: tuple[str, str] | tuple[str, str, str],
    events: tuple[str, ...] = (),
    score: float = 0.9,
    **meta: str,
) -> dict[str, Any]:
    """A record of the contract; a span is (label, its text's first occurrence, normal form if another)."""
    return {
        "id": name,
        "text": text,
        "events": list(events),
        "event_scores": {event: 0.97 if event in events else 0.03 for event in EVENTS},
        "spans": [
            {
                "start": text.index(quote),
                "end": text.index(quote) + len(quote),
                "label": label,
                "text": quote,
                "normal": normal[0] if normal else quote,
                "score": score,
            }
            for label, quote, *normal in spans
        ],
        "meta": meta,
    }


RECORDS = [
    make_record(
        "heilongjiang.txt",
        "🤝🏽 Встреча 👨‍👩‍👧\r\n\r\nГубернатор принял делегацию провинции Хэйлунцзян.\r\n"
        "О туризме 🏔 и ещё о туризме.",
        ("PARTNER", "провинции Хэйлунцзян", "провинция Хэйлунцзян"),
        ("SECTOR", "туризме", "туризм"),
        events=("visit",),
        date="2024-03-12",
        source="Вестник",
    ),
    make_record(
        "india.txt",
        "Посол Индии Раджеш Шарма подписал меморандум. Развитие туризма.",
        ("PARTNER", "Посол Индии Раджеш Шарма", "посольство Индии"),
        ("OFFICIAL", "Раджеш Шарма"),
        ("SECTOR", "туризма", "туризм"),
        events=("agreement", "visit"),
        date="15.04.2024",
        url="https://example.org/news?id=1",
        title="Меморандум с Индией",
    ),
    make_record(
        "fuyao.txt",
        "Компания «Фуяо» открыла стенд. О стекле.",
        ("PARTNER", "«Фуяо»"),
        ("SECTOR", "стекле", "стекло"),
        events=("exhibition",),
        date="2024-06-01T10:00:00+03:00",
        score=0.4,
    ),
    make_record(
        "hostile.txt",
        HOSTILE,
        ("OFFICIAL", "<b>&amp;"),
        title=HOSTILE,
        url="javascript:alert(1)",
        source=HOSTILE,
    ),
]


def with_keys(record: dict[str, Any]) -> Extraction:
    """Each mention an entity of its own normal form, or of the key given beside it."""
    return Extraction(record, tuple(span.get("key", span["normal"]) for span in record["spans"]))


def write_page(records: Iterable[dict[str, Any]], path: Path) -> None:
    write_extractions(map(with_keys, records), path)


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "extractions.html"
    write_page(iter(RECORDS), path)
    return path


def texts(browser: Chrome, selector: str) -> list[str]:
    """What the elements that are seen say, spaces evened."""
    script = """return [...document.querySelectorAll(arguments[0])]
      .filter((found) => found.getClientRects().length)
      .map((found) => found.innerText.replace(/\\s+/g, " ").trim())"""
    return list(browser.execute_script(script, selector))


def titles(browser: Chrome) -> list[str]:
    return texts(browser, ".row .title")


def press(browser: Chrome, *keys: str) -> None:
    ActionChains(browser).send_keys(*keys).perform()


def click(browser: Chrome, selector: str, name: str = "") -> None:
    """Click the first element of a selector that contains a text."""
    found = [element for element in browser.find_elements(By.CSS_SELECTOR, selector) if name in element.text]
    assert found, f"no {selector} with {name!r}"
    found[0].click()


def wait(browser: Chrome, *expected: str) -> None:
    """Until the list shows these titles."""
    WebDriverWait(browser, 10, 0.05).until(lambda _: titles(browser) == list(expected), f"{titles(browser)}")


def open_article(browser: Chrome, number: int) -> None:
    WebDriverWait(browser, 10, 0.05).until(lambda _: titles(browser))
    browser.find_elements(By.CSS_SELECTOR, ".row")[number].click()
    WebDriverWait(browser, 10, 0.05).until(lambda _: browser.find_element(By.ID, "article").is_displayed())


def marked(browser: Chrome) -> list[str]:
    """The text that each span's marks cover together, in the spans' order."""
    script = """const covered = [];
      for (const mark of document.querySelectorAll("mark[data-span]")) {
        const span = Number(mark.dataset.span);
        covered[span] = (covered[span] || "") + mark.textContent;
      }
      return covered"""
    return list(browser.execute_script(script))


def address(browser: Chrome) -> dict[str, list[str]]:
    return parse_qs(browser.current_url.partition("#")[2], keep_blank_values=True)


FIRST, SECOND, THIRD = (
    "🤝🏽 Встреча 👨‍👩‍👧",
    "Меморандум с Индией",
    "Компания «Фуяо» открыла стенд. О стекле.",
)
LAST = " ".join(HOSTILE.split())


def test_first_screen_says_how_many_when_who_and_what(browser: Chrome, page: Path) -> None:
    show(browser, page)
    assert texts(browser, "#total") == ["4 статьи"]
    assert texts(browser, "#period") == ["12 мар. 2024 – 1 июн. 2024, без даты 1"]
    assert texts(browser, ".event") == ["визит 2", "соглашение 1", "выставка 1", "без события 1"]
    assert texts(browser, ".facet h2") == ["Партнёры 3", "Официальные лица 2", "Отрасли 2"]
    assert texts(browser, ".facet:last-child .value") == ["туризм 2", "стекло 1"]
    assert [title[:20] for title in titles(browser)] == [text[:20] for text in (FIRST, SECOND, THIRD, LAST)]
    assert texts(browser, ".badge") == ["визит 97 %", "соглашение 97 %", "визит 97 %", "выставка 97 %"]
    months = [month.accessible_name for month in browser.find_elements(By.CSS_SELECTOR, ".period")]
    assert [month.replace("\xa0", " ") for month in months] == [
        "март 2024: 1 статья, визит 1",
        "апрель 2024: 1 статья, соглашение 1",
        "май 2024: 0 статей",
        "июнь 2024: 1 статья, выставка 1",
    ]


def test_nothing_is_asked_of_the_network_and_nothing_complains(browser: Chrome, page: Path) -> None:
    show(browser, page)
    for number in range(len(RECORDS)):
        open_article(browser, number)
        browser.back()
        WebDriverWait(browser, 10, 0.05).until(lambda _: titles(browser))
    # Chromium's own picture for a date field is a data: address.
    assert [url for url in requests(browser) if not url.startswith("data:")] == [page.as_uri()]
    assert complaints(browser) == []


def test_policy_stops_what_the_page_did_not_bring(browser: Chrome, page: Path) -> None:
    show(browser, page)
    browser.execute_script(
        """const script = document.createElement("script"); script.textContent = "window.broken = 1";
        document.body.append(script); const image = new Image(); image.src = "https://example.org/x.png";
        document.body.append(image)"""
    )
    assert browser.execute_script("return window.broken") is None
    assert len(complaints(browser)) == 2


def test_marks_cover_exactly_the_mentions(browser: Chrome, page: Path) -> None:
    show(browser, page)
    for number, record in enumerate(RECORDS):
        open_article(browser, number)
        assert marked(browser) == [span["text"] for span in record["spans"]]
        assert browser.execute_script("return document.querySelector('.text').textContent") == record["text"]
        browser.back()
        WebDriverWait(browser, 10, 0.05).until(lambda _: titles(browser))


def test_overlapping_mentions_are_nested_and_explained(browser: Chrome, page: Path) -> None:
    show(browser, page)
    open_article(browser, 1)
    inner = browser.find_element(By.CSS_SELECTOR, "mark > mark")
    assert (inner.text, inner.find_element(By.XPATH, "..").text) == ("Раджеш Шарма", "Раджеш Шарма")
    ActionChains(browser).move_to_element(inner).perform()
    assert texts(browser, "#tip p") == [
        "Раджеш Шарма Официальное лицо, 90 %, в 1 статье",
        "посольство Индии Партнёр, 90 %, в 1 статье",
    ]
    assert inner.get_attribute("aria-describedby") == "tip"
    press(browser, Keys.ESCAPE)
    assert texts(browser, "#tip") == []
    browser.execute_script("document.querySelector('mark').focus()")
    assert texts(browser, "#tip b") == ["посольство Индии"]


def test_a_tap_explains_a_mention(browser: Chrome, page: Path) -> None:
    show(browser, page, 390, 800)
    open_article(browser, 0)
    mark = browser.find_element(By.CSS_SELECTOR, "mark").rect
    place = {"x": mark["x"] + 5, "y": mark["y"] + 5}
    browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [place]})
    browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    WebDriverWait(browser, 10, 0.05).until(lambda _: texts(browser, "#tip b") == ["провинция Хэйлунцзян"])


def test_doubtful_mentions_are_told_apart(browser: Chrome, page: Path) -> None:
    show(browser, page)
    open_article(browser, 2)
    assert len(browser.find_elements(By.CSS_SELECTOR, "mark.doubtful")) == 2
    browser.back()
    open_article(browser, 0)
    assert not browser.find_elements(By.CSS_SELECTOR, "mark.doubtful")


def test_an_uncertain_mention_is_doubtful_whatever_its_score(browser: Chrome, tmp_path: Path) -> None:
    record = make_record("a", "Фуяо и Сименс", ("PARTNER", "Фуяо"), ("PARTNER", "Сименс"), score=0.8)
    record["spans"][1]["uncertain"] = True
    write_page([record], tmp_path / "page.html")
    show(browser, tmp_path / "page.html")
    open_article(browser, 0)
    assert texts(browser, "mark.doubtful") == ["Сименс"]


def test_hostile_text_is_shown_as_text(browser: Chrome, page: Path) -> None:
    show(browser, page)
    open_article(browser, 3)
    assert browser.execute_script("return document.querySelector('#article h1').textContent") == HOSTILE
    assert (
        browser.execute_script("return document.querySelectorAll('#article script, #article b b').length")
        == 0
    )
    assert browser.find_elements(By.CSS_SELECTOR, ".facts a") == []
    source = page.read_text(encoding="utf-8")
    assert source.count("<script") == source.count("</script") == 2
    assert "\u2028" not in source


def test_links_lead_out_without_a_trace(browser: Chrome, page: Path) -> None:
    show(browser, page)
    open_article(browser, 1)
    link = browser.find_element(By.CSS_SELECTOR, ".facts a")
    assert link.get_attribute("href") == "https://example.org/news?id=1"
    assert (link.text, link.get_attribute("rel")) == ("example.org", "noopener noreferrer")


def test_filters_narrow_the_list_and_the_counts(browser: Chrome, page: Path) -> None:
    show(browser, page)
    click(browser, ".value", "туризм")
    wait(browser, FIRST, SECOND)
    assert texts(browser, "#total") == ["2 из 4 статей"]
    assert texts(browser, ".event") == ["визит 2", "соглашение 1", "выставка 0", "без события 0"]
    assert texts(browser, ".facet:last-child .value") == ["туризм 2", "стекло 1"]  # what a click would add
    assert texts(browser, ".facet:first-child h2") == ["Партнёры 2"]
    assert browser.switch_to.active_element.get_attribute("aria-pressed") == "true"  # still where it was
    click(browser, ".event", "соглашение")
    wait(browser, SECOND)
    assert address(browser) == {"event": ["agreement"], "span.SECTOR": ["туризм"]}
    assert texts(browser, ".chip") == ["Событие: соглашение ×", "Отрасль: туризм ×", "Сбросить всё"]
    click(browser, ".chip", "Отрасль")
    click(browser, ".event", "выставка")
    wait(browser, SECOND, THIRD)
    click(browser, ".chip", "Сбросить")
    assert len(titles(browser)) == 4
    click(browser, ".event", "без события")
    assert texts(browser, "#total") == ["1 из 4 статей"]


def test_timeline_and_dates_filter(browser: Chrome, page: Path) -> None:
    show(browser, page)
    months = ".period"
    browser.find_elements(By.CSS_SELECTOR, months)[1].click()
    wait(browser, SECOND)
    assert address(browser) == {"from": ["2024-04-01"], "to": ["2024-04-30"]}
    last: WebElement = browser.find_elements(By.CSS_SELECTOR, months)[3]
    ActionChains(browser).key_down(Keys.SHIFT).click(last).key_up(Keys.SHIFT).perform()
    wait(browser, SECOND, THIRD)
    assert address(browser) == {"from": ["2024-04-01"], "to": ["2024-06-30"]}
    browser.execute_script(
        """const to = document.getElementById("to"); to.value = "2024-04-15";
        to.dispatchEvent(new Event("change", { bubbles: true }))"""
    )
    wait(browser, SECOND)
    click(browser, ".chip")
    assert len(titles(browser)) == 4
    browser.find_elements(By.CSS_SELECTOR, months)[0].send_keys(Keys.ARROW_RIGHT, Keys.ENTER)
    wait(browser, SECOND)


def test_sorting_puts_undated_articles_last(browser: Chrome, page: Path) -> None:
    show(browser, page)
    for order, expected in (("new", [THIRD, SECOND, FIRST]), ("old", [FIRST, SECOND, THIRD])):
        browser.find_element(By.CSS_SELECTOR, f"#sort option[value={order}]").click()
        assert titles(browser)[:3] == expected


def test_search_ignores_case_and_yo_and_shows_the_place(browser: Chrome, page: Path) -> None:
    show(browser, page)
    query = browser.find_element(By.ID, "query")
    query.send_keys("ЕЩЕ о тур")
    wait(browser, FIRST)
    assert texts(browser, ".lead .hit") == ["ещё"]
    open_article(browser, 0)
    assert {"ещё", "О", "тур"} <= set(texts(browser, ".text mark.hit"))
    assert marked(browser) == [span["text"] for span in RECORDS[0]["spans"]]
    browser.back()
    query.clear()
    query.send_keys("посольство")  # a normal form, not in the text
    wait(browser, SECOND)
    query.clear()
    query.send_keys("(.*[")
    WebDriverWait(browser, 10, 0.05).until(lambda _: texts(browser, "#nothing"))
    assert texts(browser, ".value") == []
    assert complaints(browser) == []


def test_names_in_an_article_lead_to_all_its_articles(browser: Chrome, page: Path) -> None:
    show(browser, page)
    open_article(browser, 0)
    assert texts(browser, "aside .value") == [
        "визит 97 %",
        "соглашение 3 %",
        "выставка 3 %",
        "провинция Хэйлунцзян 1 статья",
        "туризм 2 статьи",
    ]
    click(browser, "aside .value", "туризм")
    wait(browser, FIRST, SECOND)


def test_keyboard(browser: Chrome, page: Path) -> None:
    show(browser, page)
    press(browser, "j", "j", "k", "j", Keys.ENTER)
    # An article is shown on the address's change, which the browser tells after the key.
    WebDriverWait(browser, 10, 0.05).until(lambda _: texts(browser, "#article .quiet")[:1] == ["2 из 4"])
    assert browser.switch_to.active_element.tag_name == "h1"
    press(browser, "j")
    WebDriverWait(browser, 10, 0.05).until(lambda _: texts(browser, "#article .quiet")[:1] == ["3 из 4"])
    press(browser, Keys.ESCAPE)
    WebDriverWait(browser, 10, 0.05).until(lambda _: titles(browser))
    assert THIRD in browser.switch_to.active_element.text  # the article that was read
    press(browser, Keys.ARROW_UP)
    assert SECOND in browser.switch_to.active_element.text
    press(browser, "/", "фуяо")
    wait(browser, THIRD)
    press(browser, Keys.ESCAPE, Keys.ESCAPE)
    WebDriverWait(browser, 10, 0.05).until(lambda _: len(titles(browser)) == 4)
    press(browser, "?")
    assert texts(browser, "#help-title") == ["Клавиши"]
    press(browser, Keys.ESCAPE)
    assert texts(browser, "#help-title") == []


def test_keys_work_in_the_russian_layout(browser: Chrome, page: Path) -> None:
    show(browser, page)
    for code, key in (("KeyJ", "о"), ("KeyJ", "о"), ("KeyK", "л")):
        browser.execute_script(
            """document.activeElement.dispatchEvent(
              new KeyboardEvent("keydown", { code: arguments[0], key: arguments[1], bubbles: true }))""",
            code,
            key,
        )
    assert FIRST in browser.switch_to.active_element.text


def test_address_brings_back_filters_and_article(browser: Chrome, page: Path, tmp_path: Path) -> None:
    show(browser, page)
    click(browser, ".value", "туризм")
    open_article(browser, 1)
    url = browser.current_url
    browser.get("about:blank")
    browser.get(url)
    assert texts(browser, "#article h1, #article .quiet")[0] == "2 из 2"
    assert marked(browser) == [span["text"] for span in RECORDS[1]["spans"]]
    click(browser, "#back")
    wait(browser, FIRST, SECOND)
    browser.back()
    WebDriverWait(browser, 10, 0.05).until(lambda _: browser.find_element(By.ID, "article").is_displayed())
    browser.get("about:blank")
    browser.get(page.as_uri() + "#article=none&span.SECTOR=none&from=2024-99-99&to=x&event=none&span.NONE=1")
    assert len(titles(browser)) == 4
    assert complaints(browser) == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_fits_the_screen(browser: Chrome, page: Path, width: int, dark: bool) -> None:
    show(browser, page, width, 800, dark)
    assert overflow(browser) == 0
    if width == 390:
        assert "провинция Хэйлунцзян" in texts(browser, "#facets summary")[0]
        click(browser, "#facets summary")
        assert overflow(browser) == 0
    assert len(texts(browser, ".facet")) == 3
    for number in range(len(RECORDS)):
        browser.execute_script("document.querySelectorAll('.row')[arguments[0]].click()", number)
        WebDriverWait(browser, 10, 0.05).until(
            lambda _: browser.find_element(By.ID, "article").is_displayed()
        )
        assert overflow(browser) == 0
        browser.back()
        WebDriverWait(browser, 10, 0.05).until(lambda _: titles(browser))
    paper = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", paper))) < 200) == dark


def test_without_dates_there_is_no_timeline(browser: Chrome, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_page([{**record, "meta": {}} for record in RECORDS], path)
    show(browser, path)
    assert texts(browser, "#timeline, #order, #period, .when") == []
    assert len(titles(browser)) == 4
    assert complaints(browser) == []


def test_other_schemas_show_their_own_names(browser: Chrome, tmp_path: Path) -> None:
    record = make_record("a", "Кошка спит", ("ЗВЕРЬ <i>", "Кошка"), events=("сон & отдых",))
    path = tmp_path / "page.html"
    write_page([record, {**record, "event_scores": {}, "events": [], "spans": []}], path)
    show(browser, path)
    assert texts(browser, ".facet h2") == ["ЗВЕРЬ <i> 1"]
    assert "сон & отдых 1" in texts(browser, ".event")
    open_article(browser, 0)
    assert marked(browser) == ["Кошка"]
    browser.back()
    open_article(browser, 1)  # the same id: another address
    assert address(browser)["article"] == ["a (2)"]
    assert complaints(browser) == []


def test_no_records_make_an_empty_page(browser: Chrome, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_page([], path)
    show(browser, path)
    assert texts(browser, "#total") == ["0 статей"]
    assert complaints(browser) == []


def test_prints_every_row_that_passes(browser: Chrome, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_page([make_record(f"{i}.txt", f"Статья {i}") for i in range(130)], path)
    show(browser, path)
    assert len(titles(browser)) < 130
    browser.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    assert len(titles(browser)) == 130


def test_list_grows_as_it_is_scrolled(browser: Chrome, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_page([make_record(f"{i}.txt", f"Статья {i}") for i in range(130)], path)
    show(browser, path)
    for _ in range(12):
        browser.execute_script("scrollTo(0, document.documentElement.scrollHeight)")
        time.sleep(0.05)
    WebDriverWait(browser, 10).until(lambda _: len(titles(browser)) == 130)
    assert titles(browser)[-1] == "Статья 129"


@pytest.mark.slow
def test_five_thousand_articles_stay_fast(browser: Chrome, tmp_path: Path) -> None:
    rng = random.Random(3)
    filler = "Делегация обсудила сотрудничество и осмотрела предприятия области, сообщает пресс-служба. " * 21

    def records() -> Iterator[dict[str, Any]]:
        for i in range(5000):
            names = [f"Партнёр {int(rng.paretovariate(0.6)) % 900}" for _ in range(4)]
            names += [f"Лицо {rng.randrange(4000)}" for _ in range(4)]
            text = f"Заголовок {i}\n\n{'; '.join(names)}. {filler}"
            labels = ["PARTNER"] * 4 + ["OFFICIAL"] * 4
            spans = list(zip(labels, names, strict=True))
            day = f"{rng.randrange(2015, 2025)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"
            yield make_record(
                f"{i}.txt", text, *spans, events=tuple(rng.sample(EVENTS, rng.randrange(3))), date=day
            )

    path = tmp_path / "page.html"
    write_page(records(), path)
    browser.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    show(browser, path)
    times = {"open": processor_time(browser)}
    assert titles(browser)[0] == "Заголовок 0"
    for name, action in (
        ("filter", "document.querySelector('.value').click()"),
        ("first search", "update({ query: 'пресс-служба заголовок 77' })"),
        ("search", "update({ query: 'заголовок 778' })"),
    ):
        before = processor_time(browser)
        browser.execute_script(f"{action}; document.body.offsetHeight")
        times[name] = processor_time(browser) - before
    assert "Заголовок 778" in titles(browser)
    print({name: f"{value:.2f} s" for name, value in times.items()}, path.stat().st_size // 2**20, "MB")
    assert times.pop("open") < 3
    assert max(times.values()) < 1


def processor_time(browser: Chrome) -> float:
    """Seconds that the page's main thread has computed: unlike the clock's, not those of others."""
    metrics = browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))


@given(st.text(st.sampled_from("aя😀🏔\r\n\u2028<\ud800"), min_size=1, max_size=12), st.data())
def test_offsets_become_utf16(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    record = make_record("a", text)
    record["spans"] = [
        {"start": start, "end": end, "label": "X", "text": text[start:end], "normal": "x", "score": None}
    ]
    span = _to_article(with_keys(record))["spans"][0]
    units = text.encode("utf-16-le", "surrogatepass")
    assert units[2 * span["start"] : 2 * span["end"]] == text[start:end].encode("utf-16-le", "surrogatepass")


def test_page_appears_when_complete_and_holds_every_record(tmp_path: Path) -> None:
    path = tmp_path / "extractions.html"

    def failing() -> Iterator[dict[str, Any]]:
        yield RECORDS[0]
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="disk"):
        write_page(failing(), path)
    assert not list(tmp_path.iterdir()), "nor a part of it"
    broken = make_record("\ud800.txt", "a\ud800b", ("X", "a\ud800b"))
    write_page([*RECORDS, broken], path)
    block = re.search(r'id="articles">(.*?)</script>', path.read_text(encoding="utf-8"), re.DOTALL)
    assert block
    articles = json.loads(block[1])
    assert [article["text"] for article in articles] == [*(record["text"] for record in RECORDS), "a\ufffdb"]
    assert Counter(path.name for path in tmp_path.iterdir()) == {"extractions.html": 1}


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-03-12", "2024-03-12"),
        ("2024-03-02 10:00", "2024-03-02"),
        ("12.03.2024", "2024-03-12"),
        ("2.3.2024 г.", "2024-03-02"),
        ("31.06.2024", ""),
        ("март 2024", ""),
        ("вчера", ""),
        ("", ""),
    ],
)
def test_days_are_found(text: str, day: str) -> None:
    assert _to_article(with_keys(make_record("a", "a", date=text)))["date"] == day


def test_mentions_of_one_entity_are_counted_together() -> None:
    record = make_record(
        "a", "Вадим Рябинин и Рябинина", ("OFFICIAL", "Вадим Рябинин"), ("OFFICIAL", "Рябинина")
    )
    article = _to_article(Extraction(record, ("Вадим Рябинин", "Вадим Рябинин")))
    assert [span["key"] for span in article["spans"]] == ["Вадим Рябинин"] * 2
    assert [span["normal"] for span in article["spans"]] == ["Вадим Рябинин", "Рябинина"]
