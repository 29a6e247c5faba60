from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infer.listing import InputError, format_of, is_article, list_files
from infer.reading import Failure, read_documents


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def touch(*names: str) -> None:
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")


def ids(*inputs: str | Path) -> list[str]:
    return [name for name, _ in list_files(inputs)]


def test_ids_and_files_stand_together(folder: Path) -> None:
    touch("news/b/1.txt", "news/a.csv", "more.zip")
    assert list_files(["news", Path("more.zip"), "-"]) == [
        ("a.csv", Path("news/a.csv")),
        ("b/1.txt", Path("news/b/1.txt")),
        ("more.zip", Path("more.zip")),
    ]


def test_stdin_alone_lists_nothing() -> None:
    assert list_files(["-"]) == []


# --- formats


@pytest.mark.parametrize(
    ("name", "format_"),
    [
        ("a.TXT", ".txt"),
        ("a.txt.gz", ".txt"),
        ("dir.zip/a.Jsonl.GZ", ".jsonl"),
        ("a.tar.gz", None),
        ("a.gz", None),
        ("txt", None),
        (".txt", None),
        ("a.doc", None),
    ],
)
def test_the_suffix_says_the_format(name: str, format_: str | None) -> None:
    assert format_of(name) == format_


def test_an_unknown_format_given_by_itself_is_named_with_those_supported(folder: Path) -> None:
    touch("a.doc")
    with pytest.raises(InputError, match=r"a\.doc: its format isn't known; supported are .*\.docx, .*\.gz"):
        list_files(["a.doc"])


def test_hidden_and_lock_files_and_mac_litter_are_passed_by(folder: Path) -> None:
    touch(
        "in/.a.txt", "in/.git/a.txt", "in/__MACOSX/a.txt", "in/~$a.docx", "in/b.tar.gz", "in/b.md", "in/b.txt"
    )
    assert ids("in") == ids("in/**/*") == ["b.txt"]


def test_a_hidden_named_by_itself_is_read(folder: Path) -> None:
    touch(".inbox/a.txt")
    assert ids(".inbox") == ["a.txt"]


# --- patterns


def test_patterns_give_files_by_their_path_after_the_fixed_part(folder: Path) -> None:
    touch("n/2023/a.txt", "n/2024/b.txt", "n/2024/c.md", "n/2024/deep/d.txt", "n/e.txt")
    assert ids("n/20*/*.txt") == ["2023/a.txt", "2024/b.txt"]
    assert ids("n/2024/[a-b].txt") == ["b.txt"]
    assert ids("n/**/*.txt") == ["2023/a.txt", "2024/b.txt", "2024/deep/d.txt", "e.txt"]
    assert ids("n/2024/**") == ["b.txt", "deep/d.txt"]
    assert ids(str(folder / "n" / "?.txt")) == ["e.txt"]


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(folder: Path) -> None:
    touch("a[1].txt", "a1.txt")
    assert ids("a[1].txt") == ["a[1].txt"]


@pytest.mark.parametrize("pattern", ["n/*.csv", "n/*.md", "nowhere/*.txt", "*"])
def test_a_pattern_without_articles_is_an_error(folder: Path, pattern: str) -> None:
    touch("n/a.txt", "n/a.md")
    with pytest.raises(InputError, match="no articles there"):
        list_files([pattern])


def test_a_broken_pattern_is_an_error(folder: Path) -> None:
    with pytest.raises(InputError, match="not a pattern"):
        list_files(["a**b/*.txt"])


# --- ids


def test_equal_ids_become_the_paths_as_given(folder: Path) -> None:
    touch("kaluga/news/1.txt", "tula/news/1.txt", "tula/2.txt")
    assert ids("kaluga", "tula") == ["kaluga/news/1.txt", "2.txt", "tula/news/1.txt"]
    assert ids("kaluga", str(folder / "tula/news/1.txt")) == ["news/1.txt", "1.txt"]
    assert ids("kaluga/news/1.txt", "tula/news/1.txt") == ["kaluga/news/1.txt", "tula/news/1.txt"]


def test_a_path_as_given_may_be_another_files_id(folder: Path) -> None:
    touch("p/q/a.txt", "q/a.txt", "r/a.txt", "a.txt")
    assert ids("p", "q", "r") == ["p/q/a.txt", "q/a.txt", "r/a.txt"]
    assert ids("a.txt", "q", "p") == ["a.txt", "q/a.txt", "p/q/a.txt"]


