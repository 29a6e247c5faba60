"""The table of runs: what every run under `runs/` scores, newest first, as text and as `index.html`.

A run is a folder with what only training makes: checkpoints/ or folds/ while it is under way, then a manifest
beside model/ or folds.json. One that has no manifest is unfinished, one whose files can't be read is broken;
both are listed with what is wrong, so that the table never hides a run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from train.wording import safe

UNDER_WAY, DONE = ("checkpoints", "folds"), ("model", "folds.json")
HEAD = ("name", "date", "backbone", "articles", "seed", "span F1", "event F1", "minutes")


@dataclass(frozen=True, slots=True)
class Run:
    """A run's row: the cells under HEAD after its name and date, or what is wrong with it."""

    folder: Path
    date: str  # YYYY-MM-DD HH:MM, UTC
    cells: tuple[str, ...] = ()
    fault: str = ""


def read_runs(folder: Path) -> list[Run]:
    """Every run folder, newest first. Raises NotADirectoryError when there is no such folder."""
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder}: no such folder; a run is made by python -m train")
    found = [path for path in folder.iterdir() if not path.is_symlink() and _is_run(path)]
    return sorted(
        (_read_run(path) for path in found), key=lambda run: (run.date, run.folder.name), reverse=True
    )


def _is_run(folder: Path) -> bool:
    finished = (folder / "manifest.json").is_file() and any((folder / name).exists() for name in DONE)
    return finished or any((folder / name).is_dir() for name in UNDER_WAY)


def _read_run(folder: Path) -> Run:
    date = datetime.fromtimestamp(folder.stat().st_mtime, UTC).strftime("%Y-%m-%d %H:%M")
    if not (folder / "manifest.json").is_file():
        return Run(folder, date, fault="unfinished or running; a killed one goes on with --resume")
    scores = "folds.json" if (folder / "folds.json").is_file() else "metrics.json"
    try:
        manifest, metrics = _read(folder / "manifest.json"), _read(folder / scores)
        date = str(manifest.get("date", date))[:16].replace("T", " ")
        return Run(folder, date, _cells(manifest, metrics))
    except (OSError, ValueError) as error:
        return Run(folder, date, fault=f"broken: {' '.join(str(error).split())}")
    except (KeyError, TypeError, AttributeError) as error:
        return Run(folder, date, fault=f"broken: manifest.json or {scores} lacks {error}")


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"no {path.name}") from None
    except ValueError as error:
        raise ValueError(f"{path.name} is not JSON, {error}") from None


def _cells(manifest: Mapping[str, Any], metrics: Mapping[str, Any]) -> tuple[str, ...]:
    """A cross-validation's scores are those of all its folds together."""
    config, articles = manifest["config"], str(manifest["data"]["train_documents"])
    if "folds" in metrics:
        articles, metrics = f"{articles} in {len(metrics['folds'])} folds", metrics["pooled"]
    return (
        Path(config["backbone"]).name,
        articles,
        str(config["seed"]),
        _f1(metrics["spans"]["micro"]),
        _f1(metrics["events"]["micro"]),
        str(round(manifest["seconds"] / 60)),
    )


def _f1(score: Mapping[str, Any]) -> str:
    if not score["support"]:
        return "–"
    low, high = score["f1_interval"]
    return f"{100 * score['f1']:.1f} ({100 * low:.1f}-{100 * high:.1f})"


def runs_table(runs: Sequence[Run]) -> str:
    """Aligned text; a faulty run has its fault in place of its figures."""
    rows = [HEAD, *((run.folder.name, run.date, *run.cells) for run in runs)]
    widths = [max(len(row[i]) for row in rows if len(row) > i) for i in range(len(HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(HEAD, widths, strict=True))]
    for run in runs:
        cells = (run.folder.name, run.date, *(run.cells or (run.fault,)))
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=False)))
    return "\n".join(line.rstrip() for line in lines)


def runs_page(runs: Sequence[Run]) -> str:
    """The same table as a page, each run's name a link to its report."""
    style = files("train").joinpath("report.css").read_text(encoding="utf-8")
    head = "".join(f'<th scope="col">{name}</th>' for name in HEAD)
    body = "\n".join(_row(run) for run in runs)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Vizitka: runs</title>
<style>
{style}
</style>
</head>
<body>
<h1>Vizitka: runs</h1>
<p>Newest first. F1 in %, with its 95% interval; spans strict, micro. On the held-out articles, or, for a
run in folds, on the training articles, each answered by a model that hasn't seen it.</p>
<table class="wide runs">
<thead><tr>{head}</tr></thead>
<tbody>
{body}
</tbody>
</table>
</body>
</html>
"""


def _row(run: Run) -> str:
    name = safe(run.folder.name)
    if (run.folder / "report.html").is_file():
        name = f'<a href="{safe(quote(run.folder.name))}/report.html">{name}</a>'
    cells = "".join(
        f'<td data-name="{HEAD[i]}">{safe(cell)}</td>' for i, cell in enumerate(run.cells, start=2)
    )
    if run.fault:
        cells = f'<td class="fault" colspan="{len(HEAD) - 2}">{safe(run.fault)}</td>'
    return f'<tr><th scope="row">{name}</th><td data-name="date">{run.date}</td>{cells}</tr>'
