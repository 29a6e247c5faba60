from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from infer.align import tokenize
from infer.bundle import Bundle
from infer.config import DecodingSettings, ModelSettings, RunSettings, WindowSettings
from infer.document import Document, Span
from infer.extractor import Extractor, pick_device
from infer.model import Model
from infer.windows import split

HIDDEN = 8


class Lookup(nn.Module):
    """An encoder without context or positions: how a text is cut can't matter to it."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.config = SimpleNamespace(hidden_size=HIDDEN)
        self.table = nn.Embedding(vocabulary, HIDDEN)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
        return SimpleNamespace(last_hidden_state=self.table(input_ids))


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """For a model this small a second thread costs more than it brings."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def lookup(bundle: Bundle) -> Bundle:
    torch.manual_seed(5)
    model = Model(Lookup(len(bundle.tokenizer)), 3, 3)  # type: ignore[arg-type]
    nn.init.normal_(model.event_attention.weight)
    return replace(bundle, model=model.eval())


def with_windows(bundle: Bundle, size: int, overlap: int, **settings: object) -> Bundle:
    windows = WindowSettings(size=size, overlap=overlap)
    return replace(bundle, settings=ModelSettings(windows=windows, **settings))


def assert_same(found: Sequence[Document], expected: Sequence[Document]) -> None:
    """Equal spans, events and ids; scores to 1e-4."""
    for one, other in zip(found, expected, strict=True):
        assert (one.id, one.text, one.meta) == (other.id, other.text, other.meta)
        assert (one.spans, one.events) == (other.spans, other.events)
        assert [s.score for s in one.spans] == pytest.approx([s.score for s in other.spans], abs=1e-4)
        assert one.event_scores == pytest.approx(other.event_scores, abs=1e-4)


@pytest.fixture
def alone(bundle: Bundle, documents: list[Document]) -> list[Document]:
    """Every document extracted by itself, a window at a time."""
    extractor = Extractor(bundle, RunSettings(batch_tokens=1))
    return [extractor.extract(document) for document in documents]


def test_the_fixture_says_something(alone: list[Document]) -> None:
    long = alone[2]
    assert len(long.spans) > 20
    assert len({span.label for span in long.spans}) > 1
    assert len({round(score, 4) for document in alone for score in document.event_scores.values()}) > 9


@pytest.mark.parametrize(
    ("batch_tokens", "buffer_windows"), [(1, 256), (50, 7), (100, 1), (333, 256), (4096, 1), (4096, 256)]
)
def test_batch_and_buffer_change_nothing(
    bundle: Bundle, documents: list[Document], alone: list[Document], batch_tokens: int, buffer_windows: int
) -> None:
    run = RunSettings(batch_tokens=batch_tokens, buffer_windows=buffer_windows)
    assert_same(list(Extractor(bundle, run).extract_many(documents)), alone)


def test_order_and_company_change_nothing(
    bundle: Bundle, documents: list[Document], alone: list[Document]
) -> None:
    extractor = Extractor(bundle)
    generator = random.Random(0)
    for _ in range(3):
        order = generator.choices(range(len(documents)), k=9)  # some twice, some not at all
        found = list(extractor.extract_many(documents[index] for index in order))
        assert_same(found, [alone[index] for index in order])


def test_an_extractor_remembers_nothing(bundle: Bundle, documents: list[Document]) -> None:
    extractor = Extractor(bundle)
    first = list(extractor.extract_many(documents))
    assert list(extractor.extract_many(documents)) == first


def test_ids_texts_and_meta_are_untouched_and_in_order(bundle: Bundle) -> None:
    given = [
        Document(f"folder/{n}", "Да\r\n\u00a0и\u0306 🤝 " * n, meta={"n": n}) for n in (3, 0, 40, 1, 40, 2)
    ]
    found = list(Extractor(bundle, RunSettings(buffer_windows=4)).extract_many(given))
    assert [(d.id, d.text, d.meta) for d in found] == [(d.id, d.text, d.meta) for d in given]


