from __future__ import annotations

import errno
import gzip
import io
import json
import os
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infer import packed
from infer.document import Document
from infer.reading import Failure, read_documents, read_file


def to_zip(members: dict[str, bytes | str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def read(tmp_path: Path, raw: bytes, name: str = "a.zip") -> list[Document | Failure]:
    path = tmp_path / name
    path.write_bytes(raw)
    return list(read_file(name, path))


def only_failure(items: list[Document | Failure]) -> Failure:
    (item,) = items
    assert isinstance(item, Failure)
    assert item.hint
    return item


def test_members_of_every_format_are_read_by_their_path(tmp_path: Path) -> None:
    members: dict[str, bytes | str] = {
        "b/1.txt": "Губернатор встретился с делегацией провинции Хэйлунцзян.".encode("cp1251"),
        "a.jsonl": '{"text": "1"}\n{"id": "x", "text": "2"}',
        "t.csv": "text,n\nКалуга,1\n",
        "deep/er/t.json": json.dumps([{"text": "Китай"}]),
        "z.md": "нет",
        "folder/": "",
        ".hidden.txt": "нет",
        "__MACOSX/._1.txt": "нет",
    }
    found = read(tmp_path, to_zip(members))
    ids = ["a.zip/a.jsonl#1", "x", "a.zip/b/1.txt", "a.zip/deep/er/t.json#1", "a.zip/t.csv#2"]
    assert [item.id for item in found] == ids
    assert all(isinstance(item, Document) for item in found)


@pytest.mark.parametrize(
    ("name", "content", "id_"),
    [("a.txt.gz", "Мэр", "a.txt.gz"), ("A.JSONL.GZ", '{"text": "Мэр"}', "A.JSONL.GZ#1")],
)
def test_a_gz_is_read_by_the_suffix_before(tmp_path: Path, name: str, content: str, id_: str) -> None:
    raw = gzip.compress(content.encode())
    assert read(tmp_path, raw, name) == [Document(id_, "Мэр")]
    assert read(tmp_path, to_zip({name: raw})) == [Document(f"a.zip/{id_}", "Мэр")]


def test_one_archive_in_another_is_read_and_a_third_is_a_failure(tmp_path: Path) -> None:
    one = to_zip({"b.txt": "Мэр"})
    two = to_zip({"inner.zip": one, "t.txt": "Калуга"})
    assert [item.id for item in read(tmp_path, two)] == ["a.zip/inner.zip/b.txt", "a.zip/t.txt"]
    first, second = read(tmp_path, to_zip({"outer.zip": two}))
    assert isinstance(first, Failure)
    assert (first.id, first.reason) == ("a.zip/outer.zip/inner.zip", "an archive too deep inside others")
    assert second == Document("a.zip/outer.zip/t.txt", "Калуга")


# --- names


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("../../etc/passwd.txt", "etc/passwd.txt"),
        ("/root/a.txt", "root/a.txt"),
        ("C:\\Users\\a.txt", "Users/a.txt"),
        ("..\\..\\a.txt", "a.txt"),
        ("a/./b//../c.txt", "a/b/c.txt"),
        ("a\nb.txt", "a?b.txt"),
    ],
)
def test_a_path_that_leads_out_is_cleaned_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, clean: str
) -> None:
    place = tmp_path / "deep/er"
    place.mkdir(parents=True)
    monkeypatch.chdir(place)
    assert read(tmp_path, to_zip({name: "Мэр"})) == [Document(f"a.zip/{clean}", "Мэр")]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a.zip"]


def test_names_that_become_equal_are_told_apart_and_read_by_their_format(tmp_path: Path) -> None:
    found = read(tmp_path, to_zip({"a.txt": "1", "/a.txt": "2", "../a.txt": "3"}))
    assert [item.id for item in found] == ["a.zip/a.txt", "a.zip/a.txt#2", "a.zip/a.txt#3"]
    assert all(isinstance(item, Document) for item in found)


