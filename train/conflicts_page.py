"""Conflicts between annotators as lines for the console and as a page, the same in both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from infer.document import Span
from infer.schema import Schema
from train.conflicts import Conflicts, Place
from train.excerpts import Mark, excerpt, link, page
from train.tables import colour_class
from train.wording import count, count_articles, safe

INTRO = """<p>Места, где разметчики ответили по-разному: они подчёркнуты, рядом ответ каждого. Сначала
статьи, где расхождений больше. Имя статьи ведёт к задаче в Label Studio, если она известна.</p>"""


def conflict_lines(found: Sequence[Conflicts], links: Mapping[str, str], limit: int | None) -> list[str]:
    """How many conflicts one file has, and which, for reading; at most those of `limit` articles."""
    if not found:
        return []
    lines = [f"  {sum(one.count for one in found)} conflicts in {len(found)} articles:"]
    for conflicts in found[:limit]:
        lines.append(f"    {conflicts.task} ({conflicts.count})  {links.get(conflicts.task, '')}".rstrip())
        for place in conflicts.places:
            said = (f"{name} {_spell(spans, conflicts.text) or '-'}" for name, spans in place.answers.items())
            lines.append(f"      {'; '.join(said)}")
        for event, votes in conflicts.events.items():
            said = (f"{name} {'yes' if vote else 'no'}" for name, vote in votes.items())
            lines.append(f"      {event}: {'; '.join(said)}")
    if len(found) > len(found[:limit]):
        more = len(found) - len(found[:limit])
        lines.append(f"    ... and {more} articles more; --conflicts FILE.html or --all shows them")
    return lines


def conflicts_page(
    found: Mapping[str, Sequence[Conflicts]], links: Mapping[str, Mapping[str, str]], schema: Schema
) -> str:
    """All conflicts of the files, which are the keys of both."""
    parts = []
    for file, listed in found.items():
        total = count(sum(one.count for one in listed), "расхождение", "расхождения", "расхождений")
        parts.append(f"<h2>{safe(file)}: {total}, {count_articles(len(listed))}</h2>")
        parts += [_render(one, links[file].get(one.task), schema) for one in listed]
    return page("Vizitka: расхождения разметчиков", INTRO, "\n".join(parts))


def _render(conflicts: Conflicts, address: str | None, schema: Schema) -> str:
    head = "".join(f'<th scope="col">{safe(name)}</th>' for name in conflicts.annotators)
    rows = [_render_place(place, conflicts, schema) for place in conflicts.places]
    for event, votes in conflicts.events.items():
        given = {name: "да" if vote else "нет" for name, vote in votes.items()}
        cells = "".join(_cell(name, given[name]) for name in conflicts.annotators)
        rows.append(f'<tr><td class="text">Событие {safe(event)}</td>{cells}</tr>')
    listed = "\n".join(rows)
    return f"""<h3>{link(conflicts.task, address)}</h3>
<table class="runs review">
<thead><tr><th scope="col" class="text">место</th>{head}</tr></thead>
<tbody>
{listed}
</tbody>
</table>"""


def _render_place(place: Place, conflicts: Conflicts, schema: Schema) -> str:
    mark = Mark(place.start, place.end, "model", "c7")
    shown = excerpt(conflicts.text, place.start, place.end, [mark])
    marked = {name: _render_spans(spans, conflicts.text, schema) for name, spans in place.answers.items()}
    cells = "".join(_cell(name, marked[name]) for name in conflicts.annotators)
    return f'<tr><td class="text">{shown}</td>{cells}</tr>'


def _cell(annotator: str, answer: str) -> str:
    return f'<td data-name="{safe(annotator)}">{answer}</td>'


def _render_spans(spans: Sequence[Span], text: str, schema: Schema) -> str:
    named = (
        f'<span class="name {colour_class(schema.labels.index(span.label))}">{safe(span.label)}</span> '
        f"{safe(text[span.start : span.end])}"
        for span in spans
    )
    return "<br>".join(named) or '<span class="none">–</span>'


def _spell(spans: Sequence[Span], text: str) -> str:
    return ", ".join(f"{span.label} «{' '.join(text[span.start : span.end].split())}»" for span in spans)