def test_two_documents_with_one_id_stay_two(bundle: Bundle) -> None:
    given = [Document("a", "Да"), Document("a", "Губернатор Алексей Островский")]
    found = list(Extractor(bundle).extract_many(given))
    assert [document.text for document in found] == [document.text for document in given]


def test_annotations_of_the_input_are_replaced_not_read(bundle: Bundle, alone: list[Document]) -> None:
    gold = Document("one", alone[1].text, (Span(0, 2, "SECTOR"),), ("visit",), {"visit": 1.0})
    assert_same([Extractor(bundle).extract(gold)], [alone[1]])


def test_a_string_is_a_document_without_an_id(bundle: Bundle, alone: list[Document]) -> None:
    found = Extractor(bundle).extract(alone[1].text)
    assert found.id == ""
    assert found.spans == alone[1].spans


@pytest.mark.parametrize("text", ["", " ", " \r\n\t\u00a0", "\u200b", "\x00"])
def test_a_text_without_words_has_no_spans_and_the_events_of_the_bias(bundle: Bundle, text: str) -> None:
    with torch.no_grad():
        bundle.model.event_bias.copy_(torch.tensor([2.0, 0.0, -2.0]))
    found = Extractor(bundle).extract(Document("a", text))
    assert (found.text, found.spans, found.events) == (text, (), ("visit", "agreement"))
    assert list(found.event_scores.values()) == pytest.approx([0.8808, 0.5, 0.1192], abs=1e-4)


def test_no_documents_no_answers(bundle: Bundle) -> None:
    assert list(Extractor(bundle).extract_many([])) == []


# --- what is lazy


def test_little_is_read_before_the_first_answer(bundle: Bundle) -> None:
    read = 0

    def articles() -> Iterator[Document]:
        nonlocal read
        for number in range(1000):
            read += 1
            yield Document(str(number), "Да")

    answers = Extractor(bundle, RunSettings(buffer_windows=5)).extract_many(articles())
    assert read == 0
    assert next(answers).id == "0"
    assert read == 5
    assert [next(answers).id for _ in range(5)] == ["1", "2", "3", "4", "5"]
    assert read == 10


