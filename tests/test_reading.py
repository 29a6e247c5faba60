from __future__ import annotations

import codecs
import io
import json
import os
import tracemalloc
import unicodedata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from infer.document import Document
from infer.reading import Failure, InputError, decode, read_documents, read_file

ARTICLE = (
    "Губернатор Калужской области встретился с делегацией провинции Хэйлунцзян.\r\n\r\n"
    "Стороны подписали меморандум о развитии энергетики, туризма и торговли; выставка продлится до мая.\r\n"
)


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read_one(path: Path) -> Document | Failure:
    (item,) = read_documents([path])
    return item


def read_bytes(tmp_path: Path, raw: bytes) -> Document | Failure:
    return read_one(write(tmp_path / "a.txt", raw))


# --- texts and encodings


@pytest.mark.parametrize(
    "text",
    [
        ARTICLE,
        "а",
        "  \t с отступом и хвостом \n\n",
        "строка\rстрока\nстрока\r\n",
        unicodedata.normalize("NFD", "Алексей Ёлкин\n"),
        "🤝🏽 👨‍👩‍👧 🇷🇺\u00a0№\u00ad\u200b\u2028",
        "нуль\x00внутри",
        "\x0cа\x0c",
    ],
)
def test_utf8_is_taken_as_it_is(tmp_path: Path, text: str) -> None:
    assert read_bytes(tmp_path, text.encode()) == Document("a.txt", text)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(st.characters(codec="utf-8"), min_size=1).filter(
        lambda text: text[0] != "\ufeff" and text.strip()
    )
)
def test_any_utf8_is_taken_as_it_is(tmp_path: Path, text: str) -> None:
    assert read_bytes(tmp_path, text.encode()) == Document("a.txt", text)


@pytest.mark.parametrize(
    ("mark", "encoding", "said"),
    [
        (codecs.BOM_UTF8, "utf-8", "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16-be", "utf-16"),
    ],
)
def test_a_byte_order_mark_says_the_encoding_and_is_no_text(
    tmp_path: Path, mark: bytes, encoding: str, said: str
) -> None:
    text = ARTICLE + "🤝"
    found = read_bytes(tmp_path, mark + text.encode(encoding))
    assert found == Document("a.txt", text, meta={"encoding": said})


@pytest.mark.parametrize(
    ("encoding", "said"), [("cp1251", "cp1251"), ("koi8-r", "koi8_r"), ("cp866", "cp866")]
)
def test_russian_encodings_are_guessed_and_said(tmp_path: Path, encoding: str, said: str) -> None:
    found = read_bytes(tmp_path, ARTICLE.encode(encoding))
    assert found == Document("a.txt", ARTICLE, meta={"encoding": said})


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_recognised(tmp_path: Path, encoding: str) -> None:
    found = read_bytes(tmp_path, ARTICLE.encode(encoding))
    assert isinstance(found, Failure) or found.text == ARTICLE


def test_half_a_character_of_utf16_is_a_failure(tmp_path: Path) -> None:
    found = read_bytes(tmp_path, codecs.BOM_UTF16_LE + "Мэр".encode("utf-16-le")[:-1])
    assert isinstance(found, Failure)
    assert (found.id, found.reason) == ("a.txt", "not a text in any known encoding")
    assert found.hint == "save it as UTF-8"


@pytest.mark.parametrize("size", range(65, 120))
def test_a_utf8_text_cut_in_a_letter_is_a_failure_and_no_other_language(tmp_path: Path, size: int) -> None:
    text = "Мэр города-побратима Минден поздравил жителей Калуги с Днём города и пригласил их."
    found = read_bytes(tmp_path, text.encode()[:size])
    if isinstance(found, Document):
        assert text.startswith(found.text)
    else:
        assert found.reason == "ends in the middle of a letter"
        assert "cut off" in found.hint


def test_bytes_that_no_guess_makes_russian_are_a_failure(tmp_path: Path) -> None:
    found = read_bytes(tmp_path, "Grüße aus Öhringen für die Gäste".encode("cp1252"))
    assert isinstance(found, Failure)
    assert found.reason == "not a text in any known encoding"


