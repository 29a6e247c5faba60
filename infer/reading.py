"""Files and folders to Documents; whatever can't be read becomes a Failure, never an exception.

A document's id is the file's path relative to the folder given, with `/`; a .jsonl line's is its own "id"
or `<file>#<line>`. Texts are decoded and otherwise left as they are, line ends included; a guessed
encoding is said in `meta["encoding"]`. A saved page (.html) is reduced to its article by trafilatura.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from charset_normalizer import from_bytes

from infer.document import Document

SUFFIXES = frozenset({".txt", ".html", ".htm", ".jsonl"})
RUSSIAN = re.compile(r"[а-яё]{3}")
GUESSED = [
    "cp1251",
    "koi8_r",
    "utf_16_le",
    "utf_16_be",
    "cp866",
    "mac_cyrillic",
]  # what Russian files come in


class InputError(ValueError):
    """There is nothing to read; the message says what was looked for."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An input that gives no record: why, and what to do about it."""

    id: str
    reason: str
    hint: str


def read_documents(
    inputs: Iterable[str | Path], text_column: str | None = None, stdin: BinaryIO | None = None
) -> Iterator[Document | Failure]:
    """Every document of files and folders (recursively, sorted by name), lazily.

    Raises InputError before the first document when an input doesn't exist or a folder has no articles.
    """
    if stdin:
        return iter([Document("stdin", stdin.read().decode())])
    return _read_all(list_files(inputs))


def list_files(inputs: Iterable[str | Path]) -> list[tuple[str, Path]]:
    """Ids and files of a run, in order. Raises InputError."""
    return [found for path in inputs for found in _list(Path(path))]


def read_file(name: str, path: Path, text_column: str | None = None) -> Iterator[Document | Failure]:
    """All documents of one listed file, lazily."""
    return _read_all([(name, path)])


def _list(path: Path) -> list[tuple[str, Path]]:
    """Ids and files of one input."""
    if path.is_file():
        return [(path.name, path)]
    if not path.is_dir():
        raise InputError(f"{path}: no such file or folder")
    found = sorted(
        (file.relative_to(path).as_posix(), file)
        for file in path.rglob("*")
        if file.suffix.lower() in SUFFIXES and file.is_file()
    )
    if not found:
        raise InputError(
            f"{path}: no articles there (looked for {', '.join(sorted(SUFFIXES))} in all subfolders)"
        )
    return found


def _read_all(files: Iterable[tuple[str, Path]]) -> Iterator[Document | Failure]:
    for name, path in files:
        try:
            if path.suffix.lower() == ".jsonl":
                yield from _read_lines(name, path)
            else:
                yield _read_file(name, path)
        except OSError as error:
            yield Failure(
                name, f"can't be opened ({error.strerror or error})", "check the file and its permissions"
            )


def _read_file(name: str, path: Path) -> Document | Failure:
    raw = path.read_bytes()
    if not raw:
        return Failure(name, "the file is empty", "leave it out, or fetch the article again")
    decoded = decode(raw)
    if decoded is None:
        return Failure(name, "not a text in any known encoding", "save it as UTF-8")
    text, encoding = decoded
    meta: dict[str, Any] = {} if encoding == "utf-8" else {"encoding": encoding}
    if path.suffix.lower() in (".html", ".htm"):
        return _read_page(name, text, meta)
    return Document(name, text, meta=meta)


def decode(raw: bytes) -> tuple[str, str] | None:
    """The text and its encoding: a BOM's word first, then strict UTF-8, then the likeliest Russian one."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if raw.startswith(mark):
            try:
                return raw.decode(encoding), encoding
            except UnicodeDecodeError:
                return None
    try:
        text = raw.decode("utf-8")
        if _looks_like_utf16(text):
            for encoding in ("utf-16-le", "utf-16-be"):
                wide = raw.decode(encoding, "replace")
                if RUSSIAN.search(wide):
                    return wide, encoding
        return text, "utf-8"
    except UnicodeDecodeError:
        best = from_bytes(raw, cp_isolation=GUESSED).best()
        return (str(best), best.encoding) if best else None


def _looks_like_utf16(text: str) -> bool:
    """Russian UTF-16 without a mark is valid UTF-8 too: every other byte is 0x04 or, for Latin, 0x00."""
    return text.count("\x04") + text.count("\x00") > len(text) / 4


def _read_page(name: str, html: str, meta: dict[str, Any]) -> Document | Failure:
    import trafilatura  # slow to import, and needed for saved pages only
    from trafilatura.settings import Document as TrafilaturaDocument

    try:
        page = trafilatura.bare_extraction(html, include_comments=False, with_metadata=True)
    except Exception as error:  # a third-party parser on arbitrary input
        return Failure(name, f"the page can't be parsed ({error})", "save the article's text as .txt")
    if not isinstance(page, TrafilaturaDocument) or not page.text:
        return Failure(name, "no article found in the page", "save the article's text as .txt")
    facts = {"title": page.title, "date": page.date, "url": page.url}
    return Document(name, page.text, meta={**meta, **{key: value for key, value in facts.items() if value}})


def _read_lines(name: str, path: Path) -> Iterator[Document | Failure]:
    """One JSON object with "text" (and "id", "meta") a line."""
    found = False
    with path.open("rb") as lines:
        for number, raw in enumerate(lines, 1):
            place = f"{name}#{number}"
            if not raw.strip():
                continue
            found = True
            try:
                record = json.loads(raw.decode("utf-8-sig"))
            except (RecursionError, ValueError) as error:
                yield Failure(place, f"not valid JSON in UTF-8 ({error})", "correct the line")
                continue
            text = record.get("text") if isinstance(record, dict) else None
            if not isinstance(text, str) or not text:
                yield Failure(place, 'no text under "text"', 'give each line as {"text": "..."}')
                continue
            meta = record.get("meta")
            given = record.get("id")
            yield Document(
                place if given is None else str(given), text, meta=meta if isinstance(meta, dict) else {}
            )
    if not found:
        yield Failure(name, "the file has no lines", "leave it out, or write one JSON object a line")
