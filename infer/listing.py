"""What a run reads: files, folders and patterns to a list of files with their ids, before anything is opened.

An id is the path relative to the folder given (to a pattern's part before its first wildcard), with `/`, and
the name alone for a file given by itself. Ids that would be equal become the paths as given; a file that is
given twice is read once. An address (`s3://bucket/news`, see `storage`) stands for a file or a folder, too.
Folders reached by a symbolic link are not entered. Hidden files, `__MACOSX` and Office's lock files
(`~$...`) are passed by, and in folders also what is in no known format and what a run itself writes to its
output folder, should that lie there.
"""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from infer.storage import AddressError, Remote, Source, is_address, list_remote

STDIN = "-"
FORMATS = frozenset(
    {".txt", ".html", ".htm", ".jsonl", ".json", ".csv", ".tsv", ".parquet", ".xlsx", ".docx", ".pdf", ".zip"}
)
RESULTS = re.compile(  # what a run writes to its output folder, partial files among it
    r"(extractions(\.|/).+|(mentions|entities|summary)\.(csv|parquet)|failures\.jsonl|manifest\.json)(\.partial)?|parts/.*"
)
SUPPORTED = f"{', '.join(sorted(FORMATS))}, and .gz of these"


class InputError(ValueError):
    """There is nothing to read; the message says what was looked for."""


def list_files(inputs: Iterable[str | Path], output: str | Path | None = None) -> list[tuple[str, Source]]:
    """Ids and files that a run would read, in order; an archive or a table is one file, `-` is not listed.

    Results of a run in `output` are left out, but for a file that is given by itself.
    Raises InputError when an input doesn't exist, is in no known format or has no articles.
    """
    names: dict[str, str] = {}
    paths: dict[str, Source] = {}
    for given in map(str, inputs):
        for name, path in _list(given, output) if given != STDIN else ():
            file = _key(path)
            if file not in paths:
                names[file], paths[file] = name, path
    while clashing := _clashing(names, paths):
        names.update({file: _name(paths[file]) for file in clashing})
    return [(names[file], path) for file, path in paths.items()]


def format_of(name: str) -> str | None:
    """The suffix that says how to read a file, `.gz` looked through; None when it isn't known."""
    path = Path(name.lower())
    suffix = path.suffix
    if suffix == ".gz":
        suffix = Path(path.stem).suffix
    return suffix if suffix in FORMATS else None


def is_article(name: str) -> bool:
    """Whether a file of a folder or an archive is one to read, by its path there."""
    parts = name.split("/")
    return format_of(name) is not None and not any(
        part.startswith((".", "~$")) or part == "__MACOSX" for part in parts
    )


def _key(path: Source | str) -> str:
    """What is the same for the same file."""
    if isinstance(path, Remote):
        return path.address
    return str(path) if is_address(path) else os.path.abspath(path)  # noqa: PTH100  # resolve follows links


def _clashing(names: dict[str, str], paths: dict[str, Source]) -> list[str]:
    """Files whose id another has too, and isn't the path as given yet."""
    counts = Counter(names.values())
    return [file for file, name in names.items() if counts[name] > 1 and name != _name(paths[file])]


def _list(given: str, output: str | Path | None) -> list[tuple[str, Source]]:
    """Ids and files of one input."""
    if not given:
        raise InputError("an input without a name; is a variable of the script not set?")
    path = Path(given)
    found: list[tuple[str, Source]]
    try:
        if is_address(given):
            found, looked_in = _list_address(given), "all folders below"
        elif path.is_dir():
            found = sorted(_walk(path))
            looked_in = "all subfolders"
        elif path.is_file():
            if format_of(path.name) is None:
                raise InputError(f"{path}: its format isn't known; supported are {SUPPORTED}")
            return [(_name(Path(path.name)), path)]
        elif any(sign in given for sign in "*?["):
            found = sorted(_match(path))
            looked_in = "the files that match; ** is for subfolders"
        else:
            raise InputError(f"{path}: no such file or folder")
    except AddressError as error:
        raise InputError(str(error)) from None
    except OSError as error:
        raise InputError(f"{path}: can't be opened ({error.strerror or error})") from None
    if output is not None:
        found = [(name, file) for name, file in found if not _is_result(file, output)]
    if not found:
        raise InputError(f"{given}: no articles there (looked for {SUPPORTED} in {looked_in})")
    return found


def _list_address(address: str) -> list[tuple[str, Source]]:
    """Articles at an address, which may be that of a single file."""
    return sorted((name, file) for name, file in list_remote(address) if is_article(name))


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    """Articles of a folder and its subfolders; a subfolder that can't be entered is listed as it is."""
    closed: list[OSError] = []
    for place, _, files in os.walk(folder, onerror=closed.append):
        for file in files:
            path = Path(place, file)
            name = path.relative_to(folder)
            if is_article(name.as_posix()) and _is_regular(path):
                yield _name(name), path
    for error in closed:
        path = Path(error.filename)
        if path == folder:
            raise error
        yield _name(path.relative_to(folder)), path


def _match(pattern: Path) -> Iterator[tuple[str, Path]]:
    """Articles among the files that match a pattern."""
    wild = next(n for n, part in enumerate(pattern.parts) if any(sign in part for sign in "*?["))
    folder, rest = Path(*pattern.parts[:wild]), list(pattern.parts[wild:])
    if rest[-1] == "**":
        rest.append("*")
    try:
        for path in set(folder.glob("/".join(rest))):
            name = path.relative_to(folder)
            if is_article(name.as_posix()) and not path.is_dir() and _is_regular(path):
                yield _name(name), path
    except ValueError as error:
        raise InputError(f"{pattern}: not a pattern ({error})") from None


def _is_result(path: Source, output: str | Path) -> bool:
    """Whether a run that writes to `output` wrote the file."""
    place, folder = Path(_key(path)), Path(_key(output))
    return place.is_relative_to(folder) and bool(RESULTS.fullmatch(place.relative_to(folder).as_posix()))


def _is_regular(path: Path) -> bool:
    """False for pipes and devices, which would block; what can't be looked at fails later, by name."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return True


def _name(path: Source) -> str:
    """The path as an id; bytes that are no UTF-8 are shown by their hexadecimal numbers."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")