@pytest.mark.parametrize("text", ["\n", " \t\r\n", "\x0c", "\u00a0\u2028"])
def test_white_space_alone_is_a_failure(tmp_path: Path, text: str) -> None:
    found = read_bytes(tmp_path, text.encode())
    assert isinstance(found, Failure)
    assert found.reason == "the file holds white space alone"
    (row,) = read_documents([write(tmp_path / "t.jsonl", json.dumps({"text": text}).encode())])
    assert isinstance(row, Failure)


def test_an_empty_file_is_a_failure_with_a_hint(tmp_path: Path) -> None:
    found = read_bytes(tmp_path, b"")
    assert isinstance(found, Failure)
    assert (found.id, found.reason) == ("a.txt", "the file is empty")
    assert found.hint


def test_bytes_that_are_no_text_are_a_failure(tmp_path: Path) -> None:
    raw = bytes(range(256)) * 8
    assert decode(raw) is None or decode(raw)[0].encode(decode(raw)[1]) == raw
    assert isinstance(read_bytes(tmp_path, raw), Document | Failure)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(min_size=1, max_size=300))
@example(b"\xff\xfe")
@example(b"\xff\xfe\x00")
@example(b"\xef\xbb\xbf")
@example(b"\xff")
@example(b"\x00")
@example(b"\x80" * 50)
def test_any_bytes_are_a_document_or_a_failure(tmp_path: Path, raw: bytes) -> None:
    found = read_bytes(tmp_path, raw)
    assert found.id == "a.txt"
    if isinstance(found, Document):
        found.text.encode("utf-8")  # nothing that a record can't hold
    else:
        assert found.reason
        assert found.hint


def test_a_megabyte_in_one_line_is_one_document(tmp_path: Path) -> None:
    text = "Губернатор встретился с делегацией. " * 16_000
    assert len(text.encode()) > 1_000_000
    assert read_bytes(tmp_path, text.encode()) == Document("a.txt", text)


def test_a_text_of_the_limit_is_read_and_a_longer_one_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infer.encoding.TEXT_LIMIT", 100)
    assert read_bytes(tmp_path, b"a" * 100) == Document("a.txt", "a" * 100)
    found = read_bytes(tmp_path, b"a" * 101)
    assert isinstance(found, Failure)
    assert "too long for one text" in found.reason
    assert "split it" in found.hint


