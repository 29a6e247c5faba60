"""`python -m train.report [RUNS]`: the table of runs; here too, the files and the score table of a run."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infer.files import replacing
from train.bootstrap import Estimate
from train.matching import KINDS
from train.runs import read_runs, runs_page, runs_table
from train.scores import Score, Scores

TITLES = {
    "spans": "spans, strict",
    "spans_partial": "spans, partial",
    "entities": "entities in an article, by normal form",
    "events": "events",
}


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Readable JSON, complete or not there at all."""
    write_text(path, json.dumps(values, ensure_ascii=False, indent=2, default=str) + "\n")


def write_text(path: Path, text: str) -> None:
    """A text file, complete or not there at all."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def score_table(scores: Scores, baselines: Scores | None = None) -> str:
    """Every F1 with its interval, average precision and the baseline's F1; then the kinds of span errors."""
    lines = [
        f"{'':12}  precision  recall     F1   95% interval   gold  avg.prec" + "  baseline" * bool(baselines)
    ]
    for group, title in TITLES.items():
        own = scores.group(group)
        others = baselines.group(group) if baselines else {}
        if len(own) > 1:
            lines.append(title)
            lines += [_score_line(name, score, others.get(name)) for name, score in own.items()]
            lines.append(
                _macro_line(scores.macro_f1[group], baselines.macro_f1[group] if baselines else None)
            )
    if len(scores.spans) > 1:
        lines.append("span errors" + "".join(f"{kind:>10}" for kind in KINDS))
        lines += [
            f"  {name:9}" + "".join(f"{counts[kind]:10}" for kind in KINDS)
            for name, counts in scores.errors.items()
        ]
    exact = scores.events_exact
    lines.append(
        f"{scores.documents} articles; the whole set of events right in {exact.value:.1%} "
        f"({exact.interval[0]:.1%} - {exact.interval[1]:.1%})"
    )
    return "\n".join(lines)


def _score_line(name: str, score: Score, baseline: Score | None) -> str:
    low, high = score.f1_interval
    average = score.average_precision
    line = (
        f"  {name:10}  {score.precision:9.1%}  {score.recall:6.1%}  {score.f1:5.1%}"
        f"  {low:5.1%} - {high:5.1%}  {score.support:5}"
        f"  {f'{average.value:.1%}' if average else '':>8}"
    )
    return line + (f"  {baseline.f1:8.1%}" if baseline else "")


def _macro_line(macro: Estimate, baseline: Estimate | None) -> str:
    low, high = macro.interval
    line = f"  {'macro':10}  {'':9}  {'':6}  {macro.value:5.1%}  {low:5.1%} - {high:5.1%}  {'':5}  {'':8}"
    return (line + (f"  {baseline.value:8.1%}" if baseline else "")).rstrip()


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