def forward_shapes(bundle: Bundle, run: RunSettings, documents: Sequence[Document]) -> list[tuple[int, ...]]:
    """The shapes of `ids` that the model was given."""
    shapes = []

    def note(_: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        shapes.append(tuple(arguments[0].shape))

    handle = bundle.model.register_forward_pre_hook(note)
    list(Extractor(bundle, run).extract_many(documents))
    handle.remove()
    return shapes


def test_windows_of_several_documents_share_batches(bundle: Bundle) -> None:
    documents = [Document(str(n), "Да") for n in range(20)]
    assert forward_shapes(bundle, RunSettings(batch_tokens=4096), documents) == [(20, 24)]
    assert len(forward_shapes(bundle, RunSettings(batch_tokens=1), documents)) == 20


def test_a_batch_holds_no_more_than_batch_tokens_padding_included(
    bundle: Bundle, documents: list[Document]
) -> None:
    for rows, length in forward_shapes(bundle, RunSettings(batch_tokens=320), documents):
        assert rows * length <= 320


# --- long texts


@pytest.mark.parametrize(("size", "overlap"), [(8, 0), (8, 4), (24, 8), (50, 25), (200, 60)])
@pytest.mark.parametrize("pooling", ["first", "mean"])
def test_without_context_windows_change_nothing(
    lookup: Bundle, documents: list[Document], size: int, overlap: int, pooling: str
) -> None:
    """Whatever is shifted, lost, answered twice or pooled over a part of the windows shows here."""
    whole = Extractor(with_windows(lookup, 100_000, 0, pooling=pooling)).extract_many(documents)
    cut = Extractor(with_windows(lookup, size, overlap, pooling=pooling)).extract_many(documents)
    expected = list(whole)
    if size == 8:  # a word of more than six pieces is cut there
        expected, cut = [d for d in expected if d.id == "short"], (d for d in cut if d.id == "short")
    assert_same(list(cut), expected)


def test_a_text_said_twice_is_answered_twice(lookup: Bundle, documents: list[Document]) -> None:
    text = documents[1].text + "\n"
    with torch.no_grad():
        lookup.model.span_head.bias[2::3] = -60  # no I: then no unit depends on its neighbours
    once, often = (Extractor(lookup).extract(text * times) for times in (1, 40))
    assert once.spans
    assert often.spans == tuple(
        Span(span.start + part * len(text), span.end + part * len(text), span.label)
        for part in range(40)
        for span in once.spans
    )
    assert often.event_scores == pytest.approx(once.event_scores, abs=1e-4), "the same share of each word"


def test_events_are_pooled_over_the_answers_of_all_windows(bundle: Bundle, documents: list[Document]) -> None:
    """Worked out again: a window at a time, its own units' rows kept, one softmax over them all."""
    document = documents[2]
    (units,) = tokenize([document.text], bundle.tokenizer)
    windows = split(units.tokens, 22, 8)
    assert len(windows) > 10
    attention, evidence = [], []
    for window in windows:
        first, last = units.tokens[window.start][0], units.tokens[window.end - 1][1]
        ids = torch.tensor([[2, *units.ids[first:last], 3]])
        pool = torch.zeros(1, window.end - window.start, ids.shape[1])
        for row, (begin, _) in enumerate(units.tokens[window.start : window.end]):
            pool[0, row, begin - first + 1] = 1
        with torch.no_grad():
            output = bundle.model(ids, torch.ones_like(ids), pool)
        own = slice(window.answer_start - window.start, window.answer_end - window.start)
        attention.append(output.attention[0, own].numpy())
        evidence.append(output.evidence[0, own].numpy())
    rows = np.exp(np.concatenate(attention).astype(float))
    logits = (rows / rows.sum(axis=0) * np.concatenate(evidence)).sum(axis=0)
    expected = 1 / (1 + np.exp(-logits - bundle.model.event_bias.detach().numpy()))
    found = Extractor(bundle).extract(document)
    assert list(found.event_scores.values()) == pytest.approx(expected.tolist(), abs=1e-4)


def test_the_last_words_of_a_long_text_count_for_its_events(bundle: Bundle) -> None:
    start = "Да " * 500
    one, other = (Extractor(bundle).extract(start + end) for end in ("", "Губернатор Калуге The Co " * 20))
    assert one.event_scores != pytest.approx(other.event_scores, abs=1e-3)


def marking_every_word(lookup: Bundle) -> Bundle:
    """PARTNER begins at every unit, the other labels nowhere."""
    nn.init.zeros_(lookup.model.span_head.weight)
    with torch.no_grad():
        lookup.model.span_head.bias.copy_(torch.tensor([0.0, 8, 0, 8, 0, 0, 8, 0, 0]))
    return with_windows(lookup, 512, 128, decoding=DecodingSettings(overlapping=True))


@pytest.mark.parametrize("count", [1, 5, 300, 50_000])
def test_every_word_of_a_short_and_of_a_very_long_article_is_answered(lookup: Bundle, count: int) -> None:
    words = ("Губернатор", "и", "делегацией", "2018", "Калуге")
    text = " ".join(words[number % 5] for number in range(count))
    found = Extractor(marking_every_word(lookup)).extract(text)
    assert [found.quote(span) for span in found.spans] == text.split()
    assert all(span.score == pytest.approx(1, abs=2e-3) for span in found.spans)


def test_a_very_long_article_through_a_real_encoder(bundle: Bundle) -> None:
    """Batched one way and another; 1,750 words are some 100 windows here."""
    text = "Губернатор встретился с делегацией. The Q-Carbon Co " * 250
    wide = with_windows(bundle, 64, 16)
    found = [
        Extractor(wide, RunSettings(batch_tokens=batch_tokens)).extract(text) for batch_tokens in (2000, 9000)
    ]
    assert found[0].spans[-1].end > len(text) - 60
    assert_same(found[:1], found[1:])


def test_a_word_longer_than_a_window_and_one_of_unknown_letters_are_answered(lookup: Bundle) -> None:
    bundle = with_windows(marking_every_word(lookup), 8, 4)
    text = "Да " + "x" * 35 + " ﷽ 北京 " + "aGVsbG8" * 30 + " Да"
    (units,) = tokenize([text], bundle.tokenizer)
    found = Extractor(bundle).extract(text)
    assert sorted({(span.start, span.end) for span in found.spans}) == units.spans
    assert found.quote(found.spans[-1]) == "Да"


# --- settings and devices


def test_the_models_own_decoding_settings_hold(bundle: Bundle, documents: list[Document]) -> None:
    def extract(**decoding: object) -> Document:
        changed = with_windows(bundle, 24, 8, decoding=DecodingSettings(**decoding))
        return Extractor(changed).extract(documents[2])

    plain, strict, all_ = (
        extract(),
        extract(span_thresholds=dict.fromkeys(bundle.schema.labels, 0.6)),
        extract(overlapping=True),
    )
    assert 0 < len(strict.spans) < len(plain.spans) < len(all_.spans)
    assert all(span.score >= 0.6 for span in strict.spans)
    none = extract(event_thresholds=dict.fromkeys(bundle.schema.events, 1.0))
    assert none.events == ()
    assert extract(event_thresholds=dict.fromkeys(bundle.schema.events, 0.0)).events == bundle.schema.events


def test_the_models_own_unit_and_pooling_hold(bundle: Bundle) -> None:
    text = "Губернатору Калугою Индиянка " * 5
    found = [
        Extractor(with_windows(bundle, 24, 8, **settings)).extract(text)
        for settings in ({}, {"pooling": "mean"}, {"unit": "piece"})
    ]
    scores = [list(document.event_scores.values()) for document in found]
    assert scores[0] != pytest.approx(scores[1], abs=1e-3)
    assert scores[0] != pytest.approx(scores[2], abs=1e-3)


def test_a_model_left_in_training_is_set_to_predict(bundle: Bundle, alone: list[Document]) -> None:
    bundle.model.train()
    assert_same([Extractor(bundle).extract(alone[1].text)], [replace(alone[1], id="")])


def test_extracting_keeps_no_gradients(bundle: Bundle) -> None:
    Extractor(bundle).extract("Губернатор")
    assert all(parameter.grad is None for parameter in bundle.model.parameters())


def test_devices_are_picked_by_name() -> None:
    assert pick_device("cpu").type == "cpu"
    assert pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_bfloat16_is_used_only_when_asked_for(bundle: Bundle, alone: list[Document]) -> None:
    assert Extractor(bundle).engine.name == "torch cpu float32"
    extractor = Extractor(bundle, RunSettings(engine="torch", precision="bfloat16"))
    found = extractor.extract(alone[1])
    assert extractor.engine.name == "torch cpu bfloat16"
    assert found.event_scores != alone[1].event_scores
    assert found.event_scores == pytest.approx(alone[1].event_scores, abs=0.05)


def test_a_lone_surrogate_is_no_reason_to_stop(bundle: Bundle) -> None:
    found = Extractor(bundle).extract(Document("a", "Губернатор \ud800 Калуге"))
    assert found.text == "Губернатор \ud800 Калуге"


# --- what is imported


def test_inference_imports_nothing_of_training() -> None:
    script = (
        "import sys, infer.extractor, infer.reading, infer.writing, infer.labelstudio, infer.__main__\n"
        "tops = {name.split('.')[0] for name in sys.modules}\n"
        "print(*sorted(tops & {'train', 'datasets', 'label_studio_sdk', 'sklearn'}))"
    )
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr
