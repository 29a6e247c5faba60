"""The report's tables: scores with their intervals, groups of articles, kinds of errors, events mixed up.

Pure: values of `train/scores.py` in, HTML out; nothing is computed here but shares of what is counted there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from train.charts import COLOURS
from train.matching import RIGHT
from train.reliability import ALL, Change
from train.scores import EventSets, Part, Score, Scores
from train.tally import GROUPS
from train.wording import GROUPS as TITLES
from train.wording import KINDS, TERMS, decimal, percent, safe

SMALLEST_GROUP = 3  # articles; below that a score says nothing
UNNAMED = "не указан"
EVENT_SETS = 8  # columns and rows of the table of event sets
NAMED_COLUMNS = 4  # of a matrix; more would not fit on a phone


def score_rows(scores: Scores, baseline: Scores | None) -> str:
    """The score table's rows; a group without classes is left out."""
    rows = []
    for group in GROUPS:
        results = scores.group(group)
        if group not in scores.macro_f1:
            continue
        others = baseline.group(group) if baseline else {}
        rows.append(f'<tr class="group"><th colspan="8" scope="rowgroup">{TITLES[group]}</th></tr>')
        rows += [_score_row(name, result, others.get(name)) for name, result in results.items()]
        macro = scores.macro_f1[group]
        cells = _f1_cells(macro.value, macro.interval, baseline.macro_f1[group].value if baseline else None)
        rows.append(f'<tr><th scope="row">macro</th><td></td><td></td>{cells}<td class="optional"></td></tr>')
    return "\n".join(rows)


def _score_row(name: str, result: Score, other: Score | None) -> str:
    shares = "".join(f"<td>{percent(share)}</td>" for share in (result.precision, result.recall))
    if not result.support:
        shares = "<td>–</td><td>–</td>"
    cells = (
        _f1_cells(result.f1, result.f1_interval, None if other is None else other.f1)
        if result.support
        else _NO_F1
    )
    return (
        f'<tr><th scope="row">{safe(name)}</th>{shares}{cells}<td class="optional">{result.support}</td></tr>'
    )


_NO_F1 = '<td>–</td><td class="interval">–</td><td class="bar"></td><td class="baseline">–</td>'


def _f1_cells(f1: float, interval: tuple[float, float], baseline: float | None) -> str:
    """Cells for F1, its interval, the interval as a bar with the baseline in it, and the baseline's F1."""
    low, high = interval
    place = f"--low: {low:.3f}; --f1: {f1:.3f}; --high: {high:.3f}"
    tick = "" if baseline is None else f'<i style="--baseline: {baseline:.3f}"></i>'
    return (
        f'<td><b>{percent(f1)}</b></td><td class="interval">{percent(low)}–{percent(high)}</td>'
        f'<td class="bar" aria-hidden="true"><span style="{place}">{tick}</span></td>'
        f'<td class="baseline">{"–" if baseline is None else percent(baseline)}</td>'
    )


def group_table(title: str, parts: Sequence[Part]) -> str:
    """Micro F1 of spans and events for groups of articles, worst spans first; tiny groups are only named.

    Empty when no article tells its group.
    """
    if not any(part.name for part in parts):
        return ""
    shown = sorted((part for part in parts if part.documents >= SMALLEST_GROUP), key=_sort_key)
    rows = "\n".join(_group_row(part) for part in shown)
    skipped = [
        f"{safe(part.name or UNNAMED)} ({part.documents})"
        for part in parts
        if part.documents < SMALLEST_GROUP
    ]
    names = ", ".join(skipped)
    note = f'<p class="note">Меньше {SMALLEST_GROUP} статей, не показаны: {names}.</p>' if skipped else ""
    return f"""<section>
<table class="wide">
<caption>{title}</caption>
<thead><tr><th></th><th scope="col">статей</th><th scope="col">упомина&shy;ния F1</th>
<th scope="col" class="interval">интервал</th><th class="bar"></th>
<th scope="col">события F1</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
{note}
</section>"""


def _sort_key(part: Part) -> float:
    return part.scores["spans"].f1 if "spans" in part.scores else 0.0


def _group_row(part: Part) -> str:
    spans, events = part.scores.get("spans"), part.scores.get("events")
    cells = '<td>–</td><td class="interval">–</td><td class="bar"></td>'
    if spans and spans.support:
        low, high = spans.f1_interval
        place = f"--low: {low:.3f}; --f1: {spans.f1:.3f}; --high: {high:.3f}"
        cells = (
            f'<td><b>{percent(spans.f1)}</b></td><td class="interval">{percent(low)}–{percent(high)}</td>'
            f'<td class="bar" aria-hidden="true"><span style="{place}"></span></td>'
        )
    last = percent(events.f1) if events and events.support else "–"
    name = safe(part.name or UNNAMED)
    return f'<tr><th scope="row">{name}</th><td>{part.documents}</td>{cells}<td>{last}</td></tr>'


