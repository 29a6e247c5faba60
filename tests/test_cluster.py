"""The same run on a Ray cluster: what it refuses, what it writes, and what it survives."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pyarrow.parquet import read_table

from infer import bundle as bundles
from infer import cluster, parts, pipeline, shards
from infer import run as local
from infer.__main__ import main
from infer.config import RunSettings
from infer.engine import EngineError
from infer.extractor import DeviceError, Extractor
from infer.parts import LockError, Parts
from infer.pipeline import Worker, read_parts
from infer.reading import InputError
from infer.records import to_line
from infer.run import Options, Outcome
from infer.storage import Store
from tests.conftest import TEXTS

ROOT = Path(__file__).resolve().parent.parent
ITEMS = 4
ARTICLES, FAILURES = 49 + 70, 1 + 10


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (parts, pipeline):
        monkeypatch.setattr(module, "ITEMS", ITEMS)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """Fifty texts, one of them empty, and two tables that number their rows alike, some without a text."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    for number in range(50):
        text = f"{TEXTS[number % 3]} {number}" if number != 7 else ""
        (folder / f"{number:02}.txt").write_text(text, encoding="utf-8")
    for name in ("20.jsonl", "40.jsonl"):
        rows = [{"id": n, "text": TEXTS[n % 3] if n % 9 else "", "date": f"{n}"} for n in range(40)]
        (folder / name).write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return folder


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Readers and extractors one after another, without Ray; the parts that they made."""
    made: list[tuple[str, int]] = []

    def answer(store: Store, work: Any, model: Path, settings: RunSettings) -> Iterator[Mapping[str, Any]]:
        worker = Worker(str(model), settings, store)
        for item in reversed(work):  # a cluster keeps no order
            for row in read_parts({"work": [pickle.dumps(item)]}, ITEMS):
                answer = {name: values[0] for name, values in worker(row).items()}
                if answer["articles"]:
                    made.append((answer["block"], answer["number"]))
                yield answer

    monkeypatch.setattr(pipeline, "_answer", answer)
    monkeypatch.setattr(cluster, "_connect", dict)
    return made


def options(model: Path, inbox: Path, output: Path | str, *formats: str, **others: Any) -> Options:
    return Options([str(inbox)], model, output, formats or ("jsonl",), "cpu", **others)


def by_id(lines: list[str]) -> list[str]:
    return sorted(lines, key=lambda line: json.loads(line)["id"])


def lines_of(*paths: Path) -> list[str]:
    return [line for path in paths for line in path.read_text(encoding="utf-8").split("\n") if line]


def shard_lines(output: Path) -> list[str]:
    return lines_of(*sorted(output.glob("extractions/*.jsonl")))


def results(output: Path) -> dict[str, bytes]:
    """What a run is done for: shards and failures."""
    paths = [*output.glob("extractions/*"), output / "failures.jsonl"]
    return {path.relative_to(output).as_posix(): path.read_bytes() for path in paths}


# --- what is refused


def refuse(given: Options) -> str:
    with pytest.raises((DeviceError, EngineError, InputError)) as caught:
        cluster.run(given)
    assert not Path(given.output).exists()
    return str(caught.value)


def test_a_format_that_only_one_machine_writes_is_pointed_out(model: Path, inbox: Path) -> None:
    said = refuse(options(model, inbox, model.parent / "out", "jsonl", "html"))
    assert "writes jsonl and parquet; for html give the same command" in said


def test_standard_input_is_refused(model: Path) -> None:
    said = refuse(Options(["-"], model, model.parent / "out"))
    assert "standard input can't be read by a cluster" in said


def test_without_ray_the_extra_is_named(model: Path, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    said = refuse(options(model, inbox, model.parent / "out"))
    assert said == "engine ray: ray is missing; pip install 'vizitka[cluster]' on every machine"


def test_an_output_that_nobody_knows_is_refused(model: Path, inbox: Path) -> None:
    assert "nonsense" in refuse(options(model, inbox, "nonsense://x/y"))


@pytest.mark.parametrize(
    ("device", "engine", "gpus", "expected"),
    [
        ("auto", "torch", 0, ("cpu", "torch")),
        ("auto", "torch", 2, ("cuda", "torch")),
        ("auto", "auto", 2, ("cuda", "torch")),
        ("auto", "auto", 0, ("cpu", "onnx")),
        ("auto", "onnx", 2, ("cpu", "onnx")),
        ("cpu", "torch", 2, ("cpu", "torch")),
        ("cuda", "auto", 2, ("cuda", "torch")),
    ],
)
def test_workers_take_what_the_cluster_has(
    device: str, engine: Any, gpus: int, expected: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infer.engine.find_spec", lambda _: object())
    settings = cluster._settle(Options([], Path(), Path(), device=device, engine=engine), gpus)
    assert (settings.device, settings.engine) == expected


@pytest.mark.parametrize(("device", "engine"), [("cuda", "torch"), ("cuda:1", "torch"), ("cuda", "onnx")])
def test_what_the_cluster_has_not_is_refused(device: str, engine: Any) -> None:
    with pytest.raises(DeviceError, match="cpu"):
        cluster._settle(Options([], Path(), Path(), device=device, engine=engine), 0)


def test_an_address_is_for_clusters_only(
    model: Path, inbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(inbox), "--model", str(model), "--output", "s3://bucket/out"]) == 2
    assert "s3://bucket/out: only --engine ray writes to an address" in capsys.readouterr().err


# --- the command


@pytest.mark.parametrize(
    ("engine", "expected"), [("ray", "auto"), ("ray:torch", "torch"), ("ray:onnx", "onnx")]
)
def test_the_command_hands_over(
    engine: str,
    expected: str,
    inbox: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[Options] = []

    def note(given: Options) -> Outcome:
        asked.append(given)
        return Outcome(5, 1, ("jsonl",), ("a remark",))

    monkeypatch.setattr(cluster, "run", note)
    assert main([str(inbox), "--engine", engine, "--output", "s3://bucket/out"]) == 1
    assert (asked[0].engine, asked[0].output) == (expected, "s3://bucket/out")
    said = capsys.readouterr()
    assert said.out == "5 articles -> s3://bucket/out/extractions/*.jsonl\n"
    assert said.err == "infer: a remark\n1 input failed -> s3://bucket/out/failures.jsonl\n"


def test_ray_is_imported_for_a_cluster_only() -> None:
    script = (
        "import sys, infer.__main__, infer.run, infer.cluster; print({'ray', 'pyarrow'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


# --- what is written


@pytest.mark.parametrize("place", [str, lambda path: f"file://{path}"], ids=["path", "address"])
def test_records_and_failures_are_those_of_a_local_run(
    place: Callable[[Path], str], model: Path, inbox: Path, answered: list[Any]
) -> None:
    output, alone = model.parent / "out", model.parent / "alone"
    outcome = cluster.run(options(model, inbox, place(output)))
    assert outcome == Outcome(ARTICLES, FAILURES, ("jsonl",), ())
    assert local.run(options(model, inbox, alone)) == outcome
    assert shard_lines(output) == lines_of(alone / "extractions.jsonl")
    assert (output / "failures.jsonl").read_bytes() == (alone / "failures.jsonl").read_bytes()
    for path in (alone / "parts").iterdir():
        assert path.name == "lock" or path.read_bytes() == (output / "parts" / path.name).read_bytes()


def test_parquet_holds_the_same_records(
    model: Path, inbox: Path, answered: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "SHARD", 20_000)
    broken = '{"id": "half", "text": "\\ud83e Мэр 🤝", "note": "\\ud83e"}'
    (inbox / "30.jsonl").write_text(broken, encoding="utf-8")
    output = model.parent / "out"
    assert cluster.run(options(model, inbox, output, "jsonl", "parquet")).written == ("jsonl", "parquet")
    paths = sorted(output.glob("extractions/*.parquet"))
    assert [path.stem for path in paths] == [path.stem for path in sorted(output.glob("extractions/*.jsonl"))]
    assert len(paths) > 3
    rows = [row for path in paths for row in read_table(path).to_pylist()]
    for row, line in zip(rows, shard_lines(output), strict=True):
        for span in row["spans"]:
            assert span.pop("uncertain") is False
        whole = line.replace("\\ud83e\\udd1d", "🤝").replace("\\ud83e", "\\ufffd")
        assert to_line(row | {"meta": json.loads(row["meta"])}) == to_line(json.loads(whole))


def test_no_records_are_an_empty_shard(model: Path, tmp_path: Path, answered: list[Any]) -> None:
    (tmp_path / "empty.txt").write_bytes(b"")
    output = tmp_path / "out"
    outcome = cluster.run(options(model, tmp_path / "empty.txt", output, "jsonl", "parquet"))
    assert (outcome.articles, outcome.failures) == (0, 1)
    assert (output / "extractions/00001.jsonl").read_bytes() == b""
    assert read_table(output / "extractions/00001.parquet").num_rows == 0


def test_aliases_are_applied(model: Path, inbox: Path, answered: list[Any]) -> None:
    output = model.parent / "out"
    cluster.run(options(model, inbox, output))
    form = next(span["text"] for line in shard_lines(output) for span in json.loads(line)["spans"])
    (model.parent / "aliases.csv").write_text(f'"{form}",Моё имя\n', encoding="utf-8")
    answered.clear()
    cluster.run(options(model, inbox, output, aliases=model.parent / "aliases.csv"))
    assert not answered
    assert "Моё имя" in "".join(shard_lines(output))


# --- runs that go on


def test_a_second_run_finds_everything_there(model: Path, inbox: Path, answered: list[Any]) -> None:
    output = model.parent / "out"
    first = cluster.run(options(model, inbox, output))
    before = results(output)
    answered.clear()
    assert cluster.run(options(model, inbox, output)) == Outcome(first.articles, first.failures, (), ())
    assert cluster.run(options(model, inbox, output, "parquet")).written == ("parquet",)
    assert not answered
    assert results(output).items() > before.items()
    cluster.run(options(model, inbox, output, force=True))
    assert answered
    assert results(output).items() > before.items()


def test_a_change_costs_its_block_and_older_formats_are_pointed_out(
    model: Path, inbox: Path, answered: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    output = model.parent / "out"
    monkeypatch.setattr(parts, "BLOCK_FILES", 10)
    monkeypatch.setattr(shards, "SHARD", 10_000)
    cluster.run(options(model, inbox, output, "jsonl", "parquet"))
    whole = len(answered)
    answered.clear()
    for number in range(40, 50):
        (inbox / f"{number}.txt").unlink()
    (inbox / "00.txt").write_text("Новость.", encoding="utf-8")
    outcome = cluster.run(options(model, inbox, output))
    assert outcome.remarks == (
        "extractions/*.parquet are from an earlier run; add --format parquet to renew them",
    )
    assert 0 < len(answered) < whole / 2
    lines = shard_lines(output)
    assert len(lines) == outcome.articles == ARTICLES - 10
    assert json.loads(lines[0])["text"] == "Новость."


def test_a_run_that_broke_off_goes_on(
    model: Path, inbox: Path, answered: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    output, whole = model.parent / "out", model.parent / "whole"
    monkeypatch.setattr(parts, "BLOCK_FILES", 10)
    cluster.run(options(model, inbox, whole))
    made = sorted(answered)
    answered.clear()
    call = Worker.__call__

    def fail(self: Worker, row: Any) -> Any:
        if len(answered) == 12:
            raise KeyboardInterrupt
        return call(self, row)

    with monkeypatch.context() as broken:
        broken.setattr(Worker, "__call__", fail)
        with pytest.raises(KeyboardInterrupt):
            cluster.run(options(model, inbox, output))
    assert not (output / "extractions").exists()
    (output / "parts" / "0-00001.jsonl").write_bytes(b"of another run")
    (output / "parts" / f"{made[0][0]}-00001.jsonl.12.partial").write_bytes(b"half")
    (output / "parts" / f"{answered[0][0]}-00001.jsonl").unlink()  # a hole, as a cluster may leave one
    (output / "parts" / f"{answered[0][0]}.done").unlink()
    (again,) = {(answered[0][0], 1)}
    cluster.run(options(model, inbox, output))
    assert sorted(answered) == sorted([*made, again])
    assert results(output) == results(whole)
    there = [path.name for path in (output / "parts").iterdir()]
    assert sorted(there) == sorted(path.name for path in (whole / "parts").iterdir())


def test_one_machine_writes_other_formats_without_the_model(
    model: Path, inbox: Path, answered: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    output = model.parent / "out"
    cluster.run(options(model, inbox, output))
    before = shard_lines(output)

    def refuse_to(*_: object) -> None:
        raise AssertionError("nothing is to be extracted again")

    monkeypatch.setattr(Extractor, "extract_many", refuse_to)
    assert local.run(options(model, inbox, output, "jsonl", "csv")).articles == ARTICLES
    assert lines_of(output / "extractions.jsonl") == before


def test_what_keeps_a_worker_from_working_is_said(
    model: Path, inbox: Path, answered: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    writing = Store.writing

    def fail_for_parts(self: Store, name: str) -> Any:
        if name.endswith(".jsonl"):
            raise OSError(28, "No space left on device")
        return writing(self, name)

    output = model.parent / "out"
    with monkeypatch.context() as broken:
        broken.setattr(Extractor, "load", lambda *_: bundles.load(Path("/nowhere")))
        with pytest.raises(
            EngineError, match=r"^a worker on .* can't load the model \(/nowhere: no model folder"
        ):
            cluster.run(options(model, inbox, output))
    with monkeypatch.context() as broken:
        broken.setattr(Store, "writing", fail_for_parts)
        with pytest.raises(
            EngineError, match=r"can't write .*out \(No space left on device\); what is done is kept"
        ):
            cluster.run(options(model, inbox, output))
    assert cluster.run(options(model, inbox, output)).articles == ARTICLES


def test_two_runs_at_once_are_refused(model: Path, inbox: Path, answered: list[Any]) -> None:
    output = model.parent / "out"
    with Parts(output / "parts").lock(), pytest.raises(LockError, match="another run"):
        cluster.run(options(model, inbox, output))


# --- a real cluster


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, Any]]:
    """A cluster of three machines on loopback, two of which work; with the one that will be killed."""
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # or a token would be left in the home folder
    memory = 80 * 2**20
    health = {"health_check_period_ms": 1000, "health_check_timeout_ms": 3000}
    head = {
        "num_cpus": 0,
        "object_store_memory": memory,
        "include_dashboard": False,
        "_system_config": health,
    }
    made = Cluster(initialize_head=True, head_node_args=head)
    workers = [made.add_node(num_cpus=1, object_store_memory=memory, wait=False) for _ in range(2)]
    made.wait_for_nodes()
    monkeypatch.setenv("RAY_ADDRESS", made.address)
    yield made, workers[1]
    ray.shutdown()
    made.shutdown()


@pytest.mark.slow
def test_a_machine_that_dies_costs_nothing(
    nodes: tuple[Any, Any],
    model: Path,
    inbox: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    notes = model.parent / "notes"
    notes.mkdir()

    class Noting(Worker):
        """Says where it works; begins when both machines can, or else one might be done before the other."""

        def __call__(self, row: Any) -> Any:
            import ray

            (notes / ray.get_runtime_context().get_node_id()).mkdir(exist_ok=True)
            for _ in range(600):
                if len(list(notes.iterdir())) == 2:
                    break
                time.sleep(0.1)
            time.sleep(0.2)
            answer = super().__call__(row)
            place = notes / ray.get_runtime_context().get_node_id()
            (place / f"{row['block'][0]}-{row['number'][0]}").touch()
            return answer

    monkeypatch.setattr(pipeline, "Worker", Noting)
    made, victim = nodes
    killed: list[int] = []

    def kill() -> None:
        while not list(notes.glob(f"{victim.node_id}/*")):
            time.sleep(0.05)
        killed.append(len(list(notes.glob("*/*"))))
        made.remove_node(victim, allow_graceful=False)

    killer = threading.Thread(target=kill, daemon=True)
    output, alone = model.parent / "out", model.parent / "alone"
    monkeypatch.chdir(model.parent)  # relative paths are this process's
    monkeypatch.setattr(parts, "BLOCK_FILES", 10)
    arguments = [inbox.name, "--model", model.name, "--format", "jsonl"]
    # ONNX Runtime starts sooner than torch; one export serves all machines.
    assert main([*arguments, "--output", alone.name, "--engine", "onnx"]) == 1
    killer.start()
    assert main([*arguments, "--output", output.name, "--engine", "ray:onnx"]) == 1
    killer.join(timeout=10)
    whole = len(list((output / "parts").glob("*.jsonl")))
    assert killed
    assert killed[0] < whole / 2, "it was in the middle"
    assert len(shard_lines(output)) == ARTICLES
    assert by_id(shard_lines(output)) == by_id(lines_of(alone / "extractions.jsonl"))
    assert (output / "failures.jsonl").read_bytes() == (alone / "failures.jsonl").read_bytes()
