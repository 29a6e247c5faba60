"""Articles, mentions, entities and months as rows."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import pytest

from infer.document import Document, Span
from infer.normal import Normalizer
from infer.records import Extraction, to_record
from infer.schema import Schema
from infer.tabulation import find_facts, make_rows, make_tables
from tests.extractions import ARTICLES, SCHEMA, make_extraction


def rows(extractions: Iterable[Extraction], schema: Schema = SCHEMA) -> dict[str, list[dict[str, Any]]]:
    columns = {table.name: [name for name, _ in table.columns] for table in make_tables(schema)}
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in columns}
    for table, row in make_rows(extractions, schema):
        found[table].append(dict(zip(columns[table], row, strict=True)))
    return found


def test_an_article_is_a_row() -> None:
    first, second, third, _ = rows(ARTICLES)["extractions"]
    assert first == {
        "id": "a.txt",
        "title": "Гости",
        "date": "2018-03-12",
        "url": "https://example.org/a",
        "source": "Вести",
        "events": "visit",
        "visit_score": 0.75,
        "agreement_score": 0.25,
        "exhibition_score": 0.25,
        "partner": "провинция Хэйлунцзян",
        "official": "Алексей Островский",
        "sector": "",
        "length": len(ARTICLES[0].record["text"]),
    }
    assert (second["date"], second["source"], second["events"]) == ("2018-03-30", "Вести", "visit; agreement")
    assert (third["date"], third["title"], third["events"]) == ("давно", "Пусто.", "")


def test_a_mention_is_a_row() -> None:
    found = rows(ARTICLES)["mentions"]
    assert len(found) == sum(len(article.record["spans"]) for article in ARTICLES)
    surname = next(row for row in found if row["text"] == "Островского")
    assert (surname["normal"], surname["key"]) == ("Островский", "Алексей Островский")
    text = ARTICLES[0].record["text"]
    assert text[surname["start"] : surname["end"]] == "Островского"
    assert (surname["score"], surname["uncertain"]) == (0.875, 0)


def test_an_entity_is_counted_over_all_articles() -> None:
    found = {(row["label"], row["key"]): row for row in rows(ARTICLES)["entities"]}
    assert set(found) == {
        ("OFFICIAL", "Алексей Островский"),
        ("PARTNER", "провинция Хэйлунцзян"),
        ("SECTOR", "Туризм"),
    }
    province = found["PARTNER", "провинция Хэйлунцзян"]
    assert (province["mentions"], province["articles"]) == (2, 2)
    assert (province["first_date"], province["last_date"]) == ("2018-03-12", "2018-03-30")
    assert province["forms"] == "провинцией Хэйлунцзян (1); провинции Хэйлунцзян (1)"
    assert province["with_partner"] == ""
    assert province["with_official"] == "Алексей Островский (1)"
    assert province["with_sector"] == "Туризм (1)"
    assert province["with_events"] == "visit (2); agreement (1)"
    person = found["OFFICIAL", "Алексей Островский"]
    assert (person["mentions"], person["articles"]) == (2, 1)
    assert found["SECTOR", "Туризм"]["first_date"] == "2017", "keys that differ in capitals are one"


def test_a_month_is_counted_by_event_and_articles_without_a_date_apart() -> None:
    assert rows(ARTICLES)["summary"] == [
        {"month": "2017", "articles": 1, "visit": 0, "agreement": 0, "exhibition": 1, "no_event": 0},
        {"month": "2018-03", "articles": 2, "visit": 2, "agreement": 1, "exhibition": 0, "no_event": 0},
        {"month": "undated", "articles": 1, "visit": 0, "agreement": 0, "exhibition": 0, "no_event": 1},
    ]


def test_counts_do_not_depend_on_the_order_of_articles() -> None:
    pairs = (("Фуяо", "туризм"), ("ФУЯО", "спорт"), ("Сименс", "туризм"), ("Фуяо", "сталь"))
    shuffled = [make_extraction(a + b, f"{a} и {b}.", {a: "PARTNER", b: "SECTOR"}) for a, b in pairs]
    expected = rows(shuffled)["entities"]
    assert [row["key"] for row in expected[:2]] == ["Фуяо", "Сименс"]
    for seed in range(5):
        random.Random(seed).shuffle(shuffled)
        assert rows(shuffled)["entities"] == expected


def test_a_schema_of_any_names_gives_columns_of_different_names() -> None:
    schema = Schema(("EVENT", "Event", "DATE"), ("articles", "no_event", "month"))
    for table in make_tables(schema):
        names = [name for name, _ in table.columns]
        assert len(set(names)) == len(names), names
    assert rows([make_extraction("a", "x")], Schema(("EVENT",), ()))["summary"][0]["no_event"] == 1


def test_an_uncertain_mention_is_a_row_and_counts_nowhere() -> None:
    text = "«Фуяо» и Сименс."
    spans = (Span(1, 5, "PARTNER", 0.9), Span(9, 15, "PARTNER", 0.4, uncertain=True))
    document = Document("a", text, spans)
    found = rows([Extraction(to_record(document, Normalizer()), Normalizer().keys(document))])
    assert [(row["text"], row["uncertain"]) for row in found["mentions"]] == [("Фуяо", 0), ("Сименс", 1)]
    assert [(row["key"], row["with_partner"]) for row in found["entities"]] == [("Фуяо", "")]
    assert found["extractions"][0]["partner"] == "Фуяо"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("\r\n  Визит в Калугу \r\nГубернатор ...", "Визит в Калугу"),
        ("х" * 140, "х" * 140),
        ("х" * 141 + "\nВизит", None),
        (" \n", None),
    ],
)
def test_without_a_title_the_first_line_is_it(text: str, title: str | None) -> None:
    assert rows([make_extraction("a", text)])["extractions"][0]["title"] == title


def test_columns_bear_the_labels_own_names() -> None:
    tables = {table.name: dict(table.columns) for table in make_tables(Schema(("ПАРТНЁР", "Country"), ()))}
    assert {"партнёр", "country"} <= tables["extractions"].keys()
    assert {"with_партнёр", "with_country"} <= tables["entities"].keys()


def test_nothing_at_all_is_four_empty_tables() -> None:
    assert not any(rows([]).values())


def test_facts_are_found_under_the_usual_names() -> None:
    facts = find_facts({"Заголовок ": "Т", "Ссылка": "http://x", "date": "", "дата": "1 мая 2020", "n": 1})
    assert facts == {"title": "Т", "date": "2020-05-01", "url": "http://x", "source": None}
