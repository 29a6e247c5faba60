from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from infer.align import Units, backend, to_span, to_units, tokenize
from infer.document import Span


@pytest.fixture(scope="module")
def tokenizer(backbone: Path) -> PreTrainedTokenizerBase:
    """The tiny WordPiece tokenizer."""
    return AutoTokenizer.from_pretrained(backbone)


@pytest.fixture(scope="module")
def bytes_tokenizer() -> PreTrainedTokenizerBase:
    """A token for every UTF-8 byte, white space included: several tokens share one character."""
    vocabulary = {char: index for index, char in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    fast = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    fast.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return PreTrainedTokenizerFast(tokenizer_object=fast)


def words(text: str, units: Units) -> list[str]:
    return [text[start:end] for start, end in units.spans]


def units_of(text: str, tokenizer: PreTrainedTokenizerBase, unit: str = "word") -> Units:
    return tokenize([text], tokenizer, unit)[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Мэр Калуги.", ["Мэр", "Калуги", "."]),
        ("ООО «Фуяо-Рус», 2018", ["ООО", "«", "Фуяо", "-", "Рус", "»", ",", "2018"]),
        ("Co., Ltd.", ["Co", ".", ",", "Ltd", "."]),
        ("до\u00a0Китая\r\nи\tназад", ["до", "Китая", "и", "назад"]),
        ("Алексеи\u0306 Островскии\u0306", ["Алексеи\u0306", "Островскии\u0306"]),
        ("Хэй\u00adлун\u200bцзян", ["Хэй\u00adлун\u200bцзян"]),
        ("город 北京 и", ["город", "北", "京", "и"]),
        ("в北京е", ["в", "北", "京", "е"]),
        ("🤝👍🏽", ["🤝", "👍", "🏽"]),
        ("", []),
        (" \u00a0\r\n\t ", []),
        ("...", [".", ".", "."]),
        ("snake_case", ["snake_case"]),
    ],
)
def test_words_and_single_marks_are_units(
    tokenizer: PreTrainedTokenizerBase, text: str, expected: list[str]
) -> None:
    assert words(text, units_of(text, tokenizer)) == expected


def test_a_run_without_spaces_is_cut_every_forty_characters(tokenizer: PreTrainedTokenizerBase) -> None:
    run = "aGVsbG8" * 20  # 140 characters of base64
    units = units_of(f"см. {run} здесь", tokenizer)
    assert [end - start for start, end in units.spans] == [2, 1, 40, 40, 40, 20, 5]


def test_a_units_tokens_spell_the_unit(tokenizer: PreTrainedTokenizerBase) -> None:
    text = "Губернатор Алексей Островский встретился с делегацией провинции Хэйлунцзяна."
    units = units_of(text, tokenizer)
    for word, (first, stop) in zip(words(text, units), units.tokens, strict=True):
        pieces = tokenizer.convert_ids_to_tokens(units.ids[first:stop])
        assert "".join(piece.removeprefix("##") for piece in pieces) == word
    assert units.tokens[-1][1] == len(units.ids), "no special tokens among them"
    assert any(stop - first > 1 for first, stop in units.tokens), "some word has several pieces"


def test_special_tokens_in_the_text_are_text(tokenizer: PreTrainedTokenizerBase) -> None:
    units = units_of("Мэр [SEP] [MASK]", tokenizer)
    assert not set(units.ids) & {tokenizer.sep_token_id, tokenizer.mask_token_id}
    assert words("Мэр [SEP]", units_of("Мэр [SEP]", tokenizer)) == ["Мэр", "[", "SEP", "]"]


