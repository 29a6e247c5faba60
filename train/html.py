"""`report.html`: scores and every held-out article, gold beside predictions, as one self-contained page.

Pure: values in, a string out; the page's frame, style and script are `report.template.html`. The page makes
no requests, and the string is valid UTF-8 whatever the articles hold.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from itertools import pairwise
from string import Template

import numpy as np
from scipy.optimize import linear_sum_assignment

from infer.document import Document, Span
from infer.schema import Schema
from train.metrics import score
from train.scores import Score, Scores

RIGHT, BOUNDS, LABEL, MISSED, SPURIOUS = "right", "bounds", "label", "missed", "spurious"
KINDS = {BOUNDS: "границы", LABEL: "метка", MISSED: "пропуск", SPURIOUS: "лишнее"}
COLOURS = ("#1f6feb", "#bf3989", "#2da44e", "#c4700a", "#7a4fd0", "#0b8a9b", "#8a6d3b", "#5b6470")
LENGTHS = (1000, 2000, 4000)  # characters; where the length groups meet
SMALLEST_GROUP = 3  # articles; below that a score says nothing
OPENED = 5  # articles that are open at the start
LONGEST_NOTE = 60  # characters of a meta value
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one gold or one predicted span fared, and the span on the other side that it was matched with."""

    span: Span
    kind: str
    other: Span | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """An article's gold and predictions, span by span and event by event."""

    gold: Document
    predicted: Document
    gold_spans: list[Verdict]
    predicted_spans: list[Verdict]
    errors: Counter[str]  # by kind, events included; a matched pair counts once


def render(
    scores: Scores,
    gold: Sequence[Document],
    predicted: Sequence[Document],
    schema: Schema,
    title: str,
    problems: Sequence[str] = (),
) -> str:
    """The whole page. `scores` are those of `predicted` against `gold`; `problems`: annotations not used."""
    guesses = {document.id: document for document in predicted}
    groups = _render_groups(gold, guesses, schema)
    comparisons = [compare(document, guesses[document.id]) for document in gold]
    comparisons.sort(key=lambda comparison: -comparison.errors.total())  # stable: equals in the file's order
    clean = sum(not comparison.errors for comparison in comparisons)
    template = Template(files("train").joinpath("report.template.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=_escape(title),
        colours="\n".join(
            f".c{i} {{ --line: {colour}; --fill: {colour}2b; }}"
            for i, colour in enumerate(COLOURS[: len(schema.labels)])
        ),
        summary=f"{_plural(len(gold), 'статья', 'статьи', 'статей')} отложенной выборки; "
        f"без единой ошибки {clean}; "
        f"набор событий верен целиком в {_percent(scores.events_exact.value)}&nbsp;% статей.",
        scores=_render_scores(scores),
        groups=groups,
        legend=" ".join(
            f'<mark class="c{i % len(COLOURS)}">{_escape(label)}</mark>'
            for i, label in enumerate(schema.labels)
        ),
        kinds=_render_kinds(comparisons),
        names=_render_names(schema),
        articles="\n".join(
            _render_article(comparison, schema, position < OPENED)
            for position, comparison in enumerate(comparisons)
        ),
        problems=_render_problems(problems),
    )


def compare(gold: Document, predicted: Document) -> Comparison:
    """Match the spans of both sides and name every error.

    A span takes part in one match at most: an equal one first, then one of the same label that overlaps
    (so that right and wrong bounds together are the partial score's hits), then one of another label.
    """
    steps: tuple[tuple[str, Callable[[Span, Span], bool]], ...] = (
        (RIGHT, lambda left, right: left == right),
        (BOUNDS, lambda left, right: left.label == right.label and left.overlaps(right)),
        (LABEL, lambda left, right: left.overlaps(right)),
    )
    left, right = sorted(set(gold.spans)), sorted(set(predicted.spans))
    gold_spans: list[Verdict] = []
    predicted_spans: list[Verdict] = []
    for kind, fits in steps:
        for truth, guess in _match(left, right, fits):
            gold_spans.append(Verdict(truth, kind, guess))
            predicted_spans.append(Verdict(guess, kind, truth))
            left.remove(truth)
            right.remove(guess)
    gold_spans += [Verdict(span, MISSED) for span in left]
    predicted_spans += [Verdict(span, SPURIOUS) for span in right]
    errors = Counter(verdict.kind for verdict in gold_spans if verdict.kind != RIGHT)
    errors[MISSED] += len(set(gold.events) - set(predicted.events))
    errors[SPURIOUS] += len(right) + len(set(predicted.events) - set(gold.events))
    return Comparison(gold, predicted, gold_spans, predicted_spans, +errors)


def _match(
    gold: Sequence[Span], found: Sequence[Span], fits: Callable[[Span, Span], bool]
) -> list[tuple[Span, Span]]:
    """As many fitting pairs as there can be, among those the ones that share most."""
    many = len(gold) + len(found)
    worth = np.array([[fits(a, b) * (many + _share(a, b)) for b in found] for a in gold])
    if worth.size == 0:
        return []
    rows, columns = linear_sum_assignment(worth, maximize=True)
    chosen = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(gold[i], found[j]) for i, j in chosen if worth[i, j] > 0]


