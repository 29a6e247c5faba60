"""The report page: every error named, what is shown agrees with the scores, no text can break out."""

from __future__ import annotations

import random
from collections import Counter
from html.parser import HTMLParser

from infer.document import Document, Span
from infer.schema import Schema
from train.html import BOUNDS, LABEL, MISSED, RIGHT, SPURIOUS, compare, render
from train.metrics import score

TEXT = "Губернатор Алексей Островский встретился с делегацией провинции Хэйлунцзян."
HOSTILE = "<script>alert(1)</script> & \"'</div>\x00\x1b\ud800 $title ${x} &amp; <!--"


class _Reader(HTMLParser):
    """The page as a browser would see it: elements, their texts, and whether tags are balanced."""

    VOID = frozenset({"meta", "input"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.articles: list[dict[str, list[str]]] = []
        self.marks: list[tuple[str, str]] = []  # classes and note
        self.notes: list[str] = []
        self.links: list[str] = []
        self._open: list[tuple[str, str]] = []
        self.feed(page)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        self.tags[tag] += 1
        self.links += [values[key] for key in ("src", "href", "onclick", "onload") if key in values]
        if values.get("class") == "article":
            self.articles.append({"b": [""], "text": []})
        if values.get("class") == "text":
            self.articles[-1]["text"].append("")
        if self.articles and tag == "mark":
            self.marks.append((values["class"], values.get("data-note", "")))
        if tag not in self.VOID:
            self._open.append((tag, values.get("class", "")))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if ("div", "text") in self._open:
            self.articles[-1]["text"][-1] += data
        elif self._open and self._open[-1][0] == "b" and self.articles:
            self.articles[-1]["b"][0] += data
        elif self._open and self._open[-1][0] == "li":
            self.notes.append(data)

    @property
    def names(self) -> list[str]:
        return [article["b"][0] for article in self.articles]


def _render(
    gold: list[Document], predicted: list[Document], schema: Schema, problems: tuple[str, ...] = ()
) -> str:
    return render(score(gold, predicted, schema), gold, predicted, schema, "Отчёт", problems)


def _document(
    name: str, *spans: Span, text: str = TEXT, events: tuple[str, ...] = (), **meta: str
) -> Document:
    return Document(name, text, spans, events, meta=meta)


def test_every_error_is_named() -> None:
    gold = _document(
        "a",
        Span(0, 5, "PARTNER"),
        Span(10, 20, "PARTNER"),
        Span(30, 35, "SECTOR"),
        Span(40, 45, "OFFICIAL"),
        events=("visit",),
    )
    predicted = _document(
        "a",
        Span(0, 5, "PARTNER"),
        Span(12, 22, "PARTNER"),
        Span(30, 35, "OFFICIAL"),
        Span(60, 65, "SECTOR"),
        events=("agreement",),
    )
    found = compare(gold, predicted)
    assert [verdict.kind for verdict in found.gold_spans] == [RIGHT, BOUNDS, LABEL, MISSED]
    assert [verdict.kind for verdict in found.predicted_spans] == [RIGHT, BOUNDS, LABEL, SPURIOUS]
    assert found.errors == {BOUNDS: 1, LABEL: 1, MISSED: 2, SPURIOUS: 2}


def test_a_span_takes_part_in_one_match() -> None:
    wide = Span(0, 20, "PARTNER")
    found = compare(_document("a", Span(0, 5, "PARTNER"), Span(8, 20, "PARTNER")), _document("a", wide))
    kinds = {verdict.span.start: (verdict.kind, verdict.other) for verdict in found.gold_spans}
    assert kinds == {0: (MISSED, None), 8: (BOUNDS, wide)}  # the one that shares more
    assert found.errors == {BOUNDS: 1, MISSED: 1}


def test_right_and_wrong_bounds_agree_with_the_scores(schema: Schema) -> None:
    rng = random.Random(5)

    def draw(name: str) -> Document:
        edges = sorted(rng.sample(range(len(TEXT)), 16))
        pairs = zip(edges[::2], edges[1::2], strict=True)
        return _document(name, *(Span(a, b, rng.choice(schema.labels)) for a, b in pairs))

    gold, predicted = ([draw(str(i)) for i in range(40)] for _ in range(2))
    # some of the gold spans are found as they stand
    predicted[:10] = [_document(doc.id, *doc.spans[::2]) for doc in gold[:10]]
    scores = score(gold, predicted, schema)
    kinds = Counter(
        verdict.kind
        for truth, guess in zip(gold, predicted, strict=True)
        for verdict in compare(truth, guess).gold_spans
    )
    strict, partial = scores.spans["micro"], scores.spans_partial["micro"]
    assert kinds[RIGHT] == round(strict.recall * strict.support)
    assert kinds[RIGHT] + kinds[BOUNDS] == round(partial.recall * partial.support)


def test_texts_are_whole_on_both_sides_and_errors_come_first(schema: Schema) -> None:
    gold = [
        _document(name, Span(11, 29, "OFFICIAL"), Span(54, 74, "PARTNER")) for name in ("fine", "one", "two")
    ]
    predicted = [gold[0], _document("one", Span(11, 29, "OFFICIAL")), _document("two")]
    page = _Reader(_render(gold, predicted, schema))
    assert page.names == ["two", "one", "fine"]
    assert all(article["text"] == [TEXT, TEXT] for article in page.articles)
    assert Counter(note for _, note in page.marks) == {"пропуск": 3, "": 6}


def test_wrong_label_names_both_and_is_found_by_either(schema: Schema) -> None:
    gold, predicted = _document("a", Span(0, 5, "PARTNER")), _document("a", Span(0, 5, "SECTOR", 0.5))
    page = _Reader(_render([gold], [predicted], schema))
    assert page.marks == [
        ("c0 l0 label wrong l2", "модель: SECTOR"),
        ("c2 l2 label wrong l0", "эталон: PARTNER"),
    ]


def test_overlapping_spans_are_nested(schema: Schema) -> None:
    gold = _document("a", Span(0, 20, "PARTNER"), Span(11, 29, "OFFICIAL"))
    page = _Reader(_render([gold], [gold], schema))
    assert page.articles[0]["text"] == [TEXT, TEXT]
    assert len(page.marks) == 2 * 4  # [0, 11), twice [11, 20), [20, 29), on each side


def test_no_text_can_break_out(schema: Schema) -> None:
    gold = _document(HOSTILE, Span(3, 40, "PARTNER"), text=HOSTILE, events=("visit",), source=HOSTILE)
    predicted = _document(HOSTILE, Span(1, 9, "PARTNER", 0.5), text=HOSTILE)
    golds = [gold, *(_document(str(i), source=HOSTILE) for i in range(3))]
    page = render(
        score(golds, [predicted, *golds[1:]], schema),
        golds,
        [predicted, *golds[1:]],
        schema,
        HOSTILE,
        [HOSTILE],
    )
    page.encode("utf-8")
    assert "\x00" not in page
    seen = _Reader(page)
    assert (seen.tags["script"], seen.tags["style"], seen.links) == (1, 2, [])
    readable = HOSTILE.replace("\x00", "\ufffd").replace("\x1b", "\ufffd").replace("\ud800", "\ufffd")
    assert seen.articles[0]["text"] == [readable, readable]
    assert seen.names[0] == readable
    assert seen.notes == [readable]


def test_nothing_is_loaded_from_elsewhere(schema: Schema) -> None:
    page = _render([_document("a")], [_document("a")], schema)
    assert not _Reader(page).links
    assert "http://" not in page
    assert "https://" not in page
    assert "url(" not in page


def test_groups_of_few_articles_get_no_score(schema: Schema) -> None:
    gold = [_document(f"w{i}", Span(0, 5, "PARTNER"), source="wire") for i in range(3)]
    gold.append(_document("b", source="blog"))
    page = _render(gold, gold, schema)
    assert '<th scope="row">wire</th><td>3</td><td><b>100,0</b>' in page
    assert '<th scope="row">blog</th>' not in page
    assert "не показаны: blog (1)" in page
    assert '<th scope="row">до 1000</th><td>4</td>' in page


def test_articles_without_a_source_are_grouped_by_length_only(schema: Schema) -> None:
    gold = [_document(str(i), text="я" * length) for i, length in enumerate((999, 1000, 4000, 4000, 4000))]
    page = _render(gold, gold, schema)
    assert "По источнику" not in page
    assert "не показаны: до 1000 (1), 1000–2000 (1)" in page
    assert '<th scope="row">от 4000</th><td>3</td>' in page


def test_schema_without_labels_or_without_events() -> None:
    for schema in (Schema((), ("visit",)), Schema(("PARTNER",), ())):
        document = _document("a", *(Span(0, 5, label) for label in schema.labels), events=schema.events)
        page = _Reader(_render([document], [document], schema))
        assert page.names == ["a"]


def test_more_labels_than_colours() -> None:
    schema = Schema(tuple(f"L{i}" for i in range(12)), ())
    document = _document("a", *(Span(i, i + 1, label) for i, label in enumerate(schema.labels)))
    marks = _Reader(_render([document], [document], schema)).marks
    assert [name.split()[:2] for name, _ in marks[7:9]] == [["c7", "l7"], ["c0", "l8"]]