def error_table(errors: Mapping[str, Mapping[str, int]]) -> str:
    """Kinds of errors by label, with what came out right."""
    head = "".join(
        f'<th scope="col">{KINDS[kind]}<br><span class="optional">{TERMS[kind]}</span></th>' for kind in KINDS
    )
    largest = max(
        (counts[kind] for name, counts in errors.items() for kind in KINDS if name != "all"), default=0
    )
    rows = []
    for name, counts in sorted(errors.items(), key=lambda item: item[0] == "all"):
        cells = "".join(
            f'<td class="heat" style="--share: {0 if name == "all" else counts[kind] / max(largest, 1):.3f}">'
            f"{counts[kind]}</td>"
            for kind in KINDS
        )
        title = "все" if name == "all" else safe(name)
        rows.append(f'<tr><th scope="row">{title}</th><td>{counts[RIGHT]}</td>{cells}</tr>')
    body = "\n".join(rows)
    return f"""<section>
<table class="wide cells">
<caption>Упоминания: виды ошибок</caption>
<thead><tr><th></th><th scope="col">верно<br><span class="optional">right</span></th>{head}</tr></thead>
<tbody>
{body}
</tbody>
</table>
<p class="note">Каждое упоминание эталона и модели входит не больше чем в одну пару (схема SemEval-2013).
Границы: метка та же, начало или конец другие. Метка: место то же, метка другая. Пропуск: есть в эталоне, нет
у модели. Лишнее: есть у модели, нет в эталоне; оно записано на метку модели.</p>
</section>"""


def confusion_table(confusion: Mapping[str, Mapping[str, int]]) -> str:
    """Gold labels against predicted ones."""
    names = {"missed": "пропуск", "spurious": "лишнее"}
    columns = list(next(iter(confusion.values())))
    return _matrix(
        "Метки: что за что принято",
        [names.get(column, column) for column in columns],
        {names.get(row, row): [counts[column] for column in columns] for row, counts in confusion.items()},
    )


def event_table(sets: Sequence[EventSets]) -> str:
    """Whole sets of events, gold against predicted; rare ones together."""
    common = dict.fromkeys(side for pair in sets for side in (pair.gold, pair.predicted))
    kept = list(common)[:EVENT_SETS]
    rest = len(common) > EVENT_SETS
    names = [" + ".join(events) or "нет событий" for events in kept] + ["прочие"] * rest
    cells = [[0] * len(names) for _ in names]
    for pair in sets:
        row, column = (
            kept.index(side) if side in kept else len(kept) for side in (pair.gold, pair.predicted)
        )
        cells[row][column] += pair.documents
    return _matrix("События: наборы целиком", names, dict(zip(names, cells, strict=True)))


def _matrix(title: str, columns: Sequence[str], rows: Mapping[str, Sequence[int]]) -> str:
    """Gold down the side, predictions across; the diagonal is where they agree. Many columns are numbered."""
    is_numbered = len(columns) > NAMED_COLUMNS
    head = "".join(
        f'<th scope="col" title="{safe(name)}">{number if is_numbered else safe(name)}</th>'
        for number, name in enumerate(columns, start=1)
    )
    lines = []
    for number, (name, counts) in enumerate(rows.items(), start=1):
        total = max(sum(counts), 1)
        cells = "".join(
            f'<td class="{"agree" if column == name else "heat"}" style="--share: {value / total:.3f}">'
            f"{value or '·'}</td>"
            for column, value in zip(columns, counts, strict=True)
        )
        shown = f"{number}. {safe(name)}" if is_numbered and name in columns else safe(name)
        lines.append(f'<tr><th scope="row">{shown}</th>{cells}</tr>')
    body = "\n".join(lines)
    return f"""<section>
<table class="wide cells">
<caption>{title}</caption>
<thead><tr><th>эталон ↓ модель →</th>{head}</tr></thead>
<tbody>
{body}
</tbody>
</table>
</section>"""


def calibration_table(title: str, changes: Mapping[str, Change]) -> str:
    """Calibration error and Brier score of every class, before and after."""
    if not changes:
        return ""
    rows = "\n".join(
        f'<tr><th scope="row">{"все" if name == ALL else safe(name)}</th><td>{change.after.count}</td>'
        f"<td>{decimal(change.before.ece, 3)} → <b>{decimal(change.after.ece, 3)}</b></td>"
        f"<td>{decimal(change.before.brier, 3)} → <b>{decimal(change.after.brier, 3)}</b></td></tr>"
        for name, change in changes.items()
    )
    return f"""<section>
<table class="wide">
<caption>{title}</caption>
<thead><tr><th></th><th scope="col">ответов</th><th scope="col">ECE до → после</th>
<th scope="col">Brier до → после</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</section>"""


def colour_class(index: int) -> str:
    """The class that gives a label its colour."""
    return f"c{index % COLOURS}"