def _share(left: Span, right: Span) -> float:
    """Common characters of two overlapping spans over all of theirs."""
    common = min(left.end, right.end) - max(left.start, right.start)
    return common / (max(left.end, right.end) - min(left.start, right.start))


def _escape(value: object) -> str:
    """Text that is safe in elements and quoted attributes; what HTML or UTF-8 can't hold becomes U+FFFD."""
    return escape(UNPRINTABLE.sub("\ufffd", str(value)))


def _percent(share: float) -> str:
    return f"{100 * share:.1f}".replace(".", ",")


def _plural(count: int, one: str, few: str, many: str) -> str:
    """A number with its Russian noun."""
    if count % 10 == 1 and count % 100 != 11:
        return f"{count} {one}"
    return f"{count} {few if count % 10 in (2, 3, 4) and count % 100 not in (12, 13, 14) else many}"


def _render_scores(scores: Scores) -> str:
    """The score table; a group without labels or events is left out."""
    rows = []
    for title, group in (
        ("Spans, strict", scores.spans),
        ("Spans, partial", scores.spans_partial),
        ("Events", scores.events),
    ):
        if len(group) > 1:
            rows.append(f'<tr class="group"><th colspan="7" scope="rowgroup">{title}</th></tr>')
            rows += [_render_score(name, result) for name, result in group.items()]
    return "\n".join(rows)


def _render_score(name: str, result: Score) -> str:
    shares = [_percent(share) if result.support else "–" for share in (result.precision, result.recall)]
    values = "".join(f"<td>{share}</td>" for share in shares)
    return f'<tr><th scope="row">{_escape(name)}</th>{values}{_render_f1(result)}</tr>'


def _render_f1(result: Score) -> str:
    """Cells for F1, its interval, the interval as a bar, and the support."""
    if not result.support:
        return '<td>–</td><td class="interval">–</td><td class="bar"></td><td>0</td>'
    low, high = result.f1_interval
    bar = f"--low: {low:.3f}; --f1: {result.f1:.3f}; --high: {high:.3f}"
    return (
        f'<td><b>{_percent(result.f1)}</b></td><td class="interval">{_percent(low)}–{_percent(high)}</td>'
        f'<td class="bar" aria-hidden="true"><span style="{bar}"></span></td><td>{result.support}</td>'
    )


def _render_groups(gold: Sequence[Document], guesses: Mapping[str, Document], schema: Schema) -> str:
    """Strict span micro-F1 by source, where articles have one, and by length."""
    if not schema.labels:
        return ""
    by_source: dict[str, list[Document]] = {}
    by_length: dict[str, list[Document]] = {_name_length(characters): [] for characters in (0, *LENGTHS)}
    for document in gold:
        by_source.setdefault(str(document.meta.get("source") or "не указан"), []).append(document)
        by_length[_name_length(len(document.text))].append(document)
    tables = [_render_group("По длине, знаков", by_length, guesses, schema)]
    if any(document.meta.get("source") for document in gold):
        largest_first = dict(sorted(by_source.items(), key=lambda item: -len(item[1])))
        tables.insert(0, _render_group("По источнику (source)", largest_first, guesses, schema))
    return "\n".join(tables)


def _name_length(characters: int) -> str:
    if characters < LENGTHS[0]:
        return f"до {LENGTHS[0]}"
    for low, high in pairwise(LENGTHS):
        if characters < high:
            return f"{low}–{high}"
    return f"от {LENGTHS[-1]}"


def _render_group(
    title: str, parts: Mapping[str, Sequence[Document]], guesses: Mapping[str, Document], schema: Schema
) -> str:
    rows, skipped = [], []
    for name, part in parts.items():
        if len(part) < SMALLEST_GROUP:
            skipped += [f"{_escape(name)} ({len(part)})"] if part else []
            continue
        micro = score(part, [guesses[document.id] for document in part], schema).spans["micro"]
        rows.append(f'<tr><th scope="row">{_escape(name)}</th><td>{len(part)}</td>{_render_f1(micro)}</tr>')
    body = "\n".join(rows)
    note = f"<p>Меньше {SMALLEST_GROUP} статей, не показаны: {', '.join(skipped)}.</p>" if skipped else ""
    return f"""<section>
<table>
<caption>{title}</caption>
<thead><tr><th></th><th scope="col">статей</th><th scope="col">F1</th>
<th scope="col" class="interval">interval</th><th class="bar"></th><th scope="col">support</th></tr></thead>
<tbody>
{body}
</tbody>
</table>
{note}
</section>"""


