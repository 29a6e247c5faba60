"""Files behind addresses; `file://` stands for them all."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from pyarrow.fs import LocalFileSystem

from infer.document import Document
from infer.listing import InputError, list_files
from infer.reading import Failure, read_documents, read_file
from infer.storage import AddressError, Remote, Store, is_address, list_remote


@pytest.fixture
def news(tmp_path: Path) -> Path:
    """One input of each way of reading: text, lines, a table, an archive."""
    folder = tmp_path / "новости 1"
    (folder / "sub").mkdir(parents=True)
    (folder / "b.txt").write_text("Мэр\r\nпринял посла.", encoding="utf-8", newline="")
    (folder / "sub" / "a.jsonl").write_text('{"text": "раз"}\n{"text": ""}\n', encoding="utf-8")
    (folder / "c.csv").write_text("id;text\n7;два\n", encoding="cp1251")
    with zipfile.ZipFile(folder / "d.zip", "w") as archive:
        archive.writestr("e.txt", "три")
    (folder / "empty.txt").write_bytes(b"")
    (folder / ".hidden.txt").write_text("нет", encoding="utf-8")
    return folder


@pytest.mark.parametrize(("place", "answer"), [("s3://b/c", True), ("file:///x", True), ("a/b", False)])
def test_addresses_are_told_from_paths(place: str, answer: bool) -> None:
    assert is_address(place) == answer
    assert not is_address(Path(place))


def test_a_folder_gives_the_same_documents_by_path_and_by_address(news: Path) -> None:
    by_path = list(read_documents([news]))
    assert len(by_path) == 6
    assert list(read_documents([f"file://{news}"])) == by_path
    assert list(read_documents([f"file://{news}/"])) == by_path


def test_a_single_file_goes_by_its_name(news: Path) -> None:
    (found,) = read_documents([f"file://{news}/b.txt"])
    assert found == Document("b.txt", "Мэр\r\nпринял посла.")


def test_a_file_of_no_known_format_is_said_so(news: Path) -> None:
    (news / "x.doc").write_bytes(b"x")
    with pytest.raises(InputError, match=r"x\.doc: no articles there"):
        list_files([f"file://{news}/x.doc"])


def test_results_of_a_run_are_no_input(news: Path) -> None:
    (news / "out" / "extractions").mkdir(parents=True)
    (news / "out" / "extractions" / "00001.jsonl").write_text('{"text": "x"}\n', encoding="utf-8")
    (news / "out" / "mine.txt").write_text("x", encoding="utf-8")
    for address in (f"file://{news}", str(news)):
        output = f"{address}/out"
        names = [name for name, _ in list_files([address], output)]
        assert "out/mine.txt" in names
        assert not any("extractions" in name for name in names)


@pytest.mark.parametrize("address", ["file:///no/such/folder", "nonsense://x/y", "s3://"])
def test_an_address_that_leads_nowhere_is_named(address: str) -> None:
    with pytest.raises(InputError, match=address):
        list_files([address])


def test_what_was_found_can_be_sent_elsewhere(news: Path) -> None:
    name, remote = list_remote(f"file://{news}/b.txt")[0]
    there = pickle.loads(pickle.dumps(remote))
    assert name == there.name == "b.txt"
    with there.open() as stream:
        assert stream.read() == (news / "b.txt").read_bytes()
    assert there.stat().st_size == (news / "b.txt").stat().st_size
    assert there.stat().st_mtime_ns == (news / "b.txt").stat().st_mtime_ns
    (news / "b.txt").unlink()
    with pytest.raises(OSError, match=r"b\.txt"):
        there.open()


def test_a_file_that_vanished_is_a_failure(news: Path) -> None:
    gone = Remote(
        "s3://b/gone.txt", LocalFileSystem(), "/no/gone.txt", list_remote(f"file://{news}")[0][1].facts
    )

    (found,) = read_file("gone.txt", gone)
    assert isinstance(found, Failure)
    assert "can't be opened" in found.reason


@pytest.fixture(params=[str, lambda path: f"file://{path}"], ids=["path", "address"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    place: Callable[[Path], str] = request.param
    return Store.at(place(tmp_path / "a b" / "store"))


def break_off(store: Store) -> None:
    with store.writing("parts/2.jsonl") as stream:
        stream.write(b"tw")
        raise KeyboardInterrupt


def test_what_is_written_is_there_whole_or_not_at_all(store: Store, tmp_path: Path) -> None:
    assert store.list("parts") == set()
    with store.writing("parts/1.jsonl") as stream:
        stream.write(b"one")
        assert all(name.endswith(".partial") for name in store.list("parts"))
    with pytest.raises(KeyboardInterrupt):
        break_off(store)
    assert store.list("parts") == {"1.jsonl"}
    with pickle.loads(pickle.dumps(store)).read("parts/1.jsonl") as stream:
        assert stream.read() == b"one"
    assert (tmp_path / "a b" / "store" / "parts" / "1.jsonl").read_bytes() == b"one"


def test_what_is_written_again_is_replaced(store: Store) -> None:
    store.list("parts")
    for content in (b"one", b"two"):
        with store.writing("parts/1") as first, store.writing("parts/1") as second:
            first.write(content)
            second.write(content)
        with store.read("parts/1") as stream:
            assert stream.read() == content


def test_what_is_gone_can_be_deleted_and_not_read(store: Store) -> None:
    store.list("parts")
    store.delete("parts/none")
    with pytest.raises(FileNotFoundError):
        store.read("parts/none")


def test_a_store_that_nobody_knows_is_refused() -> None:
    with pytest.raises(AddressError, match="nonsense://x"):
        Store.at("nonsense://x/y")


def test_lines_of_a_remote_file_are_read_lazily(tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    path.write_text("".join(f"{json.dumps({'text': f'{n}'})}\n" for n in range(1000)), encoding="utf-8")
    documents = list(read_documents([f"file://{path}"]))
    assert [item.text for item in documents if isinstance(item, Document)] == [f"{n}" for n in range(1000)]
