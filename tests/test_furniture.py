from __future__ import annotations

import pytest

from benchmarks.furniture import find_furniture, is_furniture
from infer.document import Document, Span


@pytest.mark.parametrize(
    "line",
    [
        "Главная / Пресс-центр / Новости\n",
        "Просмотров: 318",
        "© 2023 При использовании материалов ссылка обязательна.",
        "Нашли ошибку? Выделите текст и нажмите Ctrl+Enter.",
        "Посол Пакистана: хлопка хватит всем",
    ],
)
def test_what_stands_around_an_article_is_furniture(line: str) -> None:
    assert is_furniture(line)


@pytest.mark.parametrize(
    "line", ["", " \n", "— У них библиотеки хорошие, — сказала она.", "Гостям показали «Волгу».\r\n"]
)
def test_prose_and_empty_lines_are_not(line: str) -> None:
    assert not is_furniture(line)


def test_a_line_with_gold_is_the_article() -> None:
    text = "Визит в Китай\nДругие новости\nГости уехали.\n"
    document = Document("a", text, (Span(8, 13, "PARTNER"),))
    assert [document.quote(span) for span in find_furniture(document)] == ["Другие новости\n"]