@pytest.mark.parametrize("encoding", ["cp866", "utf-8"])
def test_unmarked_russian_names_are_decoded(tmp_path: Path, encoding: str) -> None:
    raw = to_zip({"XXXXXX/YYYYYYY.txt": "Мэр"})
    for old, new in ((b"XXXXXX", "Визиты"), (b"YYYYYYY", "Ёлкинъы")):
        encoded = new.encode(encoding)
        if encoding == "utf-8":
            encoded = new.encode()[: len(old) // 2 * 2].ljust(len(old), b"_")
        raw = raw.replace(old, encoded)
    (found,) = read(tmp_path, raw)
    assert found.id == ("a.zip/Визиты/Ёлкинъы.txt" if encoding == "cp866" else "a.zip/Виз/Ёлк_.txt")


def test_a_name_that_the_zipfile_module_has_decoded_is_kept() -> None:
    """Newer Pythons read the Unicode path field of WinRAR and 7-Zip, and leave the flag as it was."""
    info = zipfile.ZipInfo("Визиты/Ёлкин.txt")
    assert not info.flag_bits & packed.UTF8_FLAG
    assert packed._member_name(info) == "Визиты/Ёлкин.txt"


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=30))
def test_no_name_leads_out(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    found = read(tmp_path_factory.mktemp("zip"), to_zip({f"{name}.txt": "Мэр"}))
    assert all(item.id.startswith("a.zip") and "/../" not in item.id for item in found)


# --- bombs and broken archives


def test_a_zip_bomb_is_a_failure_and_the_others_are_read(tmp_path: Path) -> None:
    found = read(tmp_path, to_zip({"1.txt": "Мэр", "2.txt": bytes(30_000_000), "3.txt": "Калуга"}))
    assert [item.id for item in found] == ["a.zip/1.txt", "a.zip/2.txt", "a.zip/3.txt"]
    bomb = found[1]
    assert isinstance(bomb, Failure)
    assert "zip bomb (allowed: 2 GiB and 200 times)" in bomb.reason


def test_a_gz_bomb_is_a_failure(tmp_path: Path) -> None:
    assert "zip bomb" in only_failure(read(tmp_path, gzip.compress(bytes(30_000_000)), "a.jsonl.gz")).reason


def test_a_member_past_the_limit_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "MEMBER_LIMIT", 1000)
    assert "zip bomb" in only_failure(read(tmp_path, to_zip({"a.txt": os.urandom(1001)}))).reason


def test_small_members_may_shrink_as_they_like(tmp_path: Path) -> None:
    assert read(tmp_path, to_zip({"a.txt": "а" * 1_000_000})) == [Document("a.zip/a.txt", "а" * 1_000_000)]


def test_an_encrypted_member_is_a_failure_and_the_others_are_read(tmp_path: Path) -> None:
    raw = bytearray(to_zip({"a.txt": "Мэр", "b.txt": "Калуга"}))
    raw[raw.index(b"PK\x03\x04") + 6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    first, second = read(tmp_path, bytes(raw))
    assert isinstance(first, Failure)
    assert (first.id, first.reason) == ("a.zip/a.txt", "encrypted")
    assert second == Document("a.zip/b.txt", "Калуга")


@pytest.mark.parametrize("name", ["a.zip", "a.txt.gz"])
def test_a_full_disk_for_temporary_files_is_no_fault_of_the_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    raw = to_zip({"a.txt": "Мэр"}) if name == "a.zip" else gzip.compress("Мэр".encode())
    monkeypatch.setattr("tempfile.SpooledTemporaryFile", fail)
    with pytest.raises(OSError, match="No space left") as caught:
        read(tmp_path, raw, name)
    assert caught.value.filename == tempfile.gettempdir()


def test_a_damaged_member_is_a_failure_and_the_others_are_read(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a.txt", "damaged")
        archive.writestr("b.txt", "Мэр")
    first, second = read(tmp_path, out.getvalue().replace(b"damaged", b"d@maged"))
    assert isinstance(first, Failure)
    assert "CRC" in first.reason
    assert second == Document("a.zip/b.txt", "Мэр")


@pytest.mark.parametrize("raw", [b"", b"PK", bytes(1000), to_zip({"a.txt": "Мэр"})[:-10]])
def test_a_broken_zip_is_a_failure(tmp_path: Path, raw: bytes) -> None:
    assert only_failure(read(tmp_path, raw)).reason.startswith("not a readable archive")


@pytest.mark.parametrize("raw", [bytes(1000), b"\x1f\x8b", gzip.compress(b"a" * 1000)[:-9]])
def test_a_broken_gz_is_a_failure(tmp_path: Path, raw: bytes) -> None:
    assert only_failure(read(tmp_path, raw, "a.txt.gz")).reason.startswith("not a readable archive")


@pytest.mark.parametrize("members", [{}, {"a.md": "нет"}])
def test_an_archive_without_articles_is_a_failure(tmp_path: Path, members: dict[str, bytes | str]) -> None:
    assert only_failure(read(tmp_path, to_zip(members))).reason == "no articles in the archive"


def test_broken_formats_inside_are_failures_by_their_id(tmp_path: Path) -> None:
    names = ["a.docx", "b.pdf", "c.xlsx", "d.parquet", "e.json", "f.zip", "g.txt.gz"]
    found = read(tmp_path, to_zip(dict.fromkeys(names, "x")))
    assert [item.id for item in found] == [f"a.zip/{name}" for name in names]
    assert all(isinstance(item, Failure) and item.hint for item in found)


def test_members_are_unpacked_as_they_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(to_zip({f"{number}.txt": "Мэр" for number in range(9)}))
    opened: list[str] = []
    open_member = zipfile.ZipFile.open

    def spy(self: zipfile.ZipFile, member: zipfile.ZipInfo) -> object:
        opened.append(member.filename)
        return open_member(self, member)

    monkeypatch.setattr(zipfile.ZipFile, "open", spy)
    items = read_documents([path])
    assert opened == []
    next(items)
    next(items)
    assert opened == ["0.txt", "1.txt"]