def _render_kinds(comparisons: Sequence[Comparison]) -> str:
    """Options of the filter by error kind, with their numbers."""
    totals: Counter[str] = Counter()
    for comparison in comparisons:
        totals.update(comparison.errors)
    return "\n".join(
        f'<option value=".{kind}">{name} ({totals[kind]})</option>' for kind, name in KINDS.items()
    )


def _render_names(schema: Schema) -> str:
    """Options of the filter by label or event."""
    parts = []
    for title, prefix, names in (("Метки", "l", schema.labels), ("События", "e", schema.events)):
        options = "".join(
            f'<option value=".{prefix}{i}">{_escape(name)}</option>' for i, name in enumerate(names)
        )
        parts += [f'<optgroup label="{title}">{options}</optgroup>'] if names else []
    return "\n".join(parts)


def _render_article(comparison: Comparison, schema: Schema, is_open: bool) -> str:
    gold, predicted, errors = comparison.gold, comparison.predicted, comparison.errors
    notes = [
        str(value)
        for value in gold.meta.values()
        if isinstance(value, str | int | float) and 0 < len(str(value)) <= LONGEST_NOTE
    ]
    notes.append(_plural(len(gold.text), "знак", "знака", "знаков"))
    tally = [f"<em>{name} {errors[kind]}</em>" for kind, name in KINDS.items() if errors[kind]]
    head = f"<b>{_escape(gold.id)}</b> <small>{_escape(' · '.join(notes))}</small>"
    return f"""<details class="article"{" open" if is_open else ""}>
<summary>{head} {" ".join(tally) or "<i>без ошибок</i>"}</summary>
<div class="sides">
<section><h3>Эталон</h3>
<p class="events">События: {_render_events(gold, predicted, schema, MISSED)}</p>
<div class="text">{_render_text(gold.text, comparison.gold_spans, schema, "модель")}</div></section>
<section><h3>Модель</h3>
<p class="events">События: {_render_events(predicted, gold, schema, SPURIOUS)}</p>
<div class="text">{_render_text(gold.text, comparison.predicted_spans, schema, "эталон")}</div></section>
</div>
</details>"""


def _render_events(document: Document, other: Document, schema: Schema, error: str) -> str:
    """One side's events; those that the other side lacks carry the error's name."""
    chips = []
    for i, event in enumerate(schema.events):
        if event not in document.events:
            continue
        is_right = event in other.events
        classes = f"event e{i} {RIGHT if is_right else f'{error} wrong'}"
        note = "" if is_right else f' data-note="{KINDS[error]}"'
        probability = document.event_scores.get(event)
        title = f' title="вероятность {_percent(probability)} %"' if probability is not None else ""
        chips.append(f'<span class="{classes}"{title}{note}>{_escape(event)}</span>')
    return " ".join(chips) or "нет"


def _render_text(text: str, verdicts: Sequence[Verdict], schema: Schema, other_side: str) -> str:
    """A text with its spans marked; where spans overlap, marks are nested between the spans' edges."""
    edges = {0, len(text)}
    for verdict in verdicts:
        edges |= {verdict.span.start, verdict.span.end}
    parts = []
    for start, end in pairwise(sorted(edges)):
        covering = [v for v in verdicts if v.span.start <= start and end <= v.span.end]
        opening = "".join(_open_mark(v, text, schema, other_side, v.span.end == end) for v in covering)
        parts.append(f"{opening}{_escape(text[start:end])}{'</mark>' * len(covering)}")
    return "".join(parts)


def _open_mark(verdict: Verdict, text: str, schema: Schema, other_side: str, is_last: bool) -> str:
    """A span's start tag: c is its colour, l the labels to filter by, and the note says what is wrong."""
    span, kind, other = verdict.span, verdict.kind, verdict.other
    number = schema.labels.index(span.label)
    classes = [f"c{number % len(COLOURS)}", f"l{number}", kind]
    title = span.label if span.score is None else f"{span.label}, вероятность {_percent(span.score)} %"
    note = KINDS.get(kind, "")
    if kind != RIGHT:
        classes.append("wrong")
        title += f"; {note}"
    if other and kind != RIGHT:
        title += f"; {other_side}: {other.label} «{text[other.start : other.end]}»"
    if other and kind == LABEL:
        classes.append(f"l{schema.labels.index(other.label)}")
        note = f"{other_side}: {other.label}"
    noted = f' data-note="{_escape(note)}"' if note and is_last else ""
    return f'<mark class="{" ".join(classes)}" title="{_escape(title)}"{noted}>'


def _render_problems(problems: Sequence[str]) -> str:
    if not problems:
        return "<p>Таких нет.</p>"
    items = "\n".join(f"<li>{_escape(problem)}</li>" for problem in problems)
    return f"<details><summary>Всего {len(problems)}</summary>\n<ul>\n{items}\n</ul>\n</details>"
