"""The report page: its figures are the scores, what is missing has no section, no text can break out."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from infer.config import DecodingSettings
from infer.document import Document, Span
from infer.schema import Schema
from train.baselines import Baselines
from train.comparison import differences
from train.evaluation import Evaluation
from train.html import Report, render
from train.metrics import break_down, length_name, summarize
from train.reliability import measure_reliability
from train.tally import tally

TEXT = "Губернатор Алексей Островский встретился с делегацией провинции Хэйлунцзян."
OFFICIAL, PARTNER = Span(11, 29, "OFFICIAL"), Span(54, 74, "PARTNER")
HOSTILE = "<script>alert(1)</script> & \"'</div>\x00\x1b\ud800 $title ${x} &amp; <!--"
CURVE = [{"step": 100.0, "spans": 0.5, "events": 0.7, "score": 0.6}, {"step": 200.0, "score": 0.8}]


def make_report(
    gold: Sequence[Document], predicted: Sequence[Document], schema: Schema, **values: object
) -> Report:
    """A report of these answers with breakdowns and nothing else."""
    counted = tally(gold, predicted, schema)
    breakdown = {
        "source": break_down(counted, [str(document.meta.get("source", "")) for document in gold]),
        "length": break_down(counted, [length_name(document) for document in gold]),
    }
    evaluation = Evaluation(summarize(counted), 1.0, breakdown, None)
    return replace(Report("Отчёт", schema, gold, predicted, evaluation), **values)  # type: ignore[arg-type]


def make_document(
    name: str, *spans: Span, text: str = TEXT, events: tuple[str, ...] = (), **meta: str
) -> Document:
    """An article; its events and spans get probabilities, as predictions have."""
    scored = tuple(replace(span, score=0.9) for span in spans)
    return Document(name, text, scored, events, {"visit": 0.9, "agreement": 0.2, "exhibition": 0.1}, meta)


class _Page(HTMLParser):
    """What a browser would see without running the script; tags must balance."""

    VOID = frozenset({"meta", "input", "br", "line", "circle", "polyline"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.scripts = 0
        self.ids: list[str] = []
        self.texts: dict[str, str] = {}  # by the element's tag and class
        self._open: list[str] = []
        self._names: list[str] = []
        self.feed(page)
        assert not self._open

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.handle_endtag(tag)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        self.scripts += tag == "script"
        self.addresses += [values[key] for key in ("src", "href", "action", "srcset") if key in values]
        self.handlers += [key for key in values if key.startswith("on")]
        self.ids += [values["id"]] if "id" in values else []
        if tag not in self.VOID:
            self._open.append(tag)
            self._names.append(values.get("id") or f"{tag}.{values.get('class', '')}")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        self._names.pop()

    def handle_data(self, data: str) -> None:
        for name in self._names:
            self.texts[name] = self.texts.get(name, "") + data


def _articles(page: str) -> list[dict[str, object]]:
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found
    articles: list[dict[str, object]] = json.loads(found[1])["articles"]
    return articles


def test_first_screen_answers_three_questions(schema: Schema) -> None:
    gold = [make_document(f"a{i}", OFFICIAL, PARTNER, events=("visit",), source="wire") for i in range(3)]
    gold += [make_document(f"b{i}", OFFICIAL, PARTNER, source="blog") for i in range(3)]
    predicted = [*gold[:3], *(make_document(f"b{i}", OFFICIAL) for i in range(3))]
    report = make_report(gold, predicted, schema)
    report = replace(report, reliability=measure_reliability(gold, predicted, schema, DecodingSettings()))
    text = " ".join(_Page(render(report)).texts["div.answers"].split())  # tags are not spaces
    micro = report.scores.spans["micro"]
    assert f"{100 * micro.f1:.1f}".replace(".", ",") in text  # how good
    low, high = (f"{100 * end:.1f}".replace(".", ",") for end in micro.f1_interval)
    assert f"{low}–{high}" in text  # how sure
    assert "(ECE)" in text
    assert "PARTNERслабейшая метка66,7" in text  # where it fails
    assert "пропуск (missed)" in text
    assert "blogслабейший источник, 3 статьи66,7" in text


def test_every_f1_of_the_scores_is_in_the_table(schema: Schema) -> None:
    gold = [make_document(str(i), OFFICIAL, PARTNER, events=("visit",)) for i in range(9)]
    predicted = [make_document(str(i), *[OFFICIAL, PARTNER][: i % 3]) for i in range(9)]
    report = make_report(gold, predicted, schema)
    page = render(report)
    for group in (report.scores.spans, report.scores.entities, report.scores.events):
        for name, score in group.items():
            f1 = f"<b>{100 * score.f1:.1f}</b>".replace(".", ",") if score.support else "<td>–</td>"
            assert re.search(rf'<th scope="row">{name}</th>(<td>[\d,–]+</td>){{2,3}}?.*?{f1}', page), name


def test_a_model_no_better_than_simple_methods_is_called_out(schema: Schema) -> None:
    gold = [make_document(str(i), OFFICIAL, PARTNER, events=("visit",)) for i in range(9)]
    half = [make_document(str(i), OFFICIAL) for i in range(9)]
    model, simple = tally(gold, half, schema), tally(gold, half, schema)
    baselines = Baselines(summarize(simple), differences(simple, model))
    report = make_report(gold, half, schema)
    report = replace(report, evaluation=replace(report.evaluation, baselines=baselines))
    warnings = _Page(render(report)).texts["aside.warnings"]
    assert "micro, упоминания" in warnings
    assert "visit, события" in warnings
    better = tally(gold, gold, schema)
    baselines = Baselines(summarize(simple), differences(simple, better))
    report = make_report(gold, gold, schema)
    report = replace(report, evaluation=replace(report.evaluation, baselines=baselines))
    page = _Page(render(report))
    assert "PARTNER, упоминания" not in page.texts.get("aside.warnings", "")
    assert "TF-IDF" in page.texts["p.note"]


def test_warnings_problems_and_missing_text_are_shown_first(schema: Schema) -> None:
    gold = [make_document("a", OFFICIAL)]
    report = make_report(gold, gold, schema)
    assert "aside.warnings" not in _Page(render(report)).texts
    report = replace(
        report,
        evaluation=replace(report.evaluation, coverage=0.98),
        warnings=[f"reprint {i}" for i in range(9)],
        problems=["task 3: span 4-9 is not there"] * 2,
    )
    rendered = render(report)
    assert 'Сообщение программы: <span lang="en">reprint 0</span>.' in rendered
    assert '<ul lang="en">\n<li>task 3: span 4-9 is not there</li>' in rendered
    page = _Page(rendered)
    for sentence in ("98,0", "reprint 0", "reprint 8", "и ещё 6", "2 замечания"):
        assert sentence in page.texts["aside.warnings"]
    assert "problems" in page.ids


def test_links_lead_to_sections_that_are_there(schema: Schema) -> None:
    gold = [make_document(str(i), OFFICIAL, events=("visit",), source="wire") for i in range(3)]
    bare = make_report(gold, gold, schema)
    full = replace(
        bare,
        reliability=measure_reliability(gold, gold, schema, DecodingSettings()),
        curve=CURVE,
        facts={"seed": 13, "config": {"backbone": "tiny"}, "curve": CURVE, "data": {"train_documents": 4}},
        problems=["task 3"],
    )
    for report in (bare, full):
        page = _Page(render(report))
        assert len(set(page.ids)) == len(page.ids)
        assert all(link.startswith("#") and link[1:] in page.ids for link in page.addresses)
    assert {"curve", "facts", "problems"}.isdisjoint(_Page(render(bare)).ids)
    assert {"curve", "facts", "problems", "confidence", "groups"} <= set(page.ids)


def test_no_text_can_break_out() -> None:
    schema = Schema((HOSTILE[:30], "B"), (HOSTILE[:40],))
    document = Document(
        HOSTILE, HOSTILE, (Span(3, 40, schema.labels[0], 0.5),), schema.events, {schema.events[0]: 0.5}
    )
    gold = [replace(document, id=f"{HOSTILE}{i}", meta={"source": HOSTILE[:50]}) for i in range(3)]
    report = make_report(gold, gold, schema, title=HOSTILE, warnings=[HOSTILE], problems=[HOSTILE])
    page = render(replace(report, facts={HOSTILE: HOSTILE}))
    page.encode("utf-8")
    assert "\x00" not in page
    seen = _Page(page)
    assert (seen.scripts, seen.handlers) == (2, [])
    readable = HOSTILE.replace("\x00", "\ufffd").replace("\x1b", "\ufffd").replace("\ud800", "\ufffd")
    assert readable in seen.texts["title."]
    assert readable in seen.texts["aside.warnings"]
    assert [article["text"] for article in _articles(page)] == [readable] * 3


def test_nothing_is_loaded_from_elsewhere(schema: Schema) -> None:
    gold = [make_document("a", OFFICIAL)]
    page = render(make_report(gold, gold, schema, curve=CURVE))
    for forbidden in ("http:", "https:", "url(", "@import", "fetch(", "innerHTML", "<link"):
        assert forbidden not in page
    assert "default-src 'none'" in page


def test_groups_of_few_articles_get_no_score(schema: Schema) -> None:
    gold = [make_document(f"w{i}", PARTNER, source="wire") for i in range(3)]
    gold += [make_document("b", source="blog"), make_document("n")]
    page = render(make_report(gold, gold, schema))
    assert '<th scope="row">wire</th><td>3</td><td><b>100,0</b>' in page
    assert '<th scope="row">blog</th>' not in page
    assert "не показаны: blog (1), не указан (1)" in page


def test_articles_without_a_source_are_grouped_by_length_only(schema: Schema) -> None:
    gold = [make_document(str(i), text="я" * length) for i, length in enumerate((999, 4000, 4000, 4000))]
    page = render(make_report(gold, gold, schema))
    assert "По источнику" not in page
    assert '<th scope="row">4000+</th><td>3</td>' in page


@pytest.mark.parametrize(
    "schema", [Schema((), ("visit",)), Schema(("PARTNER",), ()), Schema(("A",) * 1, ("b",), False)]
)
def test_schema_without_labels_or_without_events(schema: Schema) -> None:
    document = Document(
        "a",
        TEXT,
        tuple(Span(0, 5, label, 0.9) for label in schema.labels),
        schema.events,
        dict.fromkeys(schema.events, 0.9),
    )
    report = make_report([document], [document], schema)
    reliability = measure_reliability([document], [document], schema, DecodingSettings())
    assert len(_articles(render(replace(report, reliability=reliability)))) == 1
