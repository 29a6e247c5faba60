"""Runs that are stopped, repeated or asked for something else."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from infer import bundle as bundles
from infer import run as module
from infer.bundle import Bundle
from infer.extractor import Extractor
from infer.reading import InputError
from infer.run import Options, Outcome, run
from tests.conftest import TEXTS

ROOT = Path(__file__).resolve().parent.parent
FORMATS = ("jsonl", "csv", "xlsx", "parquet", "labelstudio")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """Seven articles and an empty file."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    for number in range(7):
        (folder / f"{number}.txt").write_text(f"{TEXTS[number % 3]} {number}", encoding="utf-8")
    (folder / "7.txt").write_bytes(b"")
    return folder


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the documents that the model was asked about."""
    ids: list[str] = []
    extract_many = Extractor.extract_many

    def note(self: Extractor, documents: Any) -> Any:
        for document in extract_many(self, documents):
            ids.append(document.id)
            yield document

    monkeypatch.setattr(Extractor, "extract_many", note)
    return ids


def go(model: Path, inbox: Path, *formats: str, **options: Any) -> Outcome:
    output = model.parent / "out"
    return run(Options([str(inbox)], model, output, formats or ("jsonl",), device="cpu", **options))


def first_record(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(
        (folder / "extractions.jsonl").read_text(encoding="utf-8").split("\n")[0]
    )
    return record


def outputs(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_second_run_finds_everything_there(model: Path, inbox: Path, asked: list[str]) -> None:
    first = go(model, inbox, *FORMATS)
    assert first == Outcome(7, 1, FORMATS, ())
    before = outputs(model.parent / "out")
    asked.clear()
    assert go(model, inbox, *FORMATS) == Outcome(7, 1, (), ())
    assert outputs(model.parent / "out") == before
    assert not asked


def test_a_format_that_is_missing_is_written_without_the_model(
    model: Path, inbox: Path, asked: list[str]
) -> None:
    go(model, inbox)
    asked.clear()
    assert go(model, inbox, "jsonl", "csv").written == ("csv",)
    (model.parent / "out" / "mentions.csv").unlink()
    assert go(model, inbox, "jsonl", "csv").written == ("csv",)
    assert not asked


def test_without_parts_what_is_written_still_counts(model: Path, inbox: Path, asked: list[str]) -> None:
    go(model, inbox)
    shutil.rmtree(model.parent / "out" / "parts")
    asked.clear()
    assert go(model, inbox).written == ()
    assert not asked
    assert go(model, inbox, "csv").written == ("csv",)
    assert len(asked) == 7


def test_changed_inputs_are_done_again(model: Path, inbox: Path) -> None:
    go(model, inbox)
    (inbox / "0.txt").write_text("Новость.", encoding="utf-8")
    (inbox / "7.txt").write_text("Уже не пуста.", encoding="utf-8")
    assert go(model, inbox) == Outcome(8, 0, ("jsonl",), ())
    assert first_record(model.parent / "out")["text"] == "Новость."
    assert not (model.parent / "out" / "failures.jsonl").exists()


def test_another_model_does_everything_again(
    model: Path, inbox: Path, bundle: Bundle, asked: list[str]
) -> None:
    go(model, inbox)
    before = outputs(model.parent / "out")["extractions.jsonl"]
    torch.nn.init.normal_(bundle.model.span_head.weight, std=0.9)
    bundles.save(bundle, model)
    asked.clear()
    assert go(model, inbox).written == ("jsonl",)
    assert len(asked) == 7
    assert outputs(model.parent / "out")["extractions.jsonl"] != before


def test_a_copy_of_a_model_is_the_same_model(model: Path, inbox: Path, asked: list[str]) -> None:
    go(model, inbox)
    shutil.copytree(model, model.parent / "copy")
    asked.clear()
    options = Options([str(inbox)], model.parent / "copy", model.parent / "out", device="cpu")
    assert run(options).written == ()
    assert not asked


def test_force_starts_over(model: Path, inbox: Path, asked: list[str]) -> None:
    go(model, inbox, "jsonl", "csv")
    before = outputs(model.parent / "out")
    asked.clear()
    assert go(model, inbox, "jsonl", "csv", force=True).written == ("jsonl", "csv")
    assert len(asked) == 7
    assert outputs(model.parent / "out") == before


def test_force_that_is_stopped_goes_on_without_it(
    model: Path, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    go(model, inbox, "jsonl", "csv")
    with monkeypatch.context() as broken:
        broken.setattr(Extractor, "extract_many", stop)
        with pytest.raises(KeyboardInterrupt):
            go(model, inbox, "jsonl", "csv", force=True)
    assert go(model, inbox, "jsonl", "csv").written == ("jsonl", "csv")


def test_aliases_rename_without_the_model(model: Path, inbox: Path, tmp_path: Path, asked: list[str]) -> None:
    go(model, inbox, "jsonl", "csv")
    record = first_record(model.parent / "out")
    form = record["spans"][0]["text"]
    (tmp_path / "aliases.csv").write_text(f'"{form}",Моё имя\n', encoding="utf-8")
    asked.clear()
    outcome = go(model, inbox, "jsonl", "csv", aliases=tmp_path / "aliases.csv")
    assert outcome.written == ("jsonl", "csv")
    assert not asked
    renamed = first_record(model.parent / "out")
    assert renamed["spans"][0]["normal"] == "Моё имя"
    assert {**renamed, "spans": []} == {**record, "spans": []}
    assert "Моё имя" in (model.parent / "out" / "entities.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"one,two,three\n", None])
def test_aliases_that_can_not_be_read_are_named(
    model: Path, inbox: Path, tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "aliases.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"aliases\.csv"):
        go(model, inbox, aliases=tmp_path / "aliases.csv")
    assert not (model.parent / "out").exists()


def test_a_format_of_an_earlier_run_is_pointed_out(model: Path, inbox: Path) -> None:
    go(model, inbox, "jsonl", "csv")
    (inbox / "0.txt").write_text("Новость.", encoding="utf-8")
    (remark,) = go(model, inbox, "jsonl").remarks
    assert remark == "extractions.csv is from an earlier run; add --format csv to renew it"
    assert go(model, inbox, "jsonl", "csv").remarks == ()


def test_a_file_of_before_is_pointed_out_after_force_too(model: Path, inbox: Path) -> None:
    go(model, inbox, "jsonl", "csv")
    (inbox / "0.txt").write_text("Новость.", encoding="utf-8")
    (remark,) = go(model, inbox, "jsonl", force=True).remarks
    assert remark.startswith("extractions.csv is from an earlier run")


def test_results_inside_the_input_folder_are_no_input(model: Path, inbox: Path) -> None:
    for place in (inbox, inbox / "results"):
        options = Options([str(inbox)], model, place, (*FORMATS, "html"), device="cpu")
        assert run(options) == Outcome(7, 1, options.formats, ())
        assert run(options) == Outcome(7, 1, (), ())
        manifest = json.loads((place / "manifest.json").read_text(encoding="utf-8"))
        assert list(manifest["inputs"]) == [f"{number}.txt" for number in range(8)]
        shutil.rmtree(place / "parts")
        for name in outputs(place).keys() - manifest["inputs"].keys():
            (place / name).unlink()


def test_what_was_mistyped_is_said_before_the_model_is_loaded(inbox: Path, tmp_path: Path) -> None:
    nothing = tmp_path / "no model"
    with pytest.raises(InputError, match="no such file or folder"):
        run(Options([str(tmp_path / "nowhere")], nothing, tmp_path / "out"))
    with pytest.raises(InputError, match=r"aliases\.csv"):
        run(Options([str(inbox)], nothing, tmp_path / "out", aliases=tmp_path / "aliases.csv"))


def test_tables_that_number_their_rows_alike_give_different_ids(model: Path, inbox: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (inbox / name).write_text(f"id,text\n1,{TEXTS[0]}\n2,{TEXTS[1]}\n", encoding="utf-8")
    run(Options([str(inbox / "a.csv"), str(inbox / "b.csv")], model, model.parent / "out", ("jsonl", "csv")))
    lines = (model.parent / "out" / "extractions.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["1", "2", "1#2", "2#2"]
    mentions = (model.parent / "out" / "mentions.csv").read_text(encoding="utf-8-sig").splitlines()[1:]
    assert {line.split(";")[0] for line in mentions} == {"1", "2", "1#2", "2#2"}


def test_a_damaged_manifest_is_no_manifest(model: Path, inbox: Path, asked: list[str]) -> None:
    go(model, inbox)
    before = outputs(model.parent / "out")
    asked.clear()
    for damage in ("{", "[]", '{"format": 0}', ""):
        (model.parent / "out" / "manifest.json").write_text(damage, encoding="utf-8")
        assert go(model, inbox).written == ("jsonl",)
        assert outputs(model.parent / "out") == before
    assert not asked, "the parts are there"


def test_the_manifest_says_what_was_done(model: Path, inbox: Path) -> None:
    go(model, inbox, "jsonl", "csv", text_column="t")
    manifest = json.loads((model.parent / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert list(manifest["inputs"]) == [f"{number}.txt" for number in range(8)]
    assert manifest["inputs"]["7.txt"].startswith("0 bytes, 20")
    assert manifest["model"]["fingerprint"] == module.fingerprint_of(model)
    assert manifest["options"] == {"text_column": "t", "aliases": None}
    assert (manifest["articles"], manifest["failures"]) == (7, 1)
    assert set(manifest["written"]) == {"jsonl", "csv"}


@pytest.mark.slow
def test_killed_at_random_moments_a_run_ends_with_the_bytes_of_an_unbroken_one(
    model: Path, tmp_path: Path
) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    for number in range(40):
        (inbox / f"{number:02}.txt").write_text(f"{TEXTS[number % 3]} {number}", encoding="utf-8")
    rows = (json.dumps({"text": f"{TEXTS[n % 3]} {n}"} if n % 9 else {}) for n in range(120))
    (inbox / "20.jsonl").write_text("\n".join(rows), encoding="utf-8")
    # Slowed down, or else it would be over before it can be killed.
    script = (
        "import sys, time\n"
        "from infer import parts\n"
        "from infer.__main__ import main\n"
        "parts.ITEMS = 4\n"
        "write_part = parts._write_part\n"
        "def slowly(*given):\n"
        "    time.sleep(0.05)\n"
        "    write_part(*given)\n"
        "parts._write_part = slowly\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )

    def start(output: Path) -> subprocess.Popen[str]:
        options = [str(inbox), "--model", str(model), "--output", str(output), "--engine", "torch"]
        command = [sys.executable, "-c", script, *options, "--format", *FORMATS]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    whole = start(tmp_path / "whole")
    whole.communicate(timeout=300)
    assert whole.returncode == 1, "the rows without a text failed"
    broken, kills = tmp_path / "broken", 0
    random.seed(0)
    while True:
        process = start(broken)
        wanted = len(list(broken.glob("parts/*.jsonl"))) + random.randint(5, 20)
        while process.poll() is None and len(list(broken.glob("parts/*.jsonl"))) < wanted:
            time.sleep(0.01)
        if process.poll() is None:
            time.sleep(random.random() * 0.1)
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.communicate(timeout=300)
        if process.returncode != -signal.SIGKILL:
            assert process.returncode == 1
            break
    assert kills >= 2
    assert outputs(broken) == outputs(tmp_path / "whole")
    assert {path.name for path in broken.glob("parts/*")} == {
        path.name for path in (tmp_path / "whole").glob("parts/*")
    }
