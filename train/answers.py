"""The report's first screen: how good, how sure, where it fails, in a few figures each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from train.reliability import ALL, Reliability
from train.scores import Part, Score, Scores
from train.tables import SMALLEST_GROUP
from train.wording import KINDS, TERMS, count_articles, decimal, percent, safe, signed

if TYPE_CHECKING:
    from train.evaluation import Evaluation  # brings torch along


def answer(evaluation: Evaluation, reliability: Reliability | None) -> str:
    """The three cards."""
    scores, baselines = evaluation.scores, evaluation.baselines
    cards = (
        _answer_good(scores, baselines.scores if baselines else None),
        _answer_sure(scores, reliability),
        _answer_fails(scores, evaluation.breakdown.get("source", ())),
    )
    return "\n".join(cards)


def compare_with_baselines(evaluation: Evaluation) -> list[str]:
    """A sentence for each F1 of spans (strict) and events in which the model isn't clearly the better one."""
    if evaluation.baselines is None:
        return []
    sentences = []
    for group, kind in (("spans", "упоминания"), ("events", "события")):
        for name, score in evaluation.baselines.scores.group(group).items():
            margin = evaluation.baselines.margins[f"{group}.{name}.f1"]
            if score.support and not margin.is_gain:
                low, high = (signed(100 * end) for end in margin.difference.interval)
                sentences.append(
                    f"{name}, {kind}: не доказано, что модель лучше простого способа "
                    f"(F1 {percent(margin.second)} против {percent(margin.first)}, "
                    f"95 % интервал разности от {low} до {high})"
                )
    return sentences


def _answer_good(scores: Scores, baseline: Scores | None) -> str:
    rows = [
        _answer_row(title, note, result, baseline.group(group)["micro"] if baseline else None)
        for title, note, group in (
            ("Упоминания", "метка и границы точно", "spans"),
            ("Сущности", "найдены ли в статье вообще", "entities"),
            ("События", "все типы вместе", "events"),
        )
        if (result := scores.group(group)["micro"]).support
    ]
    return _card("Насколько хорошо? <small>F1, %</small>", rows)


def _answer_row(title: str, note: str, result: Score, other: Score | None) -> str:
    beside = "" if other is None else f", база {percent(other.f1)}"
    return f"<dt>{title}<br><small>{note}{beside}</small></dt><dd><b>{percent(result.f1)}</b></dd>"


def _answer_sure(scores: Scores, reliability: Reliability | None) -> str:
    rows = []
    for title, group in (("Упоминания", "spans"), ("События", "events")):
        result = scores.group(group)["micro"]
        if result.support:
            low, high = result.f1_interval
            note = "95&nbsp;% интервал F1"
            rows.append(f"<dt>{title}<br><small>{note}</small></dt><dd>{percent(low)}–{percent(high)}</dd>")
    if reliability and ALL in reliability.spans:
        ece = reliability.spans[ALL].after.ece
        note = "на сколько пунктов она в среднем неточна (ECE)"
        rows.append(f"<dt>Уверенность модели<br><small>{note}</small></dt><dd>{decimal(100 * ece, 1)}</dd>")
    rows.append(f"<dt>Проверено статей<br><small>их модель не видела</small></dt><dd>{scores.documents}</dd>")
    return _card("Насколько это надёжно?", rows)


def _answer_fails(scores: Scores, sources: Sequence[Part]) -> str:
    rows = []
    labels = {name: result for name, result in scores.spans.items() if name != "micro" and result.support}
    if labels:
        name = min(labels, key=lambda name: labels[name].f1)
        rows.append(_weakness(safe(name), "слабейшая метка", percent(labels[name].f1)))
    errors = scores.errors.get("all", {})
    total = sum(errors[kind] for kind in KINDS) if errors else 0
    if total:
        kind = max(KINDS, key=lambda kind: errors[kind])
        share = f"{100 * errors[kind] / total:.0f}&nbsp;%"
        rows.append(_weakness(f"{KINDS[kind]} ({TERMS[kind]})", "самый частый вид ошибок, их доля", share))
    events = {name: result for name, result in scores.events.items() if name != "micro" and result.support}
    if events:
        name = min(events, key=lambda name: events[name].f1)
        rows.append(_weakness(safe(name), "слабейшее событие", percent(events[name].f1)))
    parts = [
        part
        for part in sources
        if part.documents >= SMALLEST_GROUP and "spans" in part.scores and part.scores["spans"].support
    ]
    if len(parts) > 1:
        worst = min(parts, key=lambda part: part.scores["spans"].f1)
        note = f"слабейший источник, {count_articles(worst.documents)}"
        rows.append(_weakness(safe(worst.name), note, percent(worst.scores["spans"].f1)))
    return _card("Где ошибается? <small>F1, %</small>", rows)


def _weakness(name: str, note: str, value: str) -> str:
    return f"<dt>{name}<br><small>{note}</small></dt><dd>{value}</dd>"


def _card(title: str, rows: Sequence[str]) -> str:
    listed = "\n".join(rows)
    return f"<section>\n<h2>{title}</h2>\n<dl>\n{listed}\n</dl>\n</section>"
