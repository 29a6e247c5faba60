"""The audit command: exit codes, what it prints, and known exceptions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infer.document import Document, Span
from infer.labelstudio import to_task
from infer.schema import Schema
from train.audit import Finding
from train.check import Known, KnownError, count, diversity, finding_lines, main, parse_known, settle
from train.markup import parse

ROOT = Path(__file__).resolve().parent.parent
HEADER = "kind\tarticle\tstring\treason\n"
CLEAN = "Мэр [[OFFICIAL|Иван Шапша]] встретился с делегацией [[PARTNER|Киргизии]]."
MISSED = "Мэр [[OFFICIAL|Иван Шапша]] приехал. С Иваном Шапшой говорили."


@pytest.fixture
def export(tmp_path: Path, schema: Schema) -> Callable[..., Path]:
    def write(file: str, *marked: str, **changes: Any) -> Path:
        tasks = []
        for number, article in enumerate(marked, 1):
            text, spans = parse(article)
            meta = {"source": "wire", "region": "Тульская область", "year": 2014}
            name = f"{file}-{number}"
            tasks.append({**to_task(Document(name, text, spans, ("visit",), meta=meta), schema), **changes})
        path = tmp_path / f"{file}.json"
        path.write_text(json.dumps(tasks, ensure_ascii=False), encoding="utf-8")
        return path

    return write


def run(*arguments: object) -> int:
    return main([*map(str, arguments), "--labeling-config", str(ROOT / "annotations/labeling_config.xml")])


def test_clean(export: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(export("train", CLEAN)) == 0
    printed = capsys.readouterr().out
    assert "train.json: 1 articles, 7 words" in printed
    assert "spans: PARTNER 1, OFFICIAL 1, SECTOR 0" in printed
    assert "events: visit 1, agreement 0, exhibition 0, none 0" in printed
    assert "2010s 1" in printed
    assert "No findings" in printed
    assert "agreement on" not in printed


def test_findings(export: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(export("train", MISSED), "--json", tmp_path / "out.json") == 1
    printed = capsys.readouterr().out
    assert "[missed]: 1" in printed
    assert "train-1  Иваном Шапшой" in printed
    written = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert [one["string"] for one in written["findings"]] == ["Иваном Шапшой"]
    (report,) = written["files"].values()
    assert report["counts"]["spans"] == {"PARTNER": 0, "OFFICIAL": 1, "SECTOR": 0}
    assert report["agreement"] is None


def test_could_not_start(
    export: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = export("train", CLEAN)
    assert run(tmp_path / "none.json") == 2
    (tmp_path / "cut.json").write_text("[{", encoding="utf-8")
    assert run(tmp_path / "cut.json") == 2
    assert main([str(good), "--labeling-config", str(tmp_path / "none.xml")]) == 2
    (tmp_path / "known.tsv").write_text("что-то\n", encoding="utf-8")
    assert run(good) == 2
    (tmp_path / "known.tsv").write_bytes(b"\xff\xfe\xfa")
    assert run(good) == 2
    (tmp_path / "known.tsv").unlink()
    assert run(good, "--json", tmp_path / "no" / "out.json") == 2
    assert all(line.startswith("check: ") for line in capsys.readouterr().err.splitlines())


def test_a_known_finding_does_not_count(
    export: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = export("train", MISSED)
    known = tmp_path / "known.tsv"
    known.write_text(f"{HEADER}missed\ttrain-1\tИван Шапша\tего брат\n", encoding="utf-8")
    assert run(path) == 0
    assert "No findings, 1 known" in capsys.readouterr().out
    known.write_text(
        f"{HEADER}missed\t*\tПётр Орлов\tего брат\nmissed\t*\tИван Шапша\tбрат\n", encoding="utf-8"
    )
    assert run(path) == 1
    printed = capsys.readouterr().out
    assert "[stale]: 1" in printed
    assert "Пётр Орлов" in printed


def test_an_exception_is_judged_only_with_its_files() -> None:
    files = {"a": [Document("a-1", "текст")]}
    entries = [
        Known("missed", "a-1", "Шапша", "брат"),
        Known("missed", "b-1", "Шапша", "брат"),
        Known("shared-partner", "*", "Zoomlion", "известная компания"),
    ]
    assert [(one.article, one.string) for one in settle([], entries, files)] == [("a-1", "Шапша")]
    both = {**files, "b": [Document("b-1", "текст")]}
    assert len(settle([], entries, both)) == 3


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kind,article,string,reason\n",
        HEADER + "missed\ta-1\tШапша\n",
        HEADER + "guess\ta-1\tШапша\tбрат\n",
    ],
)
def test_a_bad_list_of_exceptions(text: str) -> None:
    with pytest.raises(KnownError, match=r"known\.tsv"):
        parse_known(text, "known.tsv")


def test_a_list_of_exceptions_may_have_empty_lines() -> None:
    assert parse_known(HEADER + "\nedge\ta-1\tYahoo!\tимя\n", "known.tsv") == [
        Known("edge", "a-1", "Yahoo!", "имя")
    ]


def test_problems_of_reading_are_findings(
    export: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = export("train", CLEAN, CLEAN.replace("Киргизии", "Монголии"))
    tasks = json.loads(path.read_text(encoding="utf-8"))
    tasks[1]["annotations"] = []
    path.write_text(json.dumps(tasks), encoding="utf-8")
    assert run(path) == 1
    assert "train-2  has no finished annotation" in capsys.readouterr().out


def test_two_tasks_with_one_id_are_a_finding(
    export: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = export("train", CLEAN, CLEAN.replace("Киргизии", "Монголии"))
    tasks = json.loads(path.read_text(encoding="utf-8"))
    tasks[1]["data"]["id"] = tasks[0]["data"]["id"]
    path.write_text(json.dumps(tasks), encoding="utf-8")
    assert run(path) == 1
    printed = capsys.readouterr().out
    assert "train.json: 1 articles" in printed
    assert "train-1  a task with this id stands earlier in the file" in printed


def test_agreement_is_printed(export: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    path = export("train", CLEAN)
    tasks = json.loads(path.read_text(encoding="utf-8"))
    (first,) = tasks[0]["annotations"]
    tasks[0]["annotations"] = [
        {**first, "completed_by": {"email": "boris@example.org"}, "result": first["result"][:1]},
        {**first, "completed_by": {"email": "anna@example.org"}},
    ]
    path.write_text(json.dumps(tasks), encoding="utf-8")
    assert run(path) == 0
    printed = capsys.readouterr().out
    assert "anna@example.org and boris@example.org, 1 articles" in printed
    assert "strict span F1: micro 0.667, PARTNER 0.000, OFFICIAL 1.000, SECTOR -" in printed
    assert "Krippendorff's alpha: visit 0.000, agreement -, exhibition -" in printed


def test_names_shared_by_two_files(export: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    other = "Губернатор [[OFFICIAL|Иван Шапша]] приехал вчера утром."
    files = export("train", CLEAN), export("heldout", other)
    assert run(*files) == 0, "the same people are in the news again and again"
    printed = capsys.readouterr().out
    assert "1 names of officials and partners stand in several files; --shared lists them" in printed
    assert "No findings, 0 known exceptions" in printed
    assert run(*files, "--shared") == 1
    assert "[shared-official]: 1" in capsys.readouterr().out


def test_at_most_twenty_of_a_kind_are_printed() -> None:
    findings = [Finding("missed", "f", f"a-{number}", "Шапша", "") for number in range(25)]
    short = finding_lines(findings, 20)
    assert sum(line.startswith("  a-") for line in short) == 20
    assert short[-1].startswith("  ... and 5 more")
    assert sum(line.startswith("  a-") for line in finding_lines(findings, None)) == 25


def test_counts(schema: Schema) -> None:
    documents = [
        Document("1", "слово " * 250, (Span(0, 5, "SECTOR"),), ("visit", "agreement"), meta={"year": "2003"}),
        Document("2", "слова", (Span(0, 5, "SECTOR"),), meta={"year": 1999, "source": "blog"}),
        Document("3", "Слово", meta={"year": "давно"}),
    ]
    counts = count(documents, schema)
    assert counts["words"] == 252
    assert counts["events"] == {"visit": 1, "agreement": 1, "exhibition": 0, "none": 2}
    assert counts["source"] == {"not given": 2, "blog": 1}
    assert list(counts["length"].values()) == [2, 0, 1, 0, 0]
    assert counts["decade"] == {"1990s": 1, "2000s": 1, "not given": 1}
    assert counts["distinct strings"]["SECTOR"] == 2
    assert counts["distinct strings, case endings aside"]["SECTOR"] == 1


def test_diversity_does_not_depend_on_length() -> None:
    thousand = [str(number % 400) for number in range(1000)]
    assert diversity(thousand) == diversity(thousand * 5) == 400
    assert diversity(["а", "б"]) == 1000
    assert diversity([]) == 0


HENAN = "Мэр [[OFFICIAL|Иван Шапша]] принял гостей из [[PARTNER|Хэнани]]."
BARE = "Мэр [[OFFICIAL|Иван Шапша]] принял гостей из Хэнани."


@pytest.fixture
def disputed(tmp_path: Path, schema: Schema) -> Path:
    """Five articles of two annotators who differ in a span, and in the first in the event as well."""
    tasks = []
    for number in range(1, 6):
        given = []
        for annotator, article in (("anna", HENAN), ("boris", BARE)):
            text, spans = parse(article)
            events = ("visit",) if number == 1 and annotator == "anna" else ()
            document = Document(f"t-{number}", f"{number}. {text}", _move(spans, 3), events)
            given.append({**to_task(document, schema)["annotations"][0], "completed_by": annotator})
        task = to_task(document, schema)
        tasks.append({**task, "annotations": given, "id": 10 + number, "project": 3})
    path = tmp_path / "disputed.json"
    path.write_text(json.dumps(tasks, ensure_ascii=False), encoding="utf-8")
    return path


def _move(spans: tuple[Span, ...], by: int) -> tuple[Span, ...]:
    return tuple(Span(span.start + by, span.end + by, span.label) for span in spans)


def test_conflicts_are_counted_and_the_worst_are_shown(
    disputed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LABEL_STUDIO_URL", "http://ls:8080")
    run(disputed)
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    start = lines.index("6 conflicts in 5 articles:")
    assert lines[start + 1 : start + 4] == [
        "t-1 (2)  http://ls:8080/projects/3/data?task=11",
        "anna PARTNER «Хэнани»; boris -",
        "visit: anna yes; boris no",
    ]
    assert "... and 2 articles more; --conflicts FILE.html or --all shows them" in lines
    run(disputed, "--all")
    assert "t-5 (1)  http://ls:8080/projects/3/data?task=15" in capsys.readouterr().out


def test_all_conflicts_are_in_the_page_and_in_the_json(
    disputed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LABEL_STUDIO_URL", "http://ls:8080")
    page, plain = tmp_path / "conflicts.html", tmp_path / "out.json"
    run(disputed, "--conflicts", page, "--json", plain)
    assert f"conflicts -> {page}" in capsys.readouterr().out
    html = page.read_text(encoding="utf-8")
    assert "6 расхождений, 5 статей" in html
    assert '<a href="http://ls:8080/projects/3/data?task=15">t-5</a>' in html
    assert html.count(">Хэнани</mark>") == 5
    assert '<td data-name="anna"><span class="name c0">PARTNER</span> Хэнани</td>' in html
    assert '<td data-name="boris">нет</td>' in html
    (report,) = json.loads(plain.read_text(encoding="utf-8"))["files"].values()
    assert len(report["conflicts"]) == 5
    assert report["conflicts"][0]["events"] == {"visit": {"anna": True, "boris": False}}
    assert run(disputed, "--conflicts", tmp_path / "no" / "conflicts.html") == 2


def test_the_audit_follows_the_policy(disputed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(disputed, "--annotators", "adjudicator:boris")
    printed = capsys.readouterr().out
    assert "spans: PARTNER 0, OFFICIAL 5" in printed
    assert "conflicts in" not in printed  # all of them are settled
    assert run(disputed, "--annotators", "adjudicator:vera") == 2
    assert "its annotators are anna (5), boris (5)" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        run(disputed, "--annotators", "first")
    assert "must be latest, majority, all or adjudicator:NAME" in capsys.readouterr().err