def test_a_file_given_twice_is_read_once(folder: Path) -> None:
    touch("in/a.txt", "in/b/c.txt")
    assert ids("in/b/c.txt", "in", "./in/", "in/**/*.txt", folder / "in/a.txt") == ["c.txt", "a.txt"]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("pqr"), st.sampled_from(["", "p/", "q/"])), min_size=1, max_size=6))
def test_ids_are_never_equal(tmp_path_factory: pytest.TempPathFactory, places: list[tuple[str, str]]) -> None:
    root = tmp_path_factory.mktemp("ids")
    for outer, inner in places:
        (root / outer / inner).mkdir(parents=True, exist_ok=True)
        (root / outer / inner / "a.txt").write_text("а", encoding="utf-8")
    found = list_files([root / outer for outer, _ in places])
    assert len({name for name, _ in found}) == len(found) == len(set(places))


def test_bytes_that_are_no_utf8_are_shown_in_the_id(folder: Path) -> None:
    Path("in").mkdir()
    try:
        Path(os.fsdecode("in/мэр.txt".encode("cp1251"))).write_bytes(b"a")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert ids("in") == [r"\xec\xfd\xf0.txt"]


# --- what stands in the way


def test_symbolic_links_that_lead_back_are_not_followed(folder: Path) -> None:
    touch("in/a.txt", "in/b/c.txt")
    Path("in/b/up").symlink_to(folder / "in", target_is_directory=True)
    Path("in/self").symlink_to("self")
    assert ids("in") == ids("in/**/*.txt") == ["a.txt", "b/c.txt"]


def test_a_linked_file_is_read_and_a_broken_link_is_a_failure(folder: Path) -> None:
    touch("in/a.txt", "b.txt")
    Path("in/linked.txt").symlink_to(folder / "b.txt")
    Path("in/loop.txt").symlink_to("loop.txt")
    Path("in/gone.txt").symlink_to("nowhere.txt")
    found = list(read_documents(["in"]))
    assert [item.id for item in found] == ["a.txt", "gone.txt", "linked.txt", "loop.txt"]
    assert [isinstance(item, Failure) for item in found] == [False, True, False, True]


def test_a_pipe_among_the_articles_is_passed_by(folder: Path) -> None:
    touch("in/a.txt")
    os.mkfifo("in/b.txt")
    assert ids("in") == ids("in/*") == ["a.txt"]


def test_a_subfolder_that_cannot_be_entered_is_listed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch("in/a.txt", "in/closed/b.txt")
    scan = os.scandir

    def refuse(place: str) -> object:
        if str(place).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(place))
        return scan(place)

    monkeypatch.setattr(os, "scandir", refuse)
    assert ids("in") == ["a.txt", "closed"]
    with pytest.raises(InputError, match="closed: can't be opened"):
        list_files(["in/closed"])


def test_too_long_a_name_is_an_error(folder: Path) -> None:
    with pytest.raises(InputError, match="can't be opened"):
        list_files(["a" * 5000])


@pytest.mark.parametrize("name", ["a/b.txt", "новости/мэр.html", "a.zip"])
def test_articles_are_known_by_their_path(name: str) -> None:
    assert is_article(name)


def test_a_runs_own_results_are_left_out_and_other_files_beside_them_read(folder: Path) -> None:
    results = (
        "extractions.jsonl",
        "extractions.xlsx.partial.zip",
        "mentions.csv",
        "failures.jsonl",
        "parts/1.jsonl",
    )
    others = ("in/out/1.txt", "in/out/notes.csv", "in/parts/2.txt", "in/summary.csv")
    touch(*others, *(f"in/out/{name}" for name in results))
    expected = ["out/1.txt", "out/notes.csv", "parts/2.txt", "summary.csv"]
    for named in ("in", "./in", str(folder / "in"), "in/**/*"):
        assert [name for name, _ in list_files([named], Path("in/out"))] == expected
    assert [name for name, _ in list_files(["in/out"], Path("in/out"))] == ["1.txt", "notes.csv"]
    assert [name for name, _ in list_files(["in/out/mentions.csv"], Path("in/out"))] == ["mentions.csv"]
    with pytest.raises(InputError, match="no articles there"):
        list_files(["in/out/*.jsonl"], Path("in/out"))


def test_an_empty_name_is_not_the_current_folder(folder: Path) -> None:
    touch("a.txt")
    with pytest.raises(InputError, match="without a name"):
        list_files([""])
