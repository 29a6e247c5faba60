"""Suspected label errors as lines for the console and as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from infer.document import Document, Span
from infer.schema import Schema
from train.doubts import Doubt
from train.excerpts import Mark, excerpt, link, page
from train.matching import BOTH, BOUNDS, LABEL, MISSED, RIGHT, SPURIOUS
from train.tables import colour_class
from train.wording import count_articles, percent, safe

TITLES = {  # what may be wrong with the annotation, by the kind of the contradiction
    SPURIOUS: ("not annotated", "не размечено"),
    BOUNDS: ("other bounds", "границы"),
    LABEL: ("other label", "метка"),
    BOTH: ("label, bounds", "метка и границы"),
    RIGHT: ("improbable", "маловероятно"),
    MISSED: ("not found", "не найдено"),
}
AROUND = 30  # characters beside a mention on the console
NOTE = """<p class="note">В тексте
<mark class="gold sample c7" style="--depth: 0">черта сверху – разметка (gold)</mark>,
<mark class="model sample c7" style="--depth: 0">черта снизу – модель (predicted)</mark>,
<mark class="both sample c7" style="--depth: 0">обе – совпало</mark>; цвет – метка. Отвечала модель, которая
этой статьи не видела (cross-validation). Число – вероятность по мнению модели, что разметка неверна.</p>"""
UNSCORED = """<p class="note">Размечено, но модель здесь ничего не нашла. Насколько она в этом уверена,
неизвестно, поэтому порядок другой: сначала те слова, с которыми модель в других местах справляется.</p>"""


def suspect_lines(doubts: Sequence[Doubt], links: Mapping[str, str]) -> list[str]:
    """A line a suspect, and the address of its task under it."""
    lines = []
    for number, doubt in enumerate(doubts, 1):
        score = f"{doubt.score:.3f}" if doubt.is_scored else "    -"
        title = "event" if doubt.event else TITLES[doubt.kind][0]
        line = f"{number:3}  {score}  {title:13}  {doubt.article.id}  {_tell(doubt)}"
        lines.append(line)
        if doubt.article.id in links:
            lines.append(f"{'':27}{links[doubt.article.id]}")
    return lines


def suspects_page(doubts: Sequence[Doubt], links: Mapping[str, str], schema: Schema) -> str:
    """All suspects, in their order; those that weren't found, unscored, in a table of their own."""
    scored = [doubt for doubt in doubts if doubt.is_scored]
    unscored = doubts[len(scored) :]
    articles = len({doubt.article.id for doubt in doubts})
    intro = (
        f"<p>Подозрений: {len(scored)} с оценкой, {len(unscored)} без неё; {count_articles(articles)}.</p>"
    )
    parts = [NOTE, "<h2>Модель уверенно отвечает иначе</h2>", _table(scored, links, schema)]
    if unscored:
        parts += ["<h2>Размечено, но не найдено</h2>", UNSCORED, _table(unscored, links, schema)]
    return page("Vizitka: подозрительная разметка", intro, "\n".join(parts))


def _table(doubts: Sequence[Doubt], links: Mapping[str, str], schema: Schema) -> str:
    if not doubts:
        return "<p>Нет таких.</p>"
    rows = "\n".join(_row(doubt, links.get(doubt.article.id), schema) for doubt in doubts)
    return f"""<table class="runs review">
<thead><tr><th scope="col">статья</th><th scope="col">подозрение</th><th scope="col">разметка (gold)</th>
<th scope="col">модель (predicted)</th><th scope="col" class="text">место</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>"""


def _row(doubt: Doubt, address: str | None, schema: Schema) -> str:
    score = f"<br><b>{percent(doubt.score)}&nbsp;%</b>" if doubt.is_scored else ""
    if doubt.event:
        yes, no = f'<span class="name">{safe(doubt.event)}</span>', '<span class="none">нет</span>'
        gold, model = (yes, no) if doubt.kind == MISSED else (no, yes)
        kind, shown = "событие", _opening(doubt.article)
    else:
        gold, model = (_name(span, doubt.article, schema) for span in (doubt.gold, doubt.predicted))
        kind, shown = TITLES[doubt.kind][1], _place(doubt, schema)
    return f"""<tr><td>{link(doubt.article.id, address)}</td><td data-name="подозрение">{kind}{score}</td>
<td data-name="разметка">{gold}</td><td data-name="модель">{model}</td><td class="text">{shown}</td></tr>"""


def _place(doubt: Doubt, schema: Schema) -> str:
    """The mention in its sentence, with what either side marked."""
    sides = (
        (("both", doubt.gold),) if doubt.kind == RIGHT else (("gold", doubt.gold), ("model", doubt.predicted))
    )
    spans = [(side, span) for side, span in sides if span]
    marks = [Mark(span.start, span.end, side, _colour(span, schema)) for side, span in spans]
    start, end = min(mark.start for mark in marks), max(mark.end for mark in marks)
    return excerpt(doubt.article.text, start, end, marks)


def _opening(article: Document) -> str:
    """The article's first line, which says what it is about."""
    start = len(article.text) - len(article.text.lstrip())
    return excerpt(article.text, start, start, [])


def _name(span: Span | None, article: Document, schema: Schema) -> str:
    if span is None:
        return '<span class="none">–</span>'
    return f'<span class="name {_colour(span, schema)}">{safe(span.label)}</span> {safe(article.quote(span))}'


def _colour(span: Span, schema: Schema) -> str:
    return colour_class(schema.labels.index(span.label))


def _tell(doubt: Doubt) -> str:
    """The annotation, the model's answer, and the mention between what stands around it."""
    if doubt.event:
        return f"{doubt.event}: {'yes -> no' if doubt.kind == MISSED else 'no -> yes'}"
    text, spans = doubt.article.text, [span for span in (doubt.gold, doubt.predicted) if span]
    start, end = min(span.start for span in spans), max(span.end for span in spans)
    around = f"{text[max(start - AROUND, 0) : start]}⟦{text[start:end]}⟧{text[end : end + AROUND]}"
    gold, model = (
        f"{span.label} «{' '.join(doubt.article.quote(span).split())}»" if span else "-"
        for span in (doubt.gold, doubt.predicted)
    )
    answer = gold if doubt.kind == RIGHT else f"{gold} -> {model}"
    return f"{answer}  | {' '.join(around.split())}"
