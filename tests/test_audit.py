"""Findings on articles made for them: what must be found, and what must not."""

from __future__ import annotations

import pytest

from infer.document import Document
from train.audit import (
    Finding,
    audit,
    body,
    duplicates,
    missed,
    officials_elsewhere,
    shared_names,
    stem,
    stems,
    untidy,
    untidy_spans,
)
from train.markup import parse


def article(marked: str, name: str = "a-1") -> Document:
    text, spans = parse(marked)
    return Document(name, text, spans)


def strings(findings: list[Finding]) -> list[str]:
    return [finding.string for finding in findings]


def find_missed(marked: str) -> list[str]:
    return strings(list(missed("f", article(marked))))


@pytest.mark.parametrize(
    "forms",
    [
        "Китай Китая Китаю Китаем Китае",
        "Вьетнам Вьетнама Вьетнамом",
        "Шапша Шапши Шапшу Шапшой",
        "Островский Островского Островскому Островским",
        "туризм туризма туризмом туризме",
        "Ерёмкин Еремкина ЕРЁМКИНЫМ",
        "Ким Кима Кимом",
    ],
)
def test_cases_share_a_stem(forms: str) -> None:
    assert len({stem(form) for form in forms.split()}) == 1


def test_other_words_do_not_share_a_stem() -> None:
    assert stem("Китай") != stem("китайский")
    assert stem("Чехия") != stem("Чехов")
    assert stems("солнечной энергетики") == stems("Солнечная энергетика")


@pytest.mark.parametrize(
    "string",
    [
        "ООО «Фуяо»",
        "АО «Завод «Неман»",
        'АО "Компания "Казахстан"',
        "Полынин А.В.",
        "Q-Carbon Co., Ltd.",
        "Konya Sera A.Ş.",
        "Ремесленная палата (Нюрнберг)",
        "株式会社トヨタ",
        "3M",
    ],
)
def test_tidy_edges(string: str) -> None:
    assert not untidy(string)


@pytest.mark.parametrize(
    "string",
    [
        "Фуяо ",
        " Фуяо",
        "\nФуяо",
        "Фуяо,",
        "Шапша.",
        "«Фуяо»",
        '"Фуяо"',
        "АО «Фуяо",
        "Фуяо»",
        "(Фуяо",
        "- Фуяо",
        " ",
    ],
)
def test_untidy_edges(string: str) -> None:
    assert untidy(string)


def test_spans_that_overlap_or_cut_words() -> None:
    found = list(untidy_spans("f", article("Глава [[OFFICIAL|Шапш]]а и авто[[SECTOR|прома]].")))
    assert [(one.kind, one.string) for one in found] == [("cut-word", "Шапш"), ("cut-word", "прома")]
    glued = article("встретился[[OFFICIAL|Шапша]]Сегодня, в 2005[[PARTNER|Япония]]")
    assert not list(untidy_spans("f", glued))
    one, other = article("[[SECTOR|туризм]] и спорт"), article("[[SECTOR|туризм и спорт]]")
    both = Document("a-1", one.text, (*one.spans, *other.spans))
    assert [finding.kind for finding in untidy_spans("f", both)] == ["overlap"]


def test_an_unmarked_mention_is_found_in_another_case() -> None:
    found = list(missed("f", article("Мэр [[OFFICIAL|Иван Шапша]] приехал. С Иваном Шапшой говорили долго.")))
    assert [(one.kind, one.article, one.string) for one in found] == [("missed", "a-1", "Иваном Шапшой")]
    assert "С ⟦Иваном Шапшой⟧ говорили" in found[0].context
    assert find_missed("Подписано с [[PARTNER|Японией]]. Договор подписан с Японией.") == ["Японией"]
    assert find_missed("Обсудили [[SECTOR|туризм]]. Долго говорили про туризм.") == ["туризм"]


def test_the_surname_of_a_full_name_is_looked_for() -> None:
    assert find_missed("Мэр [[OFFICIAL|Иван Шапша]] приехал. Шапша доволен.") == ["Шапша"]
    assert find_missed("Мэр [[OFFICIAL|Иван Шапша]] приехал. Его жена Ольга Шапша довольна.") == []
    assert find_missed("Мэр [[OFFICIAL|Иван Шапша]] приехал. Тренер Иван Петров доволен.") == []
    assert find_missed("Мэр [[OFFICIAL|Пётр Ильич Орлов]] сказал. Орлы летают, Ильич спит.") == []


@pytest.mark.parametrize(
    "text",
    [
        "Подписано с [[PARTNER|Китаем]]. Завод построят в Китае.",
        "Подписано с [[PARTNER|Китаем]]. Гостей привёз посол Китая.",
        "Подписано с [[PARTNER|Китаем]]. Приехал министр сельского хозяйства Китая.",
        "Подписано с [[PARTNER|Китаем]]. Гости посетили Далянь (Китай).",
        "Подписано с [[PARTNER|Китаем]]. Открылась выставка «Окно Китая».",
        "Обсудили [[SECTOR|туризм]]. Выступила министр культуры и туризма.",
        "Обсудили [[SECTOR|туризм]]. Форум «Большой туризм» завершён.",
        "Подписано с [[PARTNER|Кубой]]. Автобус идёт в порт Сантьяго-де-Куба.",
        "Обсудили [[SECTOR|лёгкую промышленность]] и [[SECTOR|промышленность]].",
        "Обсудили [[SECTOR|туризм]]. Все довольны. #туризм.",
    ],
)
def test_what_should_be_unmarked_is_not_missed(text: str) -> None:
    assert find_missed(text) == []


