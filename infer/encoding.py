"""Bytes to text: UTF-8, UTF-16 and the encodings that Russian files come in.

A byte order mark decides; else strict UTF-8; else the likeliest Russian encoding (charset-normalizer),
believed when there is Russian in the text then.
Texts are decoded and otherwise left as they are, line ends included. Any encoding but plain UTF-8 is said
in `meta["encoding"]`.
"""

from __future__ import annotations

import codecs
import io
import re
from typing import Any, BinaryIO

from charset_normalizer import from_bytes

from infer.failure import ReadError

TEXT_LIMIT = 20 * 2**20  # of one article, line or cell; hundreds of long articles fit, so more is a mistake
CHUNK = 2**18  # bytes; enough to guess an encoding from
MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
RUSSIAN = re.compile(r"[а-яё]{3}")
GUESSED = [
    "cp1251",
    "koi8_r",
    "utf_16_le",
    "utf_16_be",
    "cp866",
    "mac_cyrillic",
]  # what Russian files come in
UNKNOWN = ("not a text in any known encoding", "save it as UTF-8")
CUT_OFF = ("ends in the middle of a letter", "was the download cut off? Fetch it again")


def read_text(stream: BinaryIO) -> tuple[str, dict[str, Any]]:
    """A whole file as one text, and meta that says its encoding. Raises ReadError."""
    raw = stream.read(TEXT_LIMIT + 1)
    if not raw:
        raise ReadError("the file is empty", "leave it out, or fetch the article again")
    if len(raw) > TEXT_LIMIT:
        raise ReadError(
            f"longer than {TEXT_LIMIT >> 20} MiB, too long for one text",
            "split it into articles: one a file, or one a line of a .jsonl, which may be of any size",
        )
    decoded = decode(raw)
    if decoded is None:
        raise ReadError(*explain(raw))
    text, encoding = decoded
    if not text.strip():
        raise ReadError("the file holds white space alone", "leave it out, or fetch the article again")
    return text, describe(encoding)


def open_text(stream: BinaryIO) -> tuple[io.TextIOWrapper, dict[str, Any]]:
    """A file of any size as a stream of text, line ends untouched, and meta that says its encoding.

    The whole file is looked through first, in constant memory: the first Cyrillic letter may stand anywhere.
    Raises ReadError; reading raises UnicodeDecodeError where the file leaves its encoding.
    """
    encoding = _detect(stream)
    if encoding is None:
        raise ReadError(*UNKNOWN)
    stream.seek(0)
    return io.TextIOWrapper(stream, encoding, newline=""), describe(encoding)


def describe(encoding: str) -> dict[str, Any]:
    """The encoding as meta; plain UTF-8 needs no word."""
    return {} if encoding == "utf-8" else {"encoding": encoding}


def decode(raw: bytes) -> tuple[str, str] | None:
    """The text and its encoding, None when it is a text in none."""
    for mark, encoding in MARKS:
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
        best = None if _is_cut_off(raw) else from_bytes(raw, cp_isolation=GUESSED).best()
        return (str(best), best.encoding) if best and RUSSIAN.search(str(best).lower()) else None


def explain(raw: bytes) -> tuple[str, str]:
    """Why `decode` finds no text, and a hint."""
    return CUT_OFF if _is_cut_off(raw) else UNKNOWN


def _is_cut_off(raw: bytes) -> bool:
    """Whether these are the bytes of a UTF-8 text but for the last letter, which is not whole."""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data" and not raw[: error.start].isascii()
    return False


def _detect(stream: BinaryIO) -> str | None:
    """The encoding that `decode` would find, from pieces."""
    chunk = stream.read(CHUNK)
    for mark, encoding in MARKS:
        if chunk.startswith(mark):
            return encoding
    if _looks_like_utf16(chunk.decode("utf-8", "ignore")):
        return (decode(chunk) or (None, None))[1]
    decoder = codecs.getincrementaldecoder("utf-8")()
    while True:
        try:
            decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError:
            break
        if not chunk:
            return "utf-8"
        chunk = stream.read(CHUNK)
    return (decode(chunk) or (None, None))[1]


def _looks_like_utf16(text: str) -> bool:
    """Russian UTF-16 without a mark is valid UTF-8 too: every other byte is 0x04 or, for Latin, 0x00."""
    return text.count("\x04") + text.count("\x00") > len(text) / 4
