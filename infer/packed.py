"""Members of .zip and .gz archives, one after another, never under their own names on disk.

A member is unpacked into a temporary file (in memory while small) that vanishes with it. Refused: a member of
more than MEMBER_LIMIT bytes, or one that grows more than RATIO times and past FREE bytes (a zip bomb), or one
that needs a password. Names lose drive letters, `..` and leading slashes before they become part of an id.
"""

from __future__ import annotations

import gzip
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from typing import IO, BinaryIO, cast

from infer.failure import Failure, ReadError, foreign_parser
from infer.rows import make_unique

MEMBER_LIMIT = 2 * 2**30
RATIO = 200  # news texts shrink three to ten times
FREE = 10 * 2**20  # bytes; below that a ratio says nothing, and does no harm
OFFICE_LIMIT = 2**30  # bytes of all parts of a .docx or .xlsx
IN_MEMORY = 8 * 2**20
UTF8_FLAG, ENCRYPTED_FLAG = 0x800, 0x1
BROKEN = ("not a readable archive", "is it complete? Pack or download it again")


def unpack_zip(
    name: str, stream: BinaryIO, wanted: Callable[[str], bool]
) -> Iterator[tuple[str, str, BinaryIO] | Failure]:
    """Ids, names and contents of the wanted members, sorted; a content is closed when the next is asked for.

    Raises ReadError when the archive is broken or has nothing that is wanted.
    """
    with foreign_parser(*BROKEN):
        archive = zipfile.ZipFile(stream)
    members = sorted(
        ((_clean(_member_name(info)), info) for info in archive.infolist() if not info.is_dir()),
        key=lambda member: member[0],
    )
    members = [(path, info) for path, info in members if wanted(path)]
    if not members:
        raise ReadError("no articles in the archive", "leave it out, or unpack it and look what is inside")
    seen: dict[str, int] = {}
    for path, info in members:
        place = make_unique(f"{name}/{path}", seen)
        try:
            if info.flag_bits & ENCRYPTED_FLAG:
                raise ReadError("encrypted", "unpack the archive with its password")
            with foreign_parser(*BROKEN), archive.open(info) as packed:
                content = _copy(packed, info.compress_size)
        except ReadError as error:
            yield Failure(place, error.reason, error.hint)
            continue
        with content:
            yield place, path, content


def unpack_gz(stream: BinaryIO) -> BinaryIO:
    """The one content of a .gz file. Raises ReadError."""
    size = stream.seek(0, 2)
    stream.seek(0)
    with foreign_parser(*BROKEN), gzip.GzipFile(fileobj=stream, mode="rb") as packed:
        return _copy(packed, size)


def check_office(stream: BinaryIO) -> None:
    """Raise ReadError unless a .docx or .xlsx is a zip archive of bearable size."""
    if stream.read(4) == b"\xd0\xcf\x11\xe0":  # the older container, which holds the encrypted ones too
        raise ReadError(
            "protected by a password or in the format of Office 97", "save it anew without a password"
        )
    size = stream.seek(0, 2)
    stream.seek(0)
    with foreign_parser("damaged or not an Office file", "open it in Office and save it again"):
        total = sum(info.file_size for info in zipfile.ZipFile(stream).infolist())
    if total > OFFICE_LIMIT or total > max(FREE, RATIO * size):
        raise _bomb(total, size)
    stream.seek(0)


def _copy(packed: IO[bytes] | gzip.GzipFile, size: int) -> BinaryIO:
    """The content of `size` packed bytes in a temporary file, counted while it grows."""
    content: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
    total = 0
    try:
        while chunk := packed.read(2**20):
            total += len(chunk)
            if total > MEMBER_LIMIT or total > max(FREE, RATIO * size):
                raise _bomb(total, size)
            content.write(chunk)
    except BaseException:
        content.close()
        raise
    content.seek(0)
    return cast(BinaryIO, content)


def _bomb(total: int, size: int) -> ReadError:
    return ReadError(
        f"unpacks to {total >> 20} MiB or more from {size:,} bytes, like a zip bomb "
        f"(allowed: {MEMBER_LIMIT >> 30} GiB and {RATIO} times)",
        "if it is none, unpack it yourself and give the files",
    )


def _member_name(info: zipfile.ZipInfo) -> str:
    """The name as its packer meant it: unmarked, it is UTF-8 or, from Russian Windows, cp866."""
    if info.flag_bits & UTF8_FLAG:
        return info.filename
    try:
        raw = info.filename.encode("cp437")
    except UnicodeEncodeError:  # decoded already, from the field that some packers add for it
        return info.filename
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp866")


def _clean(path: str) -> str:
    parts = re.sub(r"^[A-Za-z]:", "", path.replace("\\", "/")).split("/")
    kept = "/".join(part for part in parts if part not in ("", ".", ".."))
    return re.sub(r"[\x00-\x1f\x7f]", "?", kept)
