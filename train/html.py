"""`report.html`: how good a model is, how sure that is, where it fails, and every held-out article.

Pure: values in, a string out. The page is `report.template.html` with `report.css`, charts as inline SVG,
and the articles as one JSON block that `report.js` draws; it makes no requests, and it is valid UTF-8
whatever the articles hold. Figures come from `train/scores.py` and `train/reliability.py`, none is made here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any

from infer.document import Document
from infer.schema import Schema
from train import diagrams, tables
from train.answers import answer, compare_with_baselines
from train.articles import list_articles, to_json
from train.matching import RIGHT
from train.reliability import Reliability
from train.scores import Part, Scores
from train.wording import KINDS, count, count_articles, percent, safe

if TYPE_CHECKING:
    from train.evaluation import Evaluation  # brings torch along

GROUP_TITLES = {"source": "По источнику (source)", "length": "По длине, знаков (length)"}
WARNINGS = 4  # shown at the top; the rest is folded


@dataclass(frozen=True, slots=True)
class Report:
    """What the page shows; what is not there gets no section."""

    title: str
    schema: Schema
    gold: Sequence[Document]
    predicted: Sequence[Document]  # of the same texts
    evaluation: Evaluation
    reliability: Reliability | None = None
    curve: Sequence[Mapping[str, float]] = ()  # dev scores by step
    facts: Mapping[str, Any] = field(default_factory=dict)  # manifest.json
    warnings: Sequence[str] = ()  # what makes the scores doubtful, in the manifest's English
    problems: Sequence[str] = ()  # annotations not used as they stand, likewise

    @property
    def scores(self) -> Scores:
        """Those of the evaluation."""
        return self.evaluation.scores

    @property
    def baseline(self) -> Scores | None:
        """Scores of the simple methods, where they were measured."""
        return self.evaluation.baselines.scores if self.evaluation.baselines else None


def render(report: Report) -> str:
    """The whole page."""
    predicted = {document.id: document for document in report.predicted}
    articles = list_articles(report.gold, predicted, report.schema)
    faultless = sum(all(outcome["kind"] == RIGHT for outcome in article["outcomes"]) for article in articles)
    sections = {
        "groups": _render_groups(report.evaluation.breakdown),
        "errors": _render_errors(report),
        "confidence": _render_confidence(report),
        "curve": _render_curve(report.curve),
        "facts": _render_facts(report.facts),
        "problems": _render_problems(report.problems),
    }
    return Template(_read("report.template.html")).substitute(
        sections,
        title=safe(report.title),
        style=_read("report.css"),
        script=_read("report.js"),
        summary=_render_summary(report, faultless),
        warnings=_render_warnings(report),
        answers=answer(report.evaluation, report.reliability),
        sections=_render_navigation(sections),
        scores=tables.score_rows(report.scores, report.baseline),
        baseline_note=_BASELINE_NOTE if report.baseline else "",
        legend=" ".join(
            f'<b class="name {tables.colour_class(i)}">{safe(label)}</b>'
            for i, label in enumerate(report.schema.labels)
        ),
        kinds=_render_kinds(),
        names=_render_names(report.schema),
        data=to_json({"labels": report.schema.labels, "kinds": list(KINDS.items()), "articles": articles}),
    )


_BASELINE_NOTE = (
    "Красная черта и столбец «база» – простые способы без нейронной сети, обученные на тех же статьях: для "
    "упоминаний словарь размеченных строк по леммам, для событий TF-IDF с логистической регрессией."
)


def _read(name: str) -> str:
    return files("train").joinpath(name).read_text(encoding="utf-8")


def _render_summary(report: Report, faultless: int) -> str:
    parts = [
        f"{count_articles(report.scores.documents)} отложенной выборки, которых модель не видела",
        f"без единой ошибки {faultless}",
    ]
    data, config = report.facts.get("data", {}), report.facts.get("config", {})
    if "train_documents" in data:
        parts.append(f"обучена на {data['train_documents']}, основа {safe(config.get('backbone', ''))}")
    if "date" in report.facts:
        parts.append(safe(str(report.facts["date"])[:10]))
    return " · ".join(parts)


def _render_warnings(report: Report) -> str:
    """What a reader must know before believing a figure."""
    items = [f"{safe(sentence)}." for sentence in compare_with_baselines(report.evaluation)]
    items += [f'Сообщение программы: <span lang="en">{safe(text)}</span>.' for text in report.warnings]
    if report.evaluation.coverage < 1:
        items.insert(0, f"Модель ответила только на {percent(report.evaluation.coverage)}&nbsp;% текста.")
    if len(items) > WARNINGS:
        rest = "\n".join(f"<li>{item}</li>" for item in items[WARNINGS:])
        hidden = f"<details><summary>и ещё {len(items) - WARNINGS}</summary><ul>\n{rest}\n</ul></details>"
        items = [*items[:WARNINGS], hidden]
    if report.problems:
        found = count(len(report.problems), "замечание", "замечания", "замечаний")
        items.append(f'Разметка: {found}, <a href="#problems">список</a>.')
    if not items:
        return ""
    listed = "\n".join(f"<li>{item}</li>" for item in items)
    return f'<aside class="warnings">\n<h2>Внимание</h2>\n<ul>\n{listed}\n</ul>\n</aside>'


def _render_navigation(sections: Mapping[str, str]) -> str:
    titles = {
        "scores": "Оценки",
        "groups": "По группам",
        "errors": "Виды ошибок",
        "confidence": "Уверенность",
        "curve": "Обучение",
        "articles-title": "Статьи",
        "facts": "Прогон",
        "problems": "Разметка",
    }
    shown = (name for name in titles if sections.get(name, "always there"))
    return "\n".join(f'<a href="#{name}">{titles[name]}</a>' for name in shown)


# ---- the sections below


def _render_groups(groups: Mapping[str, Sequence[Part]]) -> str:
    shown = [
        tables.group_table(title, groups[name]) for name, title in GROUP_TITLES.items() if groups.get(name)
    ]
    return _section("groups", "Где получается лучше и хуже (breakdown)", "tables", shown)


def _render_errors(report: Report) -> str:
    shown = []
    if report.schema.labels:
        shown += [tables.error_table(report.scores.errors), tables.confusion_table(report.scores.confusion)]
    if report.schema.events:
        shown.append(tables.event_table(report.scores.event_sets))
    return _section("errors", "Какие ошибки (errors)", "tables", shown)


def _render_confidence(report: Report) -> str:
    charts, kept = [], []
    for name, group in (("Упоминания", "spans"), ("События", "events")):
        curves = report.scores.curves.get(group, {})
        charts.append(diagrams.precision_recall(f"{name}: PR-кривые", curves, report.scores.group(group)))
        if report.reliability:
            changes = report.reliability.spans if group == "spans" else report.reliability.events
            charts.append(diagrams.reliability_figure(f"{name}: надёжность", changes))
            kept.append(tables.calibration_table(f"{name}: калибровка (calibration)", changes))
    note = """<p class="note">PR-кривая: какой была бы точность при другой полноте, если поднимать порог
