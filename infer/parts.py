"""A run cut into parts that are kept on disk, so that a killed run goes on where it stopped.

The files of a run are cut into blocks, and the documents of a block into parts of ITEMS. A block is named
by a digest of all that its answers depend on: its files (name, path, size, time of change, permissions),
the model and the options. What has its file is therefore done, and a changed input or another model
simply asks for other names. Where a block ends follows from the file names near by, so a file that is
added, changed or taken away costs its own block and seldom a neighbour.

`parts/<block>-00001.jsonl` holds lines `{"record": ..., "keys": [...]}` (keys name entities, see
`normal`) and `{"failure": {"id", "reason", "hint"}}`; `parts/<block>.done` says that the block has no
more of them. Invariants: a part is complete or absent; its bytes depend on its block alone; ids are made
unique over all blocks when parts are read, because tables may number their rows alike.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain, count, islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from filelock import FileLock, Timeout

from infer.document import Document
from infer.extractor import Extractor
from infer.files import replacing
from infer.normal import Normalizer
from infer.reading import Failure, read_file, read_stdin
from infer.records import Extraction, to_line, to_record
from infer.rows import make_unique

FORMAT = 2  # raised whenever parts of before should not be used any more
ITEMS = 256  # documents and failures in a part: what a killed run loses at most
BLOCK_FILES = 200  # files in a block, at most
BLOCK_CUT = 100  # one file in so many, told by its name, ends a block


class LockError(ValueError):
    """Another run is writing to the folder."""


class State(NamedTuple):
    """An input file as it was found; size in bytes, zero when it could not be looked at."""

    name: str
    path: str
    size: int
    modified: int  # nanoseconds since 1970
    mode: int  # with the permissions, because mending them leaves the time


@dataclass(frozen=True, slots=True)
class Block:
    """Some of a run's inputs: the name of their parts, the files, and how to read them, in order."""

    name: str
    files: tuple[State, ...]
    read: Callable[[], Iterator[Document | Failure]]

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(file.size for file in self.files)


def plan_blocks(
    listed: Sequence[tuple[str, Path]],
    text_column: str | None,
    settings: Mapping[str, Any],
    stdin: BinaryIO | None = None,
) -> list[Block]:
    """The blocks of a run over the files of `list_files`; `settings` is what else the answers depend on.

    Standard input can't be read twice, so a run with it is one block that is never found again.
    """
    if stdin is not None:
        states = tuple(_state(name, path) for name, path in listed)
        documents = chain(read_stdin(stdin, text_column), _read_files(states, text_column))
        return [Block(secrets.token_hex(8), (), lambda: documents)]
    blocks = []
    for files in _cut(listed):
        states = tuple(_state(name, path) for name, path in files)
        name = digest_of([FORMAT, ITEMS, dict(settings), text_column, states])
        blocks.append(Block(name, states, partial(_read_files, states, text_column)))
    return blocks


def digest_of(value: Any) -> str:
    """A short name for a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _cut(files: Iterable[tuple[str, Path]]) -> Iterator[list[tuple[str, Path]]]:
    block: list[tuple[str, Path]] = []
    for name, path in files:
        block.append((name, path))
        if _is_cut(name) or len(block) == BLOCK_FILES:
            yield block
            block = []
    if block:
        yield block


def _is_cut(name: str) -> bool:
    return zlib.crc32(name.encode("utf-8", "surrogateescape")) % BLOCK_CUT == 0


def _state(name: str, path: Path) -> State:
    try:
        found = path.stat()
    except OSError:  # reading will say why; once the file is back, its state is another
        return State(name, str(path.absolute()), 0, 0, 0)
    return State(name, str(path.absolute()), found.st_size, found.st_mtime_ns, found.st_mode)


def _read_files(files: Iterable[State], text_column: str | None) -> Iterator[Document | Failure]:
    return chain.from_iterable(read_file(file.name, Path(file.path), text_column) for file in files)


class Parts:
    """The folder of parts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other runs out; a killed process leaves nothing locked. Raises LockError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._folder / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise LockError(
                f"{self._folder.parent}: another run is writing there; wait for it, or choose another "
                "folder with --output"
            ) from None
        try:
            yield
        finally:
            lock.release()

    def keep(self, blocks: Iterable[Block]) -> None:
        """Remove all that belongs to no block of this run."""
        wanted = {block.name for block in blocks}
        for path in self._folder.iterdir():
            block = path.name.split(".")[0].split("-")[0]
            if path.name != "lock" and (block not in wanted or path.suffix == ".partial"):
                path.unlink()

    def is_done(self, block: Block) -> bool:
        """Whether all parts of a block are there."""
        return self._mark(block).exists()

    def fill(self, block: Block, extractor: Extractor, report: Callable[[Document | Failure], None]) -> None:
        """Make the parts of a block that are missing; `report` hears of every document when it is done."""
        items = block.read()
        done = len(self._paths(block))
        next(islice(items, done * ITEMS, done * ITEMS), None)  # skip
        for number in count(done + 1):
            first = next(items, None)
            if first is None:
                break
            with replacing(self._path(block, number)) as path:
                _write_part(path, chain([first], islice(items, ITEMS - 1)), extractor, report)
        self._mark(block).touch()

    def extractions(self, blocks: Iterable[Block]) -> Iterator[Extraction]:
        """What was extracted, in order; an id that came before gets `#2`, `#3`."""
        seen: dict[str, int] = {}
        for line in self._lines(blocks):
            if line.startswith('{"record"'):
                value = json.loads(line)
                record = value["record"]
                yield Extraction({**record, "id": make_unique(record["id"], seen)}, tuple(value["keys"]))

    def failures(self, blocks: Iterable[Block]) -> Iterator[Mapping[str, str]]:
        """What could not be read, in order."""
        for line in self._lines(blocks):
            if line.startswith('{"failure"'):
                yield json.loads(line)["failure"]

    def count(self, blocks: Iterable[Block]) -> int:
        """Extractions and failures together."""
        return sum(1 for _ in self._lines(blocks))

    def _lines(self, blocks: Iterable[Block]) -> Iterator[str]:
        for block in blocks:
            for path in self._paths(block):
                with path.open(encoding="utf-8", newline="\n") as file:
                    yield from file

    def _paths(self, block: Block) -> list[Path]:
        found: list[Path] = []
        for number in count(1):
            path = self._path(block, number)
            if not path.exists():
                return found
            found.append(path)
        return found

    def _path(self, block: Block, number: int) -> Path:
        return self._folder / f"{block.name}-{number:05}.jsonl"

    def _mark(self, block: Block) -> Path:
        return self._folder / f"{block.name}.done"


def _write_part(
    path: Path,
    items: Iterator[Document | Failure],
    extractor: Extractor,
    report: Callable[[Document | Failure], None],
) -> None:
    normalizer = Normalizer()
    with path.open("w", encoding="utf-8", newline="") as file:

        def documents() -> Iterator[Document]:
            for item in items:
                if isinstance(item, Failure):
                    file.write(to_line({"failure": asdict(item)}))
                    report(item)
                else:
                    yield item

        for document in extractor.extract_many(documents()):
            keys = normalizer.keys(document)
            file.write(to_line({"record": to_record(document, normalizer), "keys": keys}))
            report(document)
