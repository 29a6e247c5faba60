"""Articles as data: every mention in one outcome, offsets for JavaScript, text that can't break out."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from infer.document import Document, Span
from infer.schema import Schema
from train.articles import list_articles, to_json

SCHEMA = Schema(("PARTNER", "OFFICIAL"), ("visit", "agreement"))
ALPHABET = st.sampled_from("аб \r\n😀\U00010348</script>\u2028\x00\ud800")


def _slice(text: str, start: int, end: int) -> str:
    """What JavaScript's text.slice(start, end) gives."""
    return text.encode("utf-16-le", "surrogatepass")[2 * start : 2 * end].decode("utf-16-le")


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(st.text(ALPHABET, min_size=2, max_size=30))
    spans = []
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        spans.append(Span(start, end, draw(st.sampled_from(SCHEMA.labels)), draw(st.floats(0, 1))))
    events = tuple(event for event in SCHEMA.events if draw(st.booleans()))
    return Document("a", text, tuple(set(spans)), events, dict.fromkeys(SCHEMA.events, 0.5))


@given(documents(), st.data())
def test_every_mention_is_there_once_and_where_javascript_looks(gold: Document, data: st.DataObject) -> None:
    spans = data.draw(st.lists(st.sampled_from(gold.spans))) if gold.spans else []
    predicted = Document("a", gold.text, tuple(set(spans)), (), gold.event_scores)
    (article,) = list_articles([gold], {"a": predicted}, SCHEMA)
    assert len(article["text"].encode("utf-16-le")) // 2 >= article["length"] == len(gold.text)
    for side, document in (("gold", gold), ("model", predicted)):
        mentions = [one[side] for one in article["outcomes"] if one["of"] == "label" and one[side]]
        seen = sorted((one["name"], _slice(article["text"], one["start"], one["end"])) for one in mentions)
        clean = [document.quote(span).replace("\x00", "\ufffd") for span in document.spans]
        clean = [quote.replace("\ud800", "\ufffd") for quote in clean]
        assert seen == sorted(zip([span.label for span in document.spans], clean, strict=True))
        events = [one[side]["name"] for one in article["outcomes"] if one["of"] == "event" and one[side]]
        assert tuple(events) == document.events


@given(documents())
def test_json_is_the_same_data_and_safe_inside_a_script(gold: Document) -> None:
    articles = list_articles([gold], {"a": gold}, SCHEMA)
    block = to_json(articles)
    block.encode("utf-8")
    assert not set(block) & set("<>&\u2028\u2029")
    assert json.loads(block) == articles


def test_most_errors_come_first_and_equals_keep_their_order() -> None:
    spans = (Span(0, 1, "PARTNER"), Span(2, 3, "OFFICIAL"))
    gold = [Document(name, "абвг", spans) for name in ("fine", "one", "also one", "two")]
    found = dict(zip(("fine", "one", "also one", "two"), (spans, spans[:1], spans[1:], ()), strict=True))
    predicted = {name: Document(name, "абвг", kept) for name, kept in found.items()}
    articles = list_articles(gold, predicted, SCHEMA)
    assert [article["id"] for article in articles] == ["two", "one", "also one", "fine"]


def test_kinds_of_events_and_spans() -> None:
    gold = Document("a", "абвгд", (Span(0, 2, "PARTNER"),), ("visit",))
    predicted = Document("a", "абвгд", (Span(0, 3, "PARTNER", 0.8),), ("agreement",), {"agreement": 0.9})
    (article,) = list_articles([gold], {"a": predicted}, SCHEMA)
    assert [(one["of"], one["kind"]) for one in article["outcomes"]] == [
        ("event", "missed"),
        ("event", "spurious"),
        ("label", "bounds"),
    ]
    assert article["outcomes"][1]["model"] == {"name": "agreement", "score": 0.9}
    assert article["outcomes"][2]["model"] == {"start": 0, "end": 3, "name": "PARTNER", "score": 0.8}


def test_long_meta_is_no_note() -> None:
    gold = Document("a", "аб", meta={"source": "wire", "year": 2023, "body": "x" * 100, "tags": ["a"]})
    assert list_articles([gold], {"a": gold}, SCHEMA)[0]["notes"] == ["wire", "2023"]
