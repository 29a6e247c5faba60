"""Files behind an address (`s3://`, `gs://`, `abfs://`, `hdfs://`, `file://`), by pyarrow's file systems.

`Remote` is one to read: it stands where a Path would, with the same few methods. `Store` is a folder to write
to, of this machine or behind an address; both can be sent to other machines. Invariant: a file of a Store is
complete or absent, whoever writes it how often. Credentials are those that pyarrow finds (environment
variables, the machine's role) or that the address holds.
"""

from __future__ import annotations

import io
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple
from urllib.parse import quote

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

ADDRESS = re.compile(r"[a-z][a-z0-9+]+://", re.IGNORECASE)
PLAIN = ":/?&=%@+,;~!$'()*"  # what may stand in an address as it is; letters and digits may anyway


class AddressError(ValueError):
    """Nothing can be read or written at an address; the message says why."""


class Facts(NamedTuple):
    """What a listing says of a file, under the names of `Path.stat`."""

    st_size: int
    st_mtime_ns: int
    st_mode: int = 0


@dataclass(frozen=True, slots=True)
class Remote:
    """A file behind an address."""

    address: str
    filesystem: FileSystem
    path: str  # there
    facts: Facts

    @property
    def name(self) -> str:
        """Its last part."""
        return PurePosixPath(self.path).name

    def open(self, mode: str = "rb") -> BinaryIO:
        """Its bytes, to be read from any place. Raises OSError."""
        return io.BufferedReader(self.filesystem.open_input_file(self.path), 2**20)

    def stat(self) -> Facts:
        """Size and time of change, as they were when the file was found."""
        return self.facts

    def absolute(self) -> str:
        """The address."""
        return self.address

    def as_posix(self) -> str:
        """The address."""
        return self.address


Source = Path | Remote


def is_address(place: str | Path) -> bool:
    """Whether it is an address rather than a path."""
    return isinstance(place, str) and ADDRESS.match(place) is not None


def list_remote(address: str) -> list[tuple[str, Remote]]:
    """The file at an address, under its name, or all files below it, under their paths from there.

    Raises AddressError when there is nothing, or nothing can be seen.
    """
    from pyarrow.fs import FileSelector, FileType

    filesystem, path = _connect(address)
    try:
        there = filesystem.get_file_info(path)
        found = [there]
        if there.type == FileType.Directory:
            found = filesystem.get_file_info(FileSelector(path, recursive=True))
    except OSError as error:
        raise AddressError(f"{address}: can't be opened ({error.strerror or error})") from None
    if there.type == FileType.NotFound:
        raise AddressError(f"{address}: no such file or folder")
    files = []
    for info in found:
        if info.type == FileType.File:
            name = PurePosixPath(info.path).relative_to(path).as_posix() if info is not there else ""
            full = f"{address.rstrip('/')}/{name}" if name else address
            facts = Facts(info.size, info.mtime_ns or 0)
            files.append((name or info.base_name, Remote(full, filesystem, info.path, facts)))
    return files


def _connect(address: str) -> tuple[FileSystem, str]:
    """The file system behind an address, and the path there. Raises AddressError."""
    from pyarrow.fs import FileSystem

    try:
        filesystem, path = FileSystem.from_uri(quote(address, safe=PLAIN))
    except (OSError, ValueError) as error:
        raise AddressError(f"{address}: {error}") from None
    return filesystem, path.rstrip("/") or path


@dataclass(frozen=True, slots=True)
class Store:
    """A folder to write to."""

    filesystem: FileSystem
    path: str

    @classmethod
    def at(cls, place: str | Path) -> Store:
        """The folder at a path or an address. Raises AddressError."""
        from pyarrow.fs import LocalFileSystem

        if is_address(place):
            return cls(*_connect(str(place)))
        return cls(LocalFileSystem(), Path(place).absolute().as_posix())

    def list(self, folder: str) -> set[str]:
        """The names of the files in a folder of it, which is made if need be. Raises OSError."""
        from pyarrow.fs import FileSelector, FileType

        self.filesystem.create_dir(f"{self.path}/{folder}", recursive=True)
        found = self.filesystem.get_file_info(FileSelector(f"{self.path}/{folder}"))
        return {info.base_name for info in found if info.type == FileType.File}

    @contextmanager
    def writing(self, name: str) -> Iterator[Any]:
        """A stream of bytes to a temporary name, renamed when the block ends well. Raises OSError."""
        partial = f"{self.path}/{name}.{secrets.token_hex(4)}.partial"  # another machine may write the same
        try:
            with self.filesystem.open_output_stream(partial) as stream:
                yield stream
            self.filesystem.move(partial, f"{self.path}/{name}")
        except BaseException:
            with suppress(OSError):
                self.filesystem.delete_file(partial)
            raise

    def read(self, name: str) -> BinaryIO:
        """A file's bytes. Raises FileNotFoundError and other OSErrors."""
        return io.BufferedReader(self.filesystem.open_input_file(f"{self.path}/{name}"), 2**20)

    def delete(self, name: str) -> None:
        """Remove a file, if it is there."""
        with suppress(FileNotFoundError):
            self.filesystem.delete_file(f"{self.path}/{name}")
