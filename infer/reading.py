"""Files, folders, patterns and stdin to Documents; what can't be read becomes a Failure, no exception.

    list_files ─ read_file ┬ text, page, docx, pdf ──────── one Document, its id is the file's
                           ├ jsonl, json, csv, parquet, xlsx ─ rows ─ a Document each
                           └ zip, gz ─ members ─ as above, `a.zip/inner/b.txt`

Everything is lazy: one text, one row or one member of an archive is held at a time. A text is decoded and
otherwise left as it is, so that offsets are the file's own.
"""

from __future__ import annotations

import errno
import io
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from infer.document import Document
from infer.encoding import TEXT_LIMIT, decode, read_text
from infer.failure import Failure, ReadError
from infer.listing import STDIN, SUPPORTED, InputError, is_article, list_files
from infer.office import read_docx, read_pdf
from infer.packed import unpack_gz, unpack_zip
from infer.storage import Source
from infer.tables import iterate_lines, read_csv, read_json, read_jsonl, read_lines, read_parquet
from infer.webpage import read_page
from infer.workbook import read_workbook

__all__ = ["Failure", "InputError", "decode", "list_files", "read_documents", "read_file", "read_stdin"]

NESTED = 2  # archives inside each other: one in another is read, a third is not
JSON_LINE = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{\s*\"")


def read_documents(
    inputs: Iterable[str | Path], text_column: str | None = None, stdin: BinaryIO | None = None
) -> Iterator[Document | Failure]:
    """Every document of the inputs, lazily: `-` (stdin) first, then the files in the order given.

    Raises InputError before the first document when an input doesn't exist or has no articles.
    """
    inputs = list(map(str, inputs))
    files = list_files(inputs)
    piped = [read_stdin(stdin or sys.stdin.buffer, text_column)] if STDIN in inputs else []
    found = (read_file(name, path, text_column) for name, path in files)
    return chain.from_iterable(chain(piped, found))


def read_file(name: str, path: Source, text_column: str | None = None) -> Iterator[Document | Failure]:
    """All documents of one listed file, lazily; `text_column` is for tables.

    Raises OSError when the disk of temporary files is full.
    """
    try:
        with path.open("rb") as stream:
            yield from _read_stream(name, path.name, stream, text_column)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise OSError(error.errno, error.strerror, tempfile.gettempdir()) from None
        reason = f"can't be opened ({error.strerror or error})"
        yield Failure(name, reason, "check the file and its permissions")


def _read_stream(
    name: str, file: str, stream: BinaryIO, text_column: str | None, depth: int = 0
) -> Iterator[Document | Failure]:
    """All documents of a file or an archive's member; the end of `file` says the format."""
    suffix = Path(file.lower()).suffix
    try:
        if suffix in (".gz", ".zip"):
            yield from _read_archive(name, file, stream, text_column, depth + 1)
        elif suffix in TABLES:
            yield from TABLES[suffix](name, stream, text_column)
        elif suffix in ARTICLES:
            yield ARTICLES[suffix](name, stream)
        else:
            raise ReadError("its format isn't known", f"supported are {SUPPORTED}")
    except ReadError as error:
        yield Failure(name, error.reason, error.hint)


def _read_archive(
    name: str, file: str, stream: BinaryIO, text_column: str | None, depth: int
) -> Iterator[Document | Failure]:
    if depth > NESTED:
        raise ReadError("an archive too deep inside others", "unpack it and give its files")
    if file.lower().endswith(".gz"):
        with unpack_gz(stream) as content:
            yield from _read_stream(name, file[: -len(".gz")], content, text_column, depth)
        return
    for member in unpack_zip(name, stream, is_article):
        if isinstance(member, Failure):
            yield member
        else:
            place, file, content = member
            yield from _read_stream(place, file, content, text_column, depth)


def read_stdin(stream: BinaryIO, text_column: str | None) -> Iterator[Document | Failure]:
    """JSON lines when the first line with something in it begins as an object does, else one text."""
    name = "stdin"
    head: list[bytes] = []
    while line := stream.readline(TEXT_LIMIT + 1):
        head.append(line)
        if line.strip():
            break
    try:
        if len(line) <= TEXT_LIMIT and JSON_LINE.match(line):
            yield from read_lines(name, chain(head, iterate_lines(stream)), text_column)
        else:
            yield _read_txt(name, io.BytesIO(b"".join(head) + stream.read(TEXT_LIMIT + 1)))
    except ReadError as error:
        yield Failure(name, error.reason, error.hint)


def _read_txt(name: str, stream: BinaryIO) -> Document:
    text, meta = read_text(stream)
    return Document(name, text, meta=meta)


ARTICLES: dict[str, Callable[[str, BinaryIO], Document]] = {
    ".txt": _read_txt,
    ".html": read_page,
    ".htm": read_page,
    ".docx": read_docx,
    ".pdf": read_pdf,
}
TABLES: dict[str, Callable[[str, BinaryIO, str | None], Iterator[Document | Failure]]] = {
    ".jsonl": read_jsonl,
    ".json": read_json,
    ".csv": read_csv,
    ".tsv": partial(read_csv, delimiter="\t"),
    ".parquet": read_parquet,
    ".xlsx": read_workbook,
}