def test_a_file_of_200_megabytes_is_a_failure_that_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with path.open("wb") as file:
        file.truncate(200_000_000)
    tracemalloc.start()
    found = read_one(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(found, Failure)
    assert found.reason == "longer than 20 MiB, too long for one text"
    assert peak < 60_000_000


# --- files and folders


def test_a_folders_ids_are_relative_with_slashes_and_sorted(tmp_path: Path) -> None:
    for name in ("b.txt", "news/2/z.TXT", "news/10/a.txt", "a.txt", "news.txt", "Мэр/б.txt"):
        write(tmp_path / name, name)
    found = list(read_documents([tmp_path]))
    names = ["a.txt", "b.txt", "news.txt", "news/10/a.txt", "news/2/z.TXT", "Мэр/б.txt"]
    assert [document.id for document in found] == names
    assert [document.text for document in found] == names


def test_a_file_of_its_own_goes_by_its_name(tmp_path: Path) -> None:
    path = write(tmp_path / "deep/er/article.TXT", "Мэр")
    assert read_one(path) == Document("article.TXT", "Мэр")


def test_inputs_come_in_the_order_given(tmp_path: Path) -> None:
    last, first = write(tmp_path / "1.txt", "а"), write(tmp_path / "folder/2.txt", "б")
    found = list(read_documents([first.parent, last]))
    assert [document.id for document in found] == ["2.txt", "1.txt"]


def test_other_files_of_a_folder_are_passed_by(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "а")
    for name in ("b.doc", "c.md", "d", ".txt/e.doc"):
        write(tmp_path / name, "x")
    assert [document.id for document in read_documents([tmp_path])] == ["a.txt"]


def test_a_folder_named_like_an_article_is_a_folder(tmp_path: Path) -> None:
    write(tmp_path / "news.txt/a.txt", "а")
    assert [document.id for document in read_documents([tmp_path])] == ["news.txt/a.txt"]


def test_a_missing_input_is_named_before_anything_is_read(tmp_path: Path) -> None:
    good = write(tmp_path / "a.txt", "а")
    with pytest.raises(InputError, match=r"nowhere: no such file or folder"):
        read_documents([good, tmp_path / "nowhere"])


@pytest.mark.parametrize("other", [None, "notes.doc"])
def test_a_folder_without_articles_says_what_was_looked_for(tmp_path: Path, other: str | None) -> None:
    if other:
        write(tmp_path / other, "x")
    with pytest.raises(InputError, match=r"no articles there \(looked for \.csv, .*\.zip, and \.gz of these"):
        read_documents([tmp_path])


def test_a_file_that_cannot_be_opened_is_a_failure_and_the_rest_is_read(tmp_path: Path) -> None:
    for name in ("1.txt", "2.txt", "3.txt"):
        write(tmp_path / name, name)
    items = read_documents([tmp_path])
    (tmp_path / "2.txt").unlink()
    first, failure, last = items
    assert (first.id, last.id) == ("1.txt", "3.txt")
    assert isinstance(failure, Failure)
    assert failure.id == "2.txt"
    assert "can't be opened" in failure.reason


def test_files_are_read_one_at_a_time(tmp_path: Path) -> None:
    write(tmp_path / "1.txt", "а")
    late = write(tmp_path / "2.txt", "ранний")
    items = read_documents([tmp_path])
    next(items)
    write(late, "поздний")
    assert next(items) == Document("2.txt", "поздний")


def test_a_folder_that_cannot_be_read_any_more_is_a_failure(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "а")
    path.unlink()
    path.mkdir()
    (found,) = read_file("a.txt", path)
    assert isinstance(found, Failure)
    assert "can't be opened" in found.reason


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_file_without_permission_is_a_failure(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "а")
    path.chmod(0)
    found = read_one(path)
    assert isinstance(found, Failure)
    assert "Permission denied" in found.reason


def test_a_refused_permission_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.txt", "а")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert read_one(path) == Failure(
        "a.txt", "can't be opened (Permission denied)", "check the file and its permissions"
    )


# --- stdin


def read_stdin(raw: bytes, *others: Path) -> list[Document | Failure]:
    return list(read_documents([*others, "-"], stdin=io.BytesIO(raw)))


@pytest.mark.parametrize("text", [ARTICLE, "{фигурная скобка}", "\n\n  отступ\n", '["text"]'])
def test_stdin_is_one_text_as_it_is(text: str) -> None:
    assert read_stdin(text.encode()) == [Document("stdin", text)]


def test_stdin_in_cp1251_is_read() -> None:
    assert read_stdin(ARTICLE.encode("cp1251")) == [Document("stdin", ARTICLE, meta={"encoding": "cp1251"})]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\n \n"])
def test_stdin_that_begins_like_an_object_is_json_lines(mark: bytes) -> None:
    raw = mark + '{ "text": "Мэр"}\n{"text": "Калуга", "id": "k"}\nбрак\n'.encode()
    first = 1 + mark.count(b"\n")
    one, two, three = read_stdin(raw)
    assert one == Document(f"stdin#{first}", "Мэр")
    assert two == Document("k", "Калуга")
    assert isinstance(three, Failure)
    assert three.id == f"stdin#{first + 2}"


def test_stdin_is_read_line_by_line() -> None:
    class Pipe(io.BytesIO):
        def read(self, *_: object) -> bytes:
            raise AssertionError("not all at once")

    items = read_documents(["-"], stdin=Pipe(b'{"text": "1"}\n{"text": "2"}\n'))
    assert [item.id for item in items] == ["stdin#1", "stdin#2"]