def test_speech_is_no_title() -> None:
    text = "Подписано с [[PARTNER|Японией]]. «Япония готова помочь», — сказал гость."
    assert find_missed(text) == ["Япония"]


ARTICLE = "Мэр [[OFFICIAL|Иван Шапша]] принял гостей.\n"


@pytest.mark.parametrize(
    "furniture",
    [
        "Иван Шапша вручил ключи\nВ Туле похолодает",
        "Читайте также\nИван Шапша: «Снег уберём!»\nКто такой Шапша?",
        "Комментарии (2)\nГость: Шапша молодец.\nПётр: а мне Шапша не помог.",
        "Теги: мэр, Шапша, Тула.",
        "© Газета. Шапша, учредитель.",
        "#Шапша #Тула",
        "Главная | Шапша | Контакты | Поиск.",
    ],
)
def test_furniture_is_not_missed(furniture: str) -> None:
    assert find_missed(ARTICLE + furniture) == []


def test_body_keeps_the_headline_and_wrapped_lines() -> None:
    document = article(
        "Меню\nПоиск\nИван Шапша принял гостей из Китая\n12.05.2020\nВ четверг к нам\nприехали гости.\n"
    )
    lines = [document.text[start:end] for start, end in body(document)]
    assert lines == ["Иван Шапша принял гостей из Китая", "В четверг к нам", "приехали гости."]


def test_a_marked_line_is_body_wherever_it_stands() -> None:
    document = article("Комментарии\nЧитайте также\nМэр [[OFFICIAL|Шапша]]\n")
    assert [document.text[start:end] for start, end in body(document)] == ["Мэр Шапша"]


def test_an_official_unmarked_or_otherwise_labelled_in_another_article() -> None:
    documents = [
        article("Мэр [[OFFICIAL|Иван Шапша]] приехал.", "a-1"),
        article("Вчера Ивана Шапшу видели в порту.", "a-2"),
        article("Подписано с [[PARTNER|Иваном Шапшой]].", "a-3"),
        article("Был мэр [[OFFICIAL|Иван Шапша]] и сосед Шапша.", "a-4"),
        article("Иван Петров и Пётр Шапша уехали.", "a-5"),
    ]
    found = list(officials_elsewhere({"f": documents}))
    assert [(one.article, one.string) for one in found] == [("a-2", "Ивана Шапшу"), ("a-3", "Иваном Шапшой")]
    assert found[0].context.endswith("(OFFICIAL in a-1)")


def test_near_duplicates_across_files() -> None:
    text = "Делегация провинции Хэнань прибыла в Тулу и осмотрела новый завод по выпуску тракторов"
    files = {
        "one": [Document("a-1", text), Document("a-2", "Совсем другая короткая новость о погоде в Туле")],
        "two": [Document("b-1", f"{text} вчера")],
    }
    assert [(one.file, one.article, one.string) for one in duplicates(files)] == [("two", "b-1", "a-1")]
    assert list(duplicates({})) == []


def test_names_shared_between_files() -> None:
    left = [
        article(
            "[[OFFICIAL|Иван Петрович Шапша]] и [[OFFICIAL|Орлов]], [[PARTNER|Zoomlion]], [[PARTNER|Китай]]."
        ),
        article("Фирма [[PARTNER|Фуяо]], завод «[[PARTNER|Неман]]».", "a-2"),
    ]
    right = [
        article(
            "[[OFFICIAL|Шапшу Ивана]], [[OFFICIAL|Орлова]], [[PARTNER|Zoomlion]], [[PARTNER|Китай]].", "b-1"
        ),
        article("[[PARTNER|ООО «Фуяо»]] и [[PARTNER|Неман]].", "b-2"),
    ]
    found = list(shared_names({"train": left, "heldout": right}))
    assert [(one.kind, one.file, one.article, one.string) for one in found] == [
        ("shared-official", "heldout", "b-1", "Шапшу Ивана"),
        ("shared-partner", "heldout", "b-1", "Zoomlion"),
        ("shared-partner", "heldout", "b-2", "ООО «Фуяо»"),
        ("shared-partner", "heldout", "b-2", "Неман"),
    ]
    assert list(shared_names({"train": [*left, *right]})) == []


def test_a_clean_article_has_no_findings() -> None:
    text = "Мэр [[OFFICIAL|Иван Шапша]] принял делегацию [[PARTNER|Киргизии]]. Обсудили [[SECTOR|туризм]]."
    assert audit({"f": [article(text)]}) == []
    assert audit({"f": [Document("empty", "")]}) == []