уверенности; точка – сама модель, AP – площадь под кривой. Диаграмма надёжности (reliability): из ответов с
уверенностью 90&nbsp;% верными должны быть девять из десяти, то есть точки лежат на пунктире; ECE – среднее
отклонение от него, Brier – средний квадрат ошибки, у обоих меньше – лучше.</p>"""
    title = "Насколько верить уверенности модели (confidence)"
    shown = _section("confidence", title, "charts", charts, note)
    return shown + _block("tables", kept) if shown else ""


def _render_curve(curve: Sequence[Mapping[str, float]]) -> str:
    shown = [diagrams.learning_curve(curve)] if curve else []
    return _section("curve", "Как шло обучение (learning curve)", "charts", shown)


def _render_facts(facts: Mapping[str, Any]) -> str:
    listed = "\n".join(
        f"<dt>{safe(name)}</dt><dd><pre>{safe(_spell(value))}</pre></dd>"
        for name, value in facts.items()
        if name not in ("curve", "problems", "scores")
    )
    return _section(
        "facts", "Прогон (manifest)", "", [f'<dl class="facts">\n{listed}\n</dl>'] if listed else []
    )


def _spell(value: object) -> str:
    """A manifest's value as short lines."""
    if isinstance(value, Mapping):
        pairs = ((key, json.dumps(item, ensure_ascii=False, default=str)) for key, item in value.items())
        return "\n".join(f"{key}: {item}" for key, item in pairs)
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _render_problems(problems: Sequence[str]) -> str:
    items = "\n".join(f"<li>{safe(problem)}</li>" for problem in problems)
    shown = [f'<ul lang="en">\n{items}\n</ul>'] if problems else []
    note = '<p class="note">Сообщения программы, те же, что в manifest.json.</p>'
    return _section("problems", "Разметка, не использованная как есть", "", shown, note)


def _section(name: str, title: str, kind: str, parts: Sequence[str], note: str = "") -> str:
    """A titled section, or nothing where there is nothing to show."""
    block = _block(kind, parts)
    return f'<h2 id="{name}">{title}</h2>\n{note}\n{block}' if block else ""


def _block(kind: str, parts: Sequence[str]) -> str:
    shown = "\n".join(part for part in parts if part)
    return f'<div class="{kind}">\n{shown}\n</div>' if shown else ""


# ---- the articles' filters


def _render_kinds() -> str:
    kinds = {"": "Все статьи", "wrong": "Любая ошибка", **KINDS, "faultless": "Без ошибок"}
    return "\n".join(_chip(value, name, "") for value, name in kinds.items())


def _render_names(schema: Schema) -> str:
    chips = [_chip("", "Все метки и события", "")]
    chips += [_chip(f"label {name}", name, tables.colour_class(i)) for i, name in enumerate(schema.labels)]
    return "\n".join(chips + [_chip(f"event {name}", name, "") for name in schema.events])


def _chip(value: str, name: str, colour: str) -> str:
    kind = f' class="{colour}"' if colour else ""
    attributes = f'type="button" value="{safe(value)}"{kind} aria-pressed="false"'
    return f"<button {attributes}>{safe(name)} <span></span></button>"