def test_nothing_on_stdin_is_a_failure() -> None:
    (found,) = read_stdin(b"")
    assert isinstance(found, Failure)
    assert (found.id, found.reason) == ("stdin", "the file is empty")


def test_stdin_comes_before_files(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "а")
    assert [item.id for item in read_stdin(b"x", path)] == ["stdin", "a.txt"]


def test_too_long_a_line_on_stdin_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("encoding", "reading", "tables"):
        monkeypatch.setattr(f"infer.{module}.TEXT_LIMIT", 30)
    (found,) = read_stdin(b'{"text": "' + b"a" * 50 + b'"}\n')
    assert isinstance(found, Failure)
    assert "too long" in found.reason


# --- lines of JSON


def read_lines(tmp_path: Path, *lines: Any) -> list[Document | Failure]:
    raw = [
        line if isinstance(line, bytes) else json.dumps(line, ensure_ascii=False).encode() for line in lines
    ]
    return list(read_documents([write(tmp_path / "news.jsonl", b"\n".join(raw))]))


def test_a_lines_text_id_and_meta_are_taken(tmp_path: Path) -> None:
    found = read_lines(
        tmp_path,
        {"id": "x/1", "text": " Мэр\r\n", "meta": {"url": "u"}},
        {"text": "Калуга", "title": "прочее"},
        {"id": 7, "text": "Китай", "meta": None},
    )
    assert found == [
        Document("x/1", " Мэр\r\n", meta={"url": "u"}),
        Document("news.jsonl#2", "Калуга", meta={"title": "прочее"}),
        Document("7", "Китай"),
    ]


def test_bad_lines_are_failures_by_number_and_good_ones_are_read(tmp_path: Path) -> None:
    found = read_lines(
        tmp_path,
        b"\xef\xbb\xbf" + b'{"text": "1"}',
        b"",
        b'{"text": "3"',
        {"id": "no text"},
        {"text": ""},
        {"text": None},
        {"text": ["a"]},
        ["text"],
        b"null",
        '{"text": "в строке"}',
        '{"text": "Мэр"}'.encode("cp1251"),
        b"   ",
        {"text": "13"},
        b'{"text": "14"}\r',
    )
    assert [item.text for item in found if isinstance(item, Document)] == ["1", "13", "14"]
    assert [item.id for item in found] == [
        f"news.jsonl#{n}" for n in (1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14)
    ]
    failures = {item.id: item for item in found if isinstance(item, Failure)}
    assert "not valid JSON in UTF-8" in failures["news.jsonl#3"].reason
    assert "not valid JSON in UTF-8" in failures["news.jsonl#11"].reason
    assert failures["news.jsonl#4"].reason == 'no text under "text"'
    assert all(failure.hint for failure in failures.values())


def test_lines_of_a_nested_file_are_placed_by_its_path(tmp_path: Path) -> None:
    write(tmp_path / "a/b.jsonl", '{"text": "Мэр"}\n')
    assert [item.id for item in read_documents([tmp_path])] == ["a/b.jsonl#1"]


def test_a_line_separator_inside_a_text_ends_no_line(tmp_path: Path) -> None:
    found = read_lines(tmp_path, {"text": "а\u2028б\u0085в\x0cг"})
    assert found == [Document("news.jsonl#1", "а\u2028б\u0085в\x0cг")]


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_a_file_without_lines_is_a_failure_too(tmp_path: Path, content: bytes) -> None:
    (found,) = list(read_documents([write(tmp_path / "news.jsonl", content)]))
    assert isinstance(found, Failure)


def test_a_line_nested_too_deep_is_a_failure(tmp_path: Path) -> None:
    first, last = read_lines(tmp_path, b"[" * 100_000, {"text": "Мэр"})
    assert isinstance(first, Failure)
    assert last == Document("news.jsonl#2", "Мэр")


def test_a_line_whose_id_is_null_goes_by_its_place(tmp_path: Path) -> None:
    assert read_lines(tmp_path, {"id": None, "text": "Мэр"}) == [Document("news.jsonl#1", "Мэр")]


