"""Documents to tensors: every unit is a target once, and what can't be learnt is said."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from infer.batching import Frame
from infer.bundle import Bundle
from infer.config import WindowSettings
from infer.document import Document, Span
from infer.model import BEGIN, INSIDE, OUTSIDE
from train.targets import IGNORED, Collator, make_examples, pick_unit

TEXT = "Посол Индии Раджеш Шарма в Калуге."
GOLD = (Span(6, 11, "PARTNER"), Span(12, 24, "OFFICIAL"))


def _examples(bundle: Bundle, document: Document, max_windows: int = 16):  # type: ignore[no-untyped-def]
    return make_examples(document, bundle.tokenizer, bundle.schema, bundle.settings, max_windows)


def test_spans_become_b_and_i_of_their_label_alone(bundle: Bundle) -> None:
    (example,), lost = _examples(bundle, Document("d", TEXT, GOLD, ("visit",)))
    assert not lost
    partner, official, sector = zip(*example["tags"], strict=True)
    assert partner == (OUTSIDE, BEGIN, OUTSIDE, OUTSIDE, OUTSIDE, OUTSIDE, OUTSIDE)
    assert official == (OUTSIDE, OUTSIDE, BEGIN, INSIDE, OUTSIDE, OUTSIDE, OUTSIDE)
    assert set(sector) == {OUTSIDE}
    assert example["events"] == [1, 0, 0]


def test_spans_of_different_labels_may_overlap(bundle: Bundle) -> None:
    both = (Span(0, 24, "OFFICIAL"), Span(6, 11, "PARTNER"))
    (example,), lost = _examples(bundle, Document("d", TEXT, both))
    assert not lost
    assert example["tags"][1] == [BEGIN, INSIDE, OUTSIDE]


@pytest.mark.parametrize(
    ("span", "reason"),
    [
        (Span(7, 11, "PARTNER"), "begins or ends inside a word"),
        (Span(0, 11, "OFFICIAL"), None),
        (Span(6, 18, "OFFICIAL"), "overlaps another span of its label"),
    ],
)
def test_unrepresentable_spans_are_listed_with_their_reason(
    bundle: Bundle, span: Span, reason: str | None
) -> None:
    spans = (span,) if reason != "overlaps another span of its label" else (Span(0, 11, "OFFICIAL"), span)
    _, lost = _examples(bundle, Document("d", TEXT, spans))
    assert [loss.reason for loss in lost] == ([reason] if reason else [])
    if reason:
        assert lost[0].text == TEXT[span.start : span.end]


def test_every_unit_of_a_long_document_is_a_target_exactly_once(bundle: Bundle) -> None:
    document = Document("d", " ".join([TEXT] * 30))
    examples, _ = _examples(bundle, document, max_windows=4)
    assert len(examples) > 2
    assert [example["learn_events"] for example in examples] == [True] + [False] * (len(examples) - 1)
    collate = Collator(Frame.of(bundle.tokenizer), bundle.settings)
    batches = [collate([example]) for example in examples]
    assert sum(int(batch["answered"].sum()) for batch in batches) == 7 * 30
    for batch in batches:
        assert ((batch["tags"] != IGNORED).all(-1) == batch["answered"]).all()


def test_targets_stand_beside_the_tokens_they_belong_to(bundle: Bundle) -> None:
    """The unit whose target is B of OFFICIAL pools the tokens of the word «Раджеш»."""
    document = Document(
        "d", " ".join([TEXT] * 10), tuple(Span(s, s + 12, "OFFICIAL") for s in range(12, 340, 35))
    )
    (example,), lost = _examples(bundle, document)
    assert not lost
    batch = Collator(Frame.of(bundle.tokenizer), bundle.settings)([example])
    windows, units = (batch["tags"][:, :, 1] == BEGIN).nonzero(as_tuple=True)
    assert len(windows) == 10
    first = bundle.tokenizer("Раджеш", add_special_tokens=False)["input_ids"][0]
    positions = batch["pool"][windows, units].argmax(-1)
    assert (batch["ids"][windows, positions] == first).all()


def test_collation_keeps_documents_apart(bundle: Bundle) -> None:
    examples = [
        _examples(bundle, document)[0][0]
        for document in (
            Document("a", TEXT, (), ("visit",)),
            Document("b", " ".join([TEXT] * 9)),
            Document("c", ""),
        )
    ]
    batch = Collator(Frame.of(bundle.tokenizer), bundle.settings)(examples)
    owners = batch["documents"].tolist()
    assert owners == sorted(owners)
    assert set(owners) == {0, 1, 2}
    assert batch["events"].tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
    answered = [int(batch["answered"][batch["documents"] == number].sum()) for number in range(3)]
    assert answered == [7, 63, 0]


def test_single_choice_without_an_answer_teaches_no_event(bundle: Bundle) -> None:
    single = replace(bundle, schema=replace(bundle.schema, multiple=False))
    assert not _examples(single, Document("d", TEXT))[0][0]["learn_events"]
    assert _examples(single, Document("d", TEXT, (), ("visit",)))[0][0]["learn_events"]


def test_unit_is_a_piece_only_when_annotations_cut_words(bundle: Bundle) -> None:
    assert pick_unit([Document("d", TEXT, GOLD)], bundle.tokenizer) == "word"
    assert pick_unit([Document("d", TEXT, (Span(12, 15, "OFFICIAL"),))], bundle.tokenizer) == "piece"


def test_windows_of_a_batch_have_the_tokens_of_their_units(bundle: Bundle) -> None:
    settings = bundle.settings.model_copy(update={"windows": WindowSettings(size=16, overlap=4)})
    (example,), _ = make_examples(
        Document("d", " ".join([TEXT] * 3)), bundle.tokenizer, bundle.schema, settings, 64
    )
    batch = Collator(Frame.of(bundle.tokenizer), settings)([example])
    assert int(batch["mask"].sum(-1).max()) <= 16
    sums = batch["pool"].sum(-1)
    assert torch.isin(sums, torch.tensor([0.0, 1.0])).all()
