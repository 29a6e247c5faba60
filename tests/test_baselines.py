"""The baselines: what they find by hand-worked examples, and that a model which isn't better is named."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from infer.document import Document, Span
from infer.schema import Schema
from train.baselines import measure_baselines, predict_events, predict_simply
from train.gazetteer import fit_gazetteer
from train.tally import tally


def _document(name: str, text: str, events: tuple[str, ...] = (), **labels: str) -> Document:
    spans = (
        Span(text.index(quote), text.index(quote) + len(quote), label) for label, quote in labels.items()
    )
    return Document(name, text, tuple(spans), events)


def test_a_marked_string_is_found_in_another_case() -> None:
    gazetteer = fit_gazetteer(
        [_document("a", "Делегация провинции Хэйлунцзян.", PARTNER="провинции Хэйлунцзян")]
    )
    text = "Переговоры с провинцией Хэйлунцзян начались."
    (span,) = gazetteer.find(text)
    assert (text[span.start : span.end], span.label) == ("провинцией Хэйлунцзян", "PARTNER")


def test_the_longest_match_wins_and_matches_do_not_overlap() -> None:
    gazetteer = fit_gazetteer(
        [
            _document("a", "Развитие туризма.", SECTOR="туризма"),
            _document("b", "Развитие водного туризма.", SECTOR="водного туризма"),
            _document("c", "Туризма станет больше.", SECTOR="Туризма"),
        ]
    )
    text = "О водном туризме и туризме."
    assert [text[span.start : span.end] for span in gazetteer.find(text)] == ["водном туризме", "туризме"]


def test_of_two_labels_the_more_frequent_holds() -> None:
    texts = [_document(str(n), "Калуга ждёт.", PARTNER="Калуга") for n in range(2)]
    gazetteer = fit_gazetteer([*texts, _document("c", "Калуга ждёт.", SECTOR="Калуга")])
    assert [span.label for span in gazetteer.find("В Калуге")] == ["PARTNER"]


def test_a_string_that_is_mostly_not_marked_is_left_out() -> None:
    marked = _document("a", "Область подписала.", PARTNER="Область")
    others = [Document(str(n), "Глава области выступил.") for n in range(2)]
    assert not fit_gazetteer([marked, *others]).find("Область")
    assert fit_gazetteer([marked, *others[:1]]).find("Область")


def test_nothing_marked_finds_nothing() -> None:
    assert fit_gazetteer([Document("a", "Делегация.")]).find("Делегация.") == ()


VISITS = ("Делегация прибыла с визитом", "Гости приехали в область", "Визит делегации завершён")
DEALS = ("Стороны подписали соглашение", "Подписан меморандум", "Соглашение подписали в Калуге")


def _learnt() -> list[Document]:
    visits = [Document(f"v{i}", text, events=("visit",)) for i, text in enumerate(VISITS)]
    return visits + [Document(f"a{i}", text, events=("agreement",)) for i, text in enumerate(DEALS)]


def test_events_are_told_by_their_words(schema: Schema) -> None:
    texts = ["Прибыла делегация", "Подписано соглашение"]
    probabilities = predict_events(_learnt(), texts, schema)
    assert probabilities.shape == (2, 3)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    visit, agreement, exhibition = probabilities.T
    assert visit[0] > 0.5 > visit[1]
    assert agreement[1] > 0.5 > agreement[0]
    assert (exhibition == 0).all()  # never seen in training


def test_an_event_of_every_article_is_always_given(schema: Schema) -> None:
    learnt = [replace(document, events=("visit",)) for document in _learnt()]
    assert (predict_events(learnt, ["Текст"], schema)[:, 0] == 1).all()


def test_single_choice_gives_one_event(schema: Schema) -> None:
    single = replace(schema, multiple=False)
    answers = predict_simply(_learnt(), [Document("q", "Ни о чём"), Document("r", "Визит")], single)
    assert [len(answer.events) for answer in answers] == [1, 1]
    assert answers[1].events == ("visit",)


def test_a_schema_without_events_or_labels_has_half_a_baseline(schema: Schema) -> None:
    documents = [Document("q", "Визит")]
    assert predict_simply(_learnt(), documents, replace(schema, events=()))[0].events == ()
    learnt = [_document("a", "Делегация Индии", PARTNER="Индии"), *_learnt()]
    assert predict_simply(learnt, [Document("q", "Индия")], schema)[0].spans


def test_gold_of_the_scored_documents_is_not_looked_at(schema: Schema) -> None:
    gold = [_document("g", "Посол Бразилии подписал соглашение", ("visit",), PARTNER="Бразилии")]
    bare = [replace(document, spans=(), events=()) for document in gold]
    assert predict_simply(_learnt(), gold, schema) == predict_simply(_learnt(), bare, schema)


def _numbered(count: int) -> tuple[list[Document], list[Document]]:
    learnt = [
        _document(f"l{i}", "Визит делегации Индии", ("visit",), PARTNER="Индии") for i in range(count)
    ] + [Document(f"m{i}", "Подписано соглашение", events=("agreement",)) for i in range(count)]
    gold = [
        _document(
            f"g{i}",
            f"Визит делегации {('Индии', 'Кении')[i % 2]} {i}",
            ("visit",),
            PARTNER=("Индии", "Кении")[i % 2],
        )
        for i in range(count)
    ]
    return learnt, gold


def test_a_model_that_is_no_better_is_named(schema: Schema) -> None:
    learnt, gold = _numbered(20)
    baselines = measure_baselines(learnt, gold, tally(gold, gold, schema))
    assert baselines.scores.spans["PARTNER"].recall == 0.5
    margin = baselines.margins["spans.PARTNER.f1"]
    assert margin.second == 1
    assert margin.difference.value == pytest.approx(1 - baselines.scores.spans["PARTNER"].f1)
    # spans are found better than by the list; visits are found by words alone just as well
    warnings = baselines.warnings()
    assert [warning.split(":")[0] for warning in warnings] == ["events micro", "events visit"]
    assert "not clearly above the 100.0% of TF-IDF with logistic regression" in warnings[0]


def test_the_dict_holds_scores_and_margins(schema: Schema) -> None:
    learnt, gold = _numbered(4)
    values = measure_baselines(learnt, gold, tally(gold, gold, schema)).to_dict()
    assert json.loads(json.dumps(values)) == values
    assert set(values["margins"]["spans.micro.f1"]) == {
        "first",
        "second",
        "difference",
        "difference_interval",
    }
    assert np.isclose(values["margins"]["spans.micro.f1"]["first"], values["spans"]["micro"]["f1"])
