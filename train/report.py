"""`python -m train.report [RUNS]`: the table of runs; here too, the files and the score table of a run."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from train.runs import read_runs, runs_page, runs_table
from train.scores import Score, Scores


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Readable JSON, complete or not there at all."""
    write_text(path, json.dumps(values, ensure_ascii=False, indent=2, default=str) + "\n")


def write_text(path: Path, text: str) -> None:
    """A text file, complete or not there at all."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def score_table(scores: Scores) -> str:
    """Strict and partial span F1 by label and event F1 by type, as aligned text."""
    lines = [f"{'':12}  precision  recall     F1   95% interval   gold"]
    for title, group in (
        ("spans, strict", scores.spans),
        ("spans, partial", scores.spans_partial),
        ("events", scores.events),
    ):
        if len(group) > 1:
            lines.append(title)
            lines += [_score_line(name, score) for name, score in group.items()]
    lines.append(
        f"{scores.documents} articles; the whole set of events right in {scores.events_exact.value:.1%}"
    )
    return "\n".join(lines)


def _score_line(name: str, score: Score) -> str:
    low, high = score.f1_interval
    return (
        f"  {name:10}  {score.precision:9.1%}  {score.recall:6.1%}  {score.f1:5.1%}"
        f"  {low:5.1%} - {high:5.1%}  {score.support:5}"
    )


def main(arguments: list[str] | None = None) -> int:
    """Print the table of runs, write it as a page too, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m train.report", description="the runs, newest first")
    parser.add_argument(
        "runs", type=Path, nargs="?", default=Path("runs"), metavar="RUNS", help="default: %(default)s"
    )
    options = parser.parse_args(arguments)
    try:
        runs = read_runs(options.runs)
        write_text(options.runs / "index.html", runs_page(runs))
    except OSError as error:
        print(f"report: {error}", file=sys.stderr)
        return 2
    print(runs_table(runs))
    print(f"-> {options.runs / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
