"""What a log and a terminal show."""

from __future__ import annotations

import io

import pytest

from infer import progress as module
from infer.progress import Progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that the test sets."""
    now = [0.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    return now


def test_a_log_gets_a_line_every_so_often(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(1000)
    for clock[0] in range(1, 101):
        progress.advance(5)
    progress.close()
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "30 articles, 1.0 a second, about 02:50 left",
        "60 articles, 1.0 a second, about 02:20 left",
        "90 articles, 1.0 a second, about 01:50 left",
    ]


def test_nothing_is_said_of_the_time_left_where_nothing_is_known(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    progress = Progress(0)
    for clock[0] in (10, 40, 50):
        progress.advance(5)
    progress.close()
    assert capsys.readouterr().err == "1 article, 0.1 a second\n"


def test_a_line_tells_of_whole_bursts(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(1000)
    for burst in (70, 95, 140):
        for article in range(10):
            clock[0] = burst + article / 1000
            progress.advance(25)
    progress.close()
    assert capsys.readouterr().err == "20 articles, 0.2 a second, about 01:35 left\n"


def test_articles_without_a_pause_get_lines_too(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    progress = Progress(0)
    for tick in range(1, 1000):
        clock[0] = tick / 10
        progress.advance(1)
    progress.close()
    assert capsys.readouterr().err == "600 articles, 10.0 a second\n"


def test_a_terminal_gets_a_bar_with_rate_and_time_left(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    progress = Progress(100)
    for clock[0] in (1, 2, 3, 4):
        progress.advance(10)
    progress._bar.refresh()
    progress.close()
    shown = terminal.getvalue().split("\r")
    assert any("40%" in line and "4 articles, 1.0 a second" in line and "left" in line for line in shown)


def test_more_text_than_bytes_does_not_run_over_the_end(clock: list[float]) -> None:
    progress = Progress(10)
    for clock[0] in (1, 2, 3):
        progress.advance(50)
    assert str(progress) == "3 articles, 1.0 a second"
    progress.close()
