"""`python -m infer`, run in process with a saved tiny model."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from infer.__main__ import main
from infer.extractor import Extractor
from infer.parts import Parts

ROOT = Path(__file__).resolve().parent.parent
ARTICLES = {
    "1.txt": "Губернатор Алексей Островский встретился с делегацией провинции Хэйлунцзян.",
    "sub/2.txt": "🤝 Компания «Фуяо»\r\nподписала меморандум. " * 20,
    "sub/3.txt": "\u200b\n",
}


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """For a model this small a second thread costs more than it brings."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    for name, text in ARTICLES.items():
        path = tmp_path / "inbox" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return tmp_path / "inbox"


def run(model: Path, *arguments: Path | str, device: str = "cpu") -> tuple[int, Path]:
    """The exit code and the folder of results."""
    output = model.parent / "results"
    options = ["--model", str(model), "--output", str(output), "--device", device, "--engine", "torch"]
    return main([*options, *map(str, arguments)]), output


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]


def test_every_article_of_a_folder_gets_a_record(
    model: Path, inbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, output = run(model, inbox)
    records = lines(output / "extractions.jsonl")
    assert code == 0
    assert {record["id"]: record["text"] for record in records} == ARTICLES
    assert [record["id"] for record in records] == sorted(ARTICLES)
    assert sorted(path.name for path in output.iterdir()) == ["extractions.jsonl", "manifest.json", "parts"]
    assert f"3 articles -> {output / 'extractions.jsonl'}" in capsys.readouterr().out


def test_records_say_what_the_extractor_says(model: Path, inbox: Path) -> None:
    _, output = run(model, inbox)
    extractor = Extractor.load(model)
    for record in lines(output / "extractions.jsonl"):
        expected = extractor.extract(record["text"])
        spans = [(span["start"], span["end"], span["label"]) for span in record["spans"]]
        assert spans == [(span.start, span.end, span.label) for span in expected.spans]
        assert record["events"] == list(expected.events)
        assert record["event_scores"] == pytest.approx(expected.event_scores, abs=1e-3)
        assert all(record["text"][s["start"] : s["end"]] == s["text"] for s in record["spans"])
    assert spans == [], "the last is invisible"
    assert len(lines(output / "extractions.jsonl")[1]["spans"]) > 5


def test_a_second_run_gives_the_same_bytes(
    model: Path, inbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, output = run(model, inbox)
    first = (output / "extractions.jsonl").read_bytes()
    assert "already" not in capsys.readouterr().out
    assert run(model, inbox)[0] == 0
    assert (output / "extractions.jsonl").read_bytes() == first
    assert "everything is there already; --force does it again" in capsys.readouterr().out
    run(model, inbox, "--force")
    assert "already" not in capsys.readouterr().out
    assert (output / "extractions.jsonl").read_bytes() == first


def test_several_formats_come_out_of_one_run(
    model: Path, inbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, output = run(model, inbox, "--format", "csv", "xlsx", "--format", "parquet")
    assert code == 0
    said = capsys.readouterr().out
    for format in ("csv", "parquet"):
        others = ", ".join(f"{name}.{format}" for name in ("mentions", "entities", "summary"))
        assert f"3 articles -> {output / f'extractions.{format}'}, {others}\n" in said
    assert f"3 articles -> {output / 'extractions.xlsx'}\n" in said
    for name in ("summary.csv", "extractions.xlsx", "summary.parquet"):
        assert (output / name).stat().st_size
    assert not (output / "extractions.jsonl").exists()


def test_the_file_that_label_studio_imports_is_named(
    model: Path, inbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, output = run(model, inbox / "1.txt", "--format", "labelstudio")
    assert f"1 article -> {output / 'extractions.labelstudio.json'}, " in capsys.readouterr().out


def test_files_folders_and_lines_can_be_mixed(model: Path, inbox: Path, tmp_path: Path) -> None:
    lines_file = tmp_path / "more.jsonl"
    lines_file.write_text('{"id": "x", "text": "Да"}\n{"text": "Калуга"}\n', encoding="utf-8")
    code, output = run(model, lines_file, inbox / "sub", inbox / "1.txt")
    assert code == 0
    ids = [record["id"] for record in lines(output / "extractions.jsonl")]
    assert ids == ["x", "more.jsonl#2", "2.txt", "3.txt", "1.txt"]


def test_inputs_that_fail_are_listed_and_the_others_done(
    model: Path, inbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (inbox / "0.txt").write_bytes(b"")
    (inbox / "sub/9.jsonl").write_text('{"text": "Да"}\n{"text"\n', encoding="utf-8")
    code, output = run(model, inbox)
    assert code == 1
    assert len(lines(output / "extractions.jsonl")) == 4
    failures = lines(output / "failures.jsonl")
    assert [failure["id"] for failure in failures] == ["0.txt", "sub/9.jsonl#2"]
    assert all(failure["reason"] and failure["hint"] for failure in failures)
    assert "2 inputs failed" in capsys.readouterr().err


def test_failures_of_the_run_before_do_not_stay(model: Path, inbox: Path) -> None:
    (inbox / "0.txt").write_bytes(b"")
    assert run(model, inbox)[0] == 1
    (inbox / "0.txt").unlink()
    code, output = run(model, inbox)
    assert code == 0
    assert not (output / "failures.jsonl").exists()


def test_only_failures_is_a_result_too(model: Path, inbox: Path) -> None:
    (inbox / "0.txt").write_bytes(b"")
    code, output = run(model, inbox / "0.txt")
    assert code == 1
    assert lines(output / "extractions.jsonl") == []
    assert len(lines(output / "failures.jsonl")) == 1


# --- what can't start


def test_a_missing_model_says_how_to_get_one(
    inbox: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, output = run(tmp_path / "nowhere", inbox)
    assert code == 2
    assert not output.exists()
    assert "nowhere: no model folder" in capsys.readouterr().err


def test_a_missing_input_and_an_empty_folder_are_named(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    for name, says in (("nowhere", "no such file or folder"), ("empty", "no articles there")):
        assert run(model, tmp_path / name)[0] == 2
        assert f"{name}: {says}" in capsys.readouterr().err
    assert not (tmp_path / "results").exists()


def test_a_device_that_does_not_exist_is_named(
    model: Path, inbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(model, inbox, device="abacus")[0] == 2
    assert "abacus" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_asked_for_where_there_is_none_is_a_message(model: Path, inbox: Path) -> None:
    assert run(model, inbox, device="cuda")[0] == 2


@pytest.mark.parametrize(
    "arguments",
    [[], ["--model", "x"], ["a.txt", "--colour", "red"], ["a.txt", "--format"], ["a.txt", "--format", "doc"]],
)
def test_wrong_options_are_exit_code_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_a_folder_that_can_not_be_written_is_a_message(
    model: Path, inbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (model.parent / "results").write_text("a file", encoding="utf-8")
    assert run(model, inbox)[0] == 2
    assert "infer: can't write" in capsys.readouterr().err


def test_a_full_disk_is_a_message_and_the_run_goes_on_afterwards(model: Path, inbox: Path) -> None:
    (inbox / "4.txt").write_text(ARTICLES["1.txt"] * 500, encoding="utf-8")
    output = model.parent / "results"
    script = (
        "import resource, sys\n"
        "from infer.__main__ import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    options = [str(inbox), "--model", str(model), "--output", str(output), "--engine", "torch"]
    command = [sys.executable, "-c", script, *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 2, done.stderr
    assert "infer: can't write" in done.stderr
    assert "the same command goes on" in done.stderr
    assert "Traceback" not in done.stderr
    assert run(model, inbox)[0] == 0
    assert len(lines(output / "extractions.jsonl")) == 4


def test_a_folder_that_another_run_writes_to_is_a_message(
    model: Path, inbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Parts(model.parent / "results" / "parts").lock():
        assert run(model, inbox)[0] == 2
    assert "another run is writing there" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "the same command goes on"),
        (("--force",), "the same command without --force goes on"),
        (("-",), "start again"),
    ],
)
def test_ctrl_c_ends_with_a_sentence(
    model: Path,
    inbox: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    says: str,
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("infer.run.run", stop)
    assert run(model, inbox, *options)[0] == 130
    assert f"infer: stopped; {says}" in capsys.readouterr().err


# --- inputs that nobody should have to fear


@pytest.mark.parametrize(
    "raw",
    [
        b"a",
        b"\x00\x00",
        "\u200b\u2060\ufeff".encode(),
        ("aGVsbG8" * 3000).encode(),
        "и\u0306👨‍👩‍👧".encode() * 50,
        b"[SEP] [MASK] [PAD]",
    ],
    ids=["letter", "nulls", "invisible", "base64", "combining", "special tokens"],
)
def test_odd_articles_get_records(model: Path, inbox: Path, raw: bytes) -> None:
    (inbox / "0.txt").write_bytes(raw)
    code, output = run(model, inbox)
    assert code == 0
    assert lines(output / "extractions.jsonl")[0]["text"] == raw.decode()


def test_one_broken_line_does_not_cost_the_others(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "news.jsonl"
    path.write_text('{"text": "\\ud800"}\n{"text": "Да"}\n', encoding="utf-8")
    code, output = run(model, path)
    assert code in (0, 1)
    assert lines(output / "extractions.jsonl")[-1]["text"] == "Да"


def test_help_does_not_wait_for_torch() -> None:
    script = (
        "import runpy, sys\n"
        "sys.argv = ['infer', '--help']\n"
        "try:\n"
        "    runpy.run_module('infer', run_name='__main__')\n"
        "except SystemExit as end:\n"
        "    assert not end.code\n"
        "slow = {'torch', 'transformers', 'numpy', 'pydantic', 'tokenizers', 'openpyxl', 'pyarrow'}\n"
        "slow &= set(sys.modules)\n"
        "assert not slow, slow\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "INPUT" in done.stdout
    assert "--model" in done.stdout