def test_nothing_is_truncated_or_padded_whatever_the_tokenizer_was_set_to(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    tokenizer("Мэр", truncation=True, max_length=4, padding="max_length")
    short, long = tokenize(["Мэр", "Мэр " * 1000], tokenizer)
    assert (len(short), len(long)) == (1, 1000)
    assert len(short.ids) < 4


def test_texts_come_back_in_order(tokenizer: PreTrainedTokenizerBase) -> None:
    texts = ["Мэр", "", "Калуга и Китай"]
    assert [len(units) for units in tokenize(texts, tokenizer)] == [1, 0, 3]
    assert tokenize(texts, tokenizer) == [units_of(text, tokenizer) for text in texts]


def test_a_slow_tokenizer_is_refused_with_the_way_out() -> None:
    class Slow:
        is_fast = False
        name_or_path = "some/model"

    with pytest.raises(ValueError, match=r"some/model: .*tokenizer\.json"):
        backend(Slow())  # type: ignore[arg-type]


def test_pieces_are_the_tokenizers_own(tokenizer: PreTrainedTokenizerBase) -> None:
    text = "Хэйлунцзян, Китай"
    units = units_of(text, tokenizer, "piece")
    assert len(units) == len(units.ids)
    assert units.tokens == [(index, index + 1) for index in range(len(units))]
    assert "".join(words(text, units)) == "Хэйлунцзян,Китай"


def test_tokens_of_one_character_are_one_piece_without_its_space(
    bytes_tokenizer: PreTrainedTokenizerBase,
) -> None:
    text = "и 🤝ok"
    units = units_of(text, bytes_tokenizer, "piece")
    assert words(text, units) == ["и", "🤝", "o", "k"]
    assert [stop - first for first, stop in units.tokens] == [2, 4, 1, 1], "bytes of each in UTF-8"
    assert [stop - first for first, stop in units_of(text, bytes_tokenizer).tokens] == [2, 4, 2]


# --- spans and units


TEXT = "Мэр Калуги принял ООО «Фуяо»."


def test_a_span_becomes_its_units_and_back(tokenizer: PreTrainedTokenizerBase) -> None:
    units = units_of(TEXT, tokenizer)  # Мэр Калуги принял ООО « Фуяо » .
    spans = [Span(0, 10, "OFFICIAL"), Span(4, 10, "PARTNER"), Span(18, 28, "PARTNER")]
    ranges, lost = to_units(spans, units)
    assert ranges == [(0, 2, "OFFICIAL"), (1, 2, "PARTNER"), (3, 7, "PARTNER")]
    assert lost == []
    assert [to_span(*item, units) for item in ranges] == spans


@pytest.mark.parametrize(
    ("start", "end"),
    [(5, 10), (4, 9), (3, 10), (4, 11), (0, 1)],  # inside a word, or with white space
)
def test_a_span_that_is_no_units_is_returned_unmoved(
    tokenizer: PreTrainedTokenizerBase, start: int, end: int
) -> None:
    units = units_of(TEXT, tokenizer)
    good, bad = Span(18, 21, "PARTNER"), Span(start, end, "PARTNER")
    assert to_units([bad, good], units) == ([(3, 4, "PARTNER")], [bad])


def test_the_score_goes_along(tokenizer: PreTrainedTokenizerBase) -> None:
    assert to_span(1, 2, "PARTNER", units_of(TEXT, tokenizer), 0.25).score == 0.25


def test_a_piece_holds_no_white_space_even_where_the_tokenizer_dropped_it(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    text = "Китай\x0cКитай"  # a form feed, as between a PDF's pages
    assert not any("\x0c" in word for word in words(text, units_of(text, tokenizer, "piece")))


def test_a_word_holds_no_white_space_even_where_the_tokenizer_dropped_it(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    for space in "\x0c\x1c\x1f\x85\u2028":
        text = f"Китай{space}Индия"
        assert words(text, units_of(text, tokenizer)) == ["Китай", "Индия"]


# --- any text

PARTS = st.one_of(
    st.sampled_from(
        [
            "Губернатор",
            unicodedata.normalize("NFD", "Алексей Ёлкин"),
            "\u00a0",
            "\r\n",
            "\n\n",
            "\u2028",
            "  ",
            "👨‍👩‍👧",
            "🇷🇺",
            "🤝🏽",
            "北京",
            "ひらがな",
            "Хэй\u00adлун",
            "а\u200bб",
            "\u200b",
            "\ufeff",
            "\u2060",
            "\ufe0f",
            "\u0301",
            "aGVsbG8gd29ybGQ" * 8,
            "«Q-Carbon Co., Ltd.»",
            "\x00",
            "\x07",
            "\x0c",
            "ﷺ",
            "İ",
            "ẞ",
            "½",
            "[SEP]",
        ]
    ),
    st.text(st.characters(codec="utf-8"), max_size=6),
)
DROPPED = re.compile(r"[\x0b\x0c\x1c-\x1f\x85]")  # white space that BERT's normalizer drops; see above
TEXTS = st.lists(PARTS, max_size=12).map("".join)


def check_units(text: str, units: Units) -> None:
    reached = 0
    for start, end in units.spans:
        assert reached <= start < end <= len(text), "ordered, disjoint, inside the text, not empty"
        reached = end
        assert not any(char.isspace() for char in text[start:end])
    before = (0, 0)
    for first, stop in units.tokens:
        assert 0 <= first < stop <= len(units.ids)
        assert before[0] <= first, "ranges never step back"
        assert before[1] <= stop, "ranges never step back"
        before = (first, stop)
    assert len(units.tokens) == len(units.spans) == len(units)


def check_inverse(units: Units, data: st.DataObject) -> None:
    if not len(units):
        return
    first = data.draw(st.integers(0, len(units) - 1))
    stop = data.draw(st.integers(first + 1, len(units)))
    span = to_span(first, stop, "PARTNER", units)
    assert to_units([span], units) == ([(first, stop, "PARTNER")], [])


@settings(max_examples=200, deadline=None)
@given(text=TEXTS, data=st.data(), unit=st.sampled_from(["word", "piece"]))
@example(text="👨‍👩‍👧 и\u0306\u00a0\r\n北京", data=None, unit="word")
def test_units_of_any_text(
    tokenizer: PreTrainedTokenizerBase, text: str, data: st.DataObject | None, unit: str
) -> None:
    if unit == "piece":
        text = DROPPED.sub(" ", text)
    units = units_of(text, tokenizer, unit)
    check_units(text, units)
    if data is not None:
        check_inverse(units, data)


@settings(max_examples=100, deadline=None)
@given(text=TEXTS, data=st.data(), unit=st.sampled_from(["word", "piece"]))
def test_units_of_any_text_in_bytes(
    bytes_tokenizer: PreTrainedTokenizerBase, text: str, data: st.DataObject, unit: str
) -> None:
    units = units_of(text, bytes_tokenizer, unit)
    check_units(text, units)
    check_inverse(units, data)


@settings(max_examples=100, deadline=None)
@given(text=TEXTS)
def test_every_token_that_is_not_white_space_is_in_some_unit(
    tokenizer: PreTrainedTokenizerBase, text: str
) -> None:
    encoding = backend(tokenizer).encode(text, add_special_tokens=False)
    units = units_of(text, tokenizer)
    inside = {token for first, stop in units.tokens for token in range(first, stop)}
    for token, (start, end) in enumerate(encoding.offsets):
        assert token in inside or not text[start:end].strip()


@settings(max_examples=100, deadline=None)
@given(text=TEXTS)
def test_a_tokens_characters_touch_its_unit(tokenizer: PreTrainedTokenizerBase, text: str) -> None:
    offsets = backend(tokenizer).encode(text, add_special_tokens=False).offsets
    units = units_of(text, tokenizer)
    for (start, end), (first, stop) in zip(units.spans, units.tokens, strict=True):
        assert all(left < end and right > start for left, right in offsets[first:stop])
