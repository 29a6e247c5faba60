"""What is kept of a run that was killed, and what of it still counts."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infer import parts as module
from infer.document import Document
from infer.listing import list_files
from infer.parts import LockError, Parts, plan_blocks

SETTINGS = {"fingerprint": "f"}


class Killed(BaseException):
    """As if the process had been killed."""


class Echo:
    """Answers with an event named after the text, and can be killed after so many answers."""

    def __init__(self, answers: int = 10**9) -> None:
        self.left, self.asked = answers, 0

    def extract_many(self, documents: Iterable[Document]) -> Iterator[Document]:
        for document in documents:
            self.asked += 1
            if self.asked > self.left:
                raise Killed
            yield replace(document, events=(document.text,))


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ITEMS", 4)
    monkeypatch.setattr(module, "BLOCK_FILES", 5)
    monkeypatch.setattr(module, "BLOCK_CUT", 3)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """Thirty articles, three empty files and a table of eleven rows."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    for number in range(30):
        (folder / f"{number:02}.txt").write_text(f"text {number}", encoding="utf-8")
    for number in (3, 4, 17):
        (folder / f"{number:02}.txt").write_bytes(b"")
    rows = "".join(f'{{"text": "row {number}"}}\n' for number in range(11))
    (folder / "14.jsonl").write_text(rows, encoding="utf-8")
    return folder


def fill(folder: Path, inbox: Path, extractor: Any, **settings: Any) -> list[Any]:
    """All that the parts hold when every block is filled."""
    blocks = plan_blocks(list_files([inbox]), None, SETTINGS | settings)
    parts = Parts(folder)
    with parts.lock():
        parts.keep(blocks)
        for block in blocks:
            if not parts.is_done(block):
                parts.fill(block, extractor, lambda item: None)
    failures = list(parts.failures(blocks))
    records = [extraction.record for extraction in parts.extractions(blocks)]
    assert parts.count(blocks) == len(failures) + len(records)
    return [*records, *failures]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_document_and_failure_is_in_the_parts_in_order(tmp_path: Path, inbox: Path) -> None:
    found = fill(tmp_path / "parts", inbox, Echo())
    names = sorted(path.name for path in inbox.iterdir())
    rows = [f"14.jsonl#{number}" for number in range(1, 12)]
    position = names.index("14.jsonl")
    expected = names[:position] + rows + names[position + 1 :]
    empty = ["03.txt", "04.txt", "17.txt"]
    assert [item["id"] for item in found] == [name for name in expected if name not in empty] + empty
    assert all(item["events"] == [item["text"]] for item in found[:-3])
    assert found[-1]["reason"] == "the file is empty"


def test_killed_anywhere_and_started_again_the_parts_are_the_same_bytes(tmp_path: Path, inbox: Path) -> None:
    expected = fill(tmp_path / "whole", inbox, Echo())
    for answers in range(0, 38, 3):
        folder = tmp_path / f"killed after {answers}"
        with pytest.raises(Killed):
            fill(folder, inbox, Echo(answers))
        rest = Echo()
        assert fill(folder, inbox, rest) == expected
        assert contents(folder) == contents(tmp_path / "whole")
        assert rest.asked <= 38 - answers + module.ITEMS, "more than a part was done again"


def test_a_table_is_continued_in_its_middle(tmp_path: Path) -> None:
    table = tmp_path / "news.jsonl"
    table.write_text("".join(f'{{"text": "{number}"}}\n' for number in range(50)), encoding="utf-8")
    with pytest.raises(Killed):
        fill(tmp_path / "parts", table, Echo(41))
    rest = Echo()
    found = fill(tmp_path / "parts", table, rest)
    assert [record["text"] for record in found] == [str(number) for number in range(50)]
    assert rest.asked == 10


def test_a_killed_process_leaves_partial_files_that_do_no_harm(tmp_path: Path, inbox: Path) -> None:
    expected = fill(tmp_path / "parts", inbox, Echo())
    (tmp_path / "parts" / "0123456789abcdef-00001.jsonl.partial").write_text("{")
    newest = sorted(tmp_path.glob("parts/*.done"))[0]
    newest.unlink()
    last = sorted(tmp_path.glob(f"parts/{newest.stem}-*"))[-1]
    last.rename(last.with_name(f"{last.name}.partial"))
    assert fill(tmp_path / "parts", inbox, Echo()) == expected
    assert not list(tmp_path.glob("parts/*.partial"))


