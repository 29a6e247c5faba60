"""Which articles are doubtful, and which of them make a queue."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from infer.align import Units
from infer.bundle import Bundle
from infer.config import Calibration, DecodingSettings
from infer.decode import Logits
from infer.document import Document
from infer.extractor import Extractor
from infer.schema import Schema
from train.priority import Candidate, Question, choose, entropy, rank, to_record, weigh, with_priority

SCHEMA = Schema(("PARTNER",), ("visit",))
SETTINGS = DecodingSettings()
SURE, UNSURE = 9.0, 0.2  # logits
RELEASE = "Делегация провинции Хэйлунцзян посетила завод в Калуге и подписала соглашение о поставках леса"
THEMES = ("Выставка мёда открылась в Уфе", "Посол Индии осмотрел порт", "Хор из Минска спел в Туле", RELEASE)


def answer(text: str, begins: dict[int, float], visit: float = -SURE) -> Logits:
    """Words as units; `begins` has the logit of B against O by word, elsewhere O is sure."""
    spans, position = [], 0
    for word in text.split():
        start = text.index(word, position)
        position = start + len(word)
        spans.append((start, position))
    logits: NDArray[np.float32] = np.zeros((len(spans), 1, 3), dtype=np.float32)
    logits[:, 0, 1:] = -SURE
    for word_number, value in begins.items():
        logits[word_number, 0, 1] = value
    units = Units(list(range(len(spans))), spans, [(i, i + 1) for i in range(len(spans))])
    return Logits(Document("a", text), units, logits, np.array([visit], dtype=np.float32))


def candidate(name: str, text: str, uncertainty: float) -> Candidate:
    return Candidate(Document(name, text), uncertainty, uncertainty, ())


def names(candidates: list[Candidate], known: tuple[str, ...] = (), count: int = 9) -> list[str]:
    return [queued.candidate.document.id for queued in choose(candidates, known, count)]


# --- weigh


def test_entropy_is_greatest_at_a_half() -> None:
    assert entropy(0.5) == 1
    assert entropy(0) == entropy(1) == 0
    assert entropy(0.9) == pytest.approx(entropy(0.1)) == pytest.approx(0.469, abs=1e-3)


def test_doubtful_spans_and_events_make_an_article_uncertain() -> None:
    sure = weigh(answer(RELEASE, {1: SURE}), SCHEMA, SETTINGS)
    span = weigh(answer(RELEASE, {1: UNSURE}), SCHEMA, SETTINGS)
    both = weigh(answer(RELEASE, {1: UNSURE}, visit=UNSURE), SCHEMA, SETTINGS)
    assert sure.spans < 0.01 < span.spans == both.spans
    assert sure.events == span.events < 0.01
    assert both.events == pytest.approx(1, abs=0.01)


def test_what_was_nearly_found_counts_as_well() -> None:
    missed = weigh(answer(RELEASE, {3: -1.0}), SCHEMA, SETTINGS)
    unthinkable = weigh(answer(RELEASE, {3: -SURE}), SCHEMA, SETTINGS)
    assert missed.spans > unthinkable.spans
    assert missed.questions[0].words == "посетила"
    assert missed.questions[0].probability == pytest.approx(1 / (1 + np.e), abs=0.01)
    assert str(missed.questions[0]) == "PARTNER «посетила» 0.27"


def test_length_alone_changes_nothing() -> None:
    once = answer(RELEASE, {1: UNSURE, 3: -1.0}, visit=UNSURE)
    words = len(RELEASE.split())
    twice = answer(f"{RELEASE} {RELEASE}", {1: UNSURE, 3: -1.0, words + 1: UNSURE, words + 3: -1.0}, UNSURE)
    assert weigh(twice, SCHEMA, SETTINGS).spans == pytest.approx(weigh(once, SCHEMA, SETTINGS).spans)


def test_an_event_is_doubtful_at_its_threshold() -> None:
    decoding = DecodingSettings(event_thresholds={"visit": 0.9})
    at_half = weigh(answer(RELEASE, {}, visit=0), SCHEMA, decoding)
    at_threshold = weigh(answer(RELEASE, {}, visit=float(np.log(9))), SCHEMA, decoding)
    assert at_threshold.events > at_half.events
    assert str(at_threshold.questions[0]) == "visit 0.90"


def test_probabilities_are_calibrated() -> None:
    decoding = DecodingSettings(span_calibration=Calibration(intercept=2.0))
    (question,) = [d for d in weigh(answer(RELEASE, {1: UNSURE}), SCHEMA, decoding).questions if d.words]
    assert question.probability == pytest.approx(1 / (1 + np.exp(-2.2)), abs=0.01)


def test_an_article_without_words_or_a_schema_without_labels_is_weighed() -> None:
    assert weigh(answer("", {}), SCHEMA, SETTINGS).spans == 0
    bare = replace(answer(RELEASE, {}), spans=np.zeros((len(RELEASE.split()), 0, 3), dtype=np.float32))
    assert weigh(bare, Schema((), ("visit",)), SETTINGS).questions[0].name == "visit"
    silent = replace(answer(RELEASE, {1: UNSURE}), events=np.zeros(0, dtype=np.float32))
    assert weigh(silent, Schema(("PARTNER",), ()), SETTINGS).questions[0].name == "PARTNER"


# --- choose


def test_the_most_uncertain_come_first() -> None:
    candidates = [candidate(str(number), THEMES[number], 0.1 * number) for number in range(1, 4)]
    assert names(candidates) == ["3", "2", "1"]
    assert names(candidates, count=2) == ["3", "2"]
    assert names([]) == []


def test_a_reprint_enters_once_and_what_is_annotated_not_again() -> None:
    reprint = f"Вести. {RELEASE}."
    candidates = [candidate("a", RELEASE, 0.5), candidate("b", reprint, 0.6), candidate("c", THEMES[0], 0.1)]
    assert names(candidates) == ["b", "c"]
    assert names(candidates, known=(RELEASE,)) == ["c"]


def test_what_is_like_the_chosen_ones_waits() -> None:
    like = "В Калуге делегация провинции Хэйлунцзян осмотрела ещё один завод и говорила о поставках"
    candidates = [candidate("a", RELEASE, 0.9), candidate("b", like, 0.8), candidate("c", THEMES[2], 0.7)]
    others = [candidate(str(number), f"Статья {number} о другом {number}", 0.1) for number in range(20)]
    assert names([*candidates, *others], count=2) == ["a", "c"]


def test_blank_articles_are_not_queued() -> None:
    assert names([candidate("a", " \n", 0.9), candidate("b", "!", 0.1)]) == ["b"]


CANDIDATES = st.lists(
    st.builds(
        candidate,
        st.text("abcdef", min_size=1, max_size=3),
        st.lists(st.sampled_from([*THEMES, *RELEASE.split()]), min_size=1, max_size=6).map(" ".join),
        st.floats(0, 1),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=50)
@given(CANDIDATES, st.randoms(use_true_random=False), st.integers(1, 12))
def test_the_order_of_articles_changes_nothing(
    candidates: list[Candidate], order: object, count: int
) -> None:
    queue = choose(candidates, (), count)
    order.shuffle(candidates)  # type: ignore[attr-defined]
    assert choose(candidates, (), count) == queue
    assert all(left.priority >= right.priority for left, right in pairwise(queue))
    assert all(0 <= queued.priority <= 1 for queued in queue)


@settings(deadline=None, max_examples=50)
@given(CANDIDATES, st.integers(1, 12))
def test_a_reprint_never_enters_twice(candidates: list[Candidate], count: int) -> None:
    queue = choose(candidates, (), count)
    reprints = [replace(one, document=replace(one.document, id=f"{one.document.id}2")) for one in candidates]
    again = choose([*candidates, *reprints], (), count)
    assert [one.candidate.document.text for one in again] == [one.candidate.document.text for one in queue]
    texts = [one.candidate.document.text for one in again]
    assert len(set(texts)) == len(texts)


# --- rank


def test_a_queue_of_a_model_is_the_same_whatever_the_order(bundle: Bundle, documents: list[Document]) -> None:
    extractor = Extractor(bundle)
    queue = rank(extractor, documents, (), 3)
    assert len(queue) == 3
    assert "space" not in {queued.candidate.document.id for queued in queue}
    again = rank(extractor, documents[::-1], (), 3)
    assert [q.candidate.document.id for q in again] == [q.candidate.document.id for q in queue]
    assert rank(extractor, documents, [document.text for document in documents], 3) == []


def test_a_record_says_why() -> None:
    questions = (Question("visit", "", 0.5, 1.0), Question("PARTNER", "провинции\n" + "я" * 60, 0.4, 0.9))
    (queued,) = choose([Candidate(Document("a", RELEASE, meta={"year": 2020}), 0.7, 0.3, questions)], (), 1)
    assert to_record(1, queued) == {
        "rank": 1,
        "priority": 0.5,
        "id": "a",
        "why": f"visit 0.50, PARTNER «провинции {'я' * 30}…» 0.40",
        "text": RELEASE,
    }
    assert with_priority(queued).meta == {"year": 2020, "priority": 0.5}