# --- saved pages

needs_lxml_html_clean = pytest.mark.xfail(
    find_spec("lxml_html_clean") is None,
    strict=True,
    reason="trafilatura can't be imported: pip 23 misses lxml_html_clean (justext's lxml[html_clean])",
)
PAGE = """<!DOCTYPE html><html><head><meta charset="utf-8"><title>Визит делегации</title>
<meta property="article:published_time" content="2024-03-05"></head><body>
<nav><a href="/">Главная</a> <a href="/all">Все новости</a></nav>
<article><h1>Визит делегации</h1>
<p>Губернатор Калужской области встретился с делегацией провинции Хэйлунцзян и показал ей новый завод.</p>
<p>Стороны подписали меморандум о развитии энергетики, туризма &amp; торговли; выставка продлится до мая.</p>
</article><footer>Все права защищены</footer><script>var a = "реклама";</script></body></html>"""


@needs_lxml_html_clean
@pytest.mark.parametrize("name", ["a.html", "a.HTM"])
def test_a_page_is_reduced_to_its_article(tmp_path: Path, name: str) -> None:
    found = read_one(write(tmp_path / name, PAGE))
    assert isinstance(found, Document)
    assert "встретился с делегацией провинции Хэйлунцзян" in found.text
    assert "туризма & торговли" in found.text
    assert not {"<", "реклама", "Главная"} & set(found.text.replace("<", "< ").split())
    assert found.id == name
    assert found.meta["title"] == "Визит делегации"
    assert found.meta["date"] == "2024-03-05"
    assert "encoding" not in found.meta


@needs_lxml_html_clean
def test_a_page_in_cp1251_is_read_and_its_encoding_said(tmp_path: Path) -> None:
    found = read_one(write(tmp_path / "a.html", PAGE.replace("utf-8", "windows-1251").encode("cp1251")))
    assert isinstance(found, Document)
    assert "Хэйлунцзян" in found.text
    assert found.meta["encoding"] == "cp1251"


@needs_lxml_html_clean
def test_a_page_gives_its_own_address(tmp_path: Path) -> None:
    link = '<link rel="canonical" href="https://example.org/news/7"></head>'
    found = read_one(write(tmp_path / "a.html", PAGE.replace("</head>", link)))
    assert isinstance(found, Document)
    assert found.meta["url"] == "https://example.org/news/7"


@needs_lxml_html_clean
def test_a_page_gives_its_source(tmp_path: Path) -> None:
    named = '<meta property="og:site_name" content="Весть"></head>'
    linked = '<link rel="canonical" href="https://example.org/news/7"></head>'
    for head, source in ((named, "Весть"), (linked, "example.org")):
        found = read_one(write(tmp_path / "a.html", PAGE.replace("</head>", head)))
        assert isinstance(found, Document)
        assert found.meta["source"] == source


@needs_lxml_html_clean
@pytest.mark.parametrize("tag", ["div", "b", "table><tr><td"])
def test_ten_thousand_nested_tags_are_a_failure(tmp_path: Path, tag: str) -> None:
    page = PAGE.replace("<article>", f"<{tag}>" * 10_000 + "<article>")
    found = read_one(write(tmp_path / "a.html", page))
    assert isinstance(found, Failure)
    assert found.reason == "the page's tags are nested too deep"


@needs_lxml_html_clean
def test_null_bytes_in_a_page_do_no_harm(tmp_path: Path) -> None:
    found = read_one(write(tmp_path / "a.html", PAGE.replace("делегацией", "деле\x00гацией")))
    assert isinstance(found, Failure) or "Хэйлунцзян" in found.text


@needs_lxml_html_clean
@pytest.mark.parametrize("page", ["<html></html>", "<p> </p>", "<"])
def test_a_page_without_an_article_is_a_failure(tmp_path: Path, page: str) -> None:
    found = read_one(write(tmp_path / "a.html", page))
    assert isinstance(found, Failure)
    assert found.id == "a.html"
    assert found.hint == "save the article's text as .txt"