def test_what_is_done_is_not_asked_again(tmp_path: Path, inbox: Path) -> None:
    expected = fill(tmp_path / "parts", inbox, Echo())
    assert fill(tmp_path / "parts", inbox, Echo(0)) == expected


@pytest.mark.parametrize("change", ["changed", "added", "taken away", "permissions"])
def test_a_change_costs_its_own_block_only(
    tmp_path: Path, inbox: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_is_cut", lambda name: name in ("05.txt", "11.txt"))
    fill(tmp_path / "parts", inbox, Echo())
    if change == "changed":
        (inbox / "08.txt").write_text("news", encoding="utf-8")
    elif change == "added":
        (inbox / "08a.txt").write_text("news", encoding="utf-8")
    elif change == "taken away":
        (inbox / "08.txt").unlink()
    else:
        (inbox / "08.txt").chmod(0o600)
    extractor = Echo()
    found = fill(tmp_path / "parts", inbox, extractor)
    assert found == fill(tmp_path / "whole", inbox, Echo())
    assert 0 < extractor.asked <= 7
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole"), "nothing is left of before"


def test_another_model_is_asked_for_everything(tmp_path: Path, inbox: Path) -> None:
    fill(tmp_path / "parts", inbox, Echo())
    extractor = Echo()
    fill(tmp_path / "parts", inbox, extractor, fingerprint="g")
    assert extractor.asked == 38
    assert plan_blocks(list_files([inbox]), None, SETTINGS) != plan_blocks(
        list_files([inbox]), "text", SETTINGS
    )


def test_an_input_that_vanishes_is_a_failure_and_its_return_is_noticed(tmp_path: Path, inbox: Path) -> None:
    blocks = plan_blocks(list_files([inbox]), None, SETTINGS)
    path = inbox / "00.txt"
    text = path.read_bytes()
    path.unlink()
    parts = Parts(tmp_path / "parts")
    with parts.lock():
        for block in blocks:
            parts.fill(block, Echo(), lambda item: None)
    assert "00.txt" in [failure["id"] for failure in parts.failures(blocks)]
    path.write_bytes(text)
    found = fill(tmp_path / "parts", inbox, Echo())
    assert "00.txt" in [item["id"] for item in found if "text" in item]


def test_two_runs_at_once_are_refused(tmp_path: Path) -> None:
    with (
        Parts(tmp_path / "out" / "parts").lock(),
        pytest.raises(LockError, match="out: another run"),
        Parts(tmp_path / "out" / "parts").lock(),
    ):
        pytest.fail("two locks")
    with Parts(tmp_path / "out" / "parts").lock():
        pass


def test_standard_input_is_never_taken_for_what_was_there(tmp_path: Path) -> None:
    for text in ("first", "second"):
        blocks = plan_blocks([], None, SETTINGS, io.BytesIO(text.encode()))
        parts = Parts(tmp_path / "parts")
        with parts.lock():
            parts.keep(blocks)
            assert not any(map(parts.is_done, blocks))
            for block in blocks:
                parts.fill(block, Echo(), lambda item: None)
        assert [extraction.record["text"] for extraction in parts.extractions(blocks)] == [text]


@given(st.lists(st.text("abcd", min_size=1, max_size=4), unique=True, min_size=2), st.data())
def test_blocks_hold_every_file_in_order_and_settle_after_a_change(
    names: list[str], data: st.DataObject
) -> None:
    files = [(name, Path(name)) for name in sorted(names)]
    blocks = list(module._cut(files))
    assert [file for block in blocks for file in block] == files
    assert max(map(len, blocks)) <= module.BLOCK_FILES
    position = data.draw(st.integers(0, len(files) - 1))
    changed = list(module._cut(files[:position] + files[position + 1 :]))
    after = [place for place in range(position + 1, len(files)) if module._is_cut(files[place][0])]
    settled = after[0] + 1 if after else len(files)
    for block in blocks:
        if block[-1] < files[position] or files.index(block[0]) >= settled:
            assert block in changed
