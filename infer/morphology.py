"""What a Russian word may be: its readings, each with its case, gender, number and nominative.

Common words and well-known names come from pymorphy3's dictionary, which is loaded at first use. Names that
it lacks («Сёренгу», «Улаангомом») are read through PARADIGMS. Invariants: `readings` never raises; a
nominative keeps the capitals of the word as written, and its е where the dictionary has ё.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any, NamedTuple

CASES = ("nomn", "gent", "datv", "accs", "ablt", "loct")
LONGEST_WORD = 60  # letters; a longer one is junk, and guessing at it would take long

_SECOND_CASES = {"gen1": "gent", "gen2": "gent", "acc2": "accs", "loc1": "loct", "loc2": "loct"}
_MODIFIERS = {"ADJF", "PRTF", "NUMR"}


class Reading(NamedTuple):
    """One way to read a word; `weight` is larger for the likelier, `kind` is noun, modifier or name."""

    nominative: str
    kind: str
    case: str
    gender: str  # masc, femn, neut; empty: any
    number: str  # sing, plur; empty: any
    weight: float
    grammemes: frozenset[str] = frozenset()


class Paradigm(NamedTuple):
    """The endings of one declension in the order of CASES, after stems that match."""

    stem: re.Pattern[str]
    genders: tuple[str, ...]
    endings: tuple[str, ...]
    weight: float


def _paradigm(stem: str, genders: str, endings: str, weight: float) -> Paradigm:
    return Paradigm(re.compile(f"{stem}$"), tuple(genders.split()), tuple(endings.split(",")), weight)


_SOFT, _HISSING = "[бвдзлмнпрстф]", "[жцчшщ]"
PARADIGMS = (  # of two in the same case and of the same weight, the first: «Лешему» is «Леший», no «Лешем»
    _paradigm("[гкх]", "masc", "ий,ого,ому,ого,им,ом", 0.6),
    _paradigm("[бвднлмпрст]", "masc", "ый,ого,ому,ого,ым,ом", 0.5),
    _paradigm("[бвгкднлмпрстх]", "masc", "ой,ого,ому,ого,ым,ом", 0.4),
    _paradigm("[жчшщ]", "masc", "ий,его,ему,его,им,ем", 0.5),
    _paradigm("н", "masc", "ий,его,ему,его,им,ем", 0.3),
    _paradigm("[бвгдзклмнпрстфх]", "masc", ",а,у,а,ом,е", 0.5),
    _paradigm(_HISSING, "masc", ",а,у,а,ем,е", 0.5),
    _paradigm("[бвгдзклмнпрстфхжчшщ][аеиоуыэюя]{1,2}", "masc", "й,я,ю,я,ем,е", 0.5),
    _paradigm(_SOFT, "masc", "ь,я,ю,я,ем,е", 0.4),
    _paradigm("(ов|ев|ёв|ин|ын)", "masc", ",а,у,а,ым,е", 0.6),
    _paradigm("[бвгдзклмнпрстфх]", "masc", "ец,ца,цу,ца,цом,це", 0.2),
    _paradigm("[вдзлмнпрст]", "masc", "ок,ка,ку,ка,ком,ке", 0.1),
    _paradigm("[бвдзлмнпрстф]ь", "masc femn", "я,и,е,ю,ей,е", 0.4),
    _paradigm("[бвдзлмнпрстф]", "masc femn", "я,и,е,ю,ей,е", 0.25),
    _paradigm("[бвдзлмнпрстфх]", "masc femn", "а,ы,е,у,ой,е", 0.4),
    _paradigm("[гкхжчшщ]", "masc femn", "а,и,е,у,ой,е", 0.4),
    _paradigm("[жчшщц]", "masc femn", "а,и,е,у,ей,е", 0.4),
    _paradigm("[бвгдзклмнпрстфх]и", "femn", "я,и,и,ю,ей,и", 0.9),
    _paradigm("[аеоуя]", "femn", "я,и,е,ю,ей,е", 0.3),
    _paradigm("(ов|ев|ёв|ин|ын)", "femn", "а,ой,ой,у,ой,ой", 0.6),
    _paradigm("ск", "femn", "ая,ой,ой,ую,ой,ой", 0.6),
    _paradigm("[бвгдзклмнпрстфх]", "femn", "ая,ой,ой,ую,ой,ой", 0.35),
    _paradigm("[жчшщн]", "femn", "ая,ей,ей,ую,ей,ей", 0.2),
    _paradigm("[бвдзлмнпрст]", "femn", "ь,и,и,ь,ью,и", 0.1),
)
UNLIKELY_NOMINATIVE = re.compile(r"[^\W\d_]{2}(ом|ем|ым|им|ами|ого|ому|ой|ою|ьей)$")
_RARE_MAN = re.compile(r"(ов|ев|ёв|ин|ын)[ая]$")  # «Иванова» is a woman's nominative or a man's genitive


@cache
def _analyzer() -> Any:
    import pymorphy3  # takes a tenth of a second and 30 MB: only when a mention is to be normalised

    return pymorphy3.MorphAnalyzer(lang="ru")


@lru_cache(maxsize=50_000)
def parses(word: str) -> tuple[Any, ...]:
    """Everything that pymorphy3 says of a word, the likeliest first; nothing of what is no Russian word."""
    if len(word) > LONGEST_WORD or not re.fullmatch(r"[а-яё]+(-[а-яё]+)*", word.lower()):
        return ()
    return tuple(_analyzer().parse(word.lower()))


def is_known(word: str) -> bool:
    """Whether the dictionary has the word itself, so that its readings are no guesses."""
    last = word.lower().rpartition("-")[2]  # «вице-губернатор» is known by its second part
    return bool(parses(word)) and any(_analyzer().word_is_known(part) for part in {word.lower(), last})


def part_of_speech(word: str) -> str:
    """A word's likeliest part of speech, in pymorphy3's terms; empty where it has none."""
    return next((str(parse.tag.POS) for parse in parses(word)), "")


def case_of(parse: Any) -> str:
    """A parse's case, one of CASES or empty."""
    return _SECOND_CASES.get(str(parse.tag.case), str(parse.tag.case or ""))


@lru_cache(maxsize=50_000)
def readings(word: str) -> tuple[Reading, ...]:
    """A word's readings as a noun or as a noun's modifier, from the dictionary and by its suffix."""
    return tuple(_dictionary_readings(word))


def _dictionary_readings(word: str) -> Iterator[Reading]:
    for parse in parses(word):
        tag = parse.tag
        if not (tag.POS == "NOUN" or tag.POS in _MODIFIERS) or case_of(parse) not in CASES:
            continue
        number = str(tag.number or "")
        if nominative := _nominative(parse):
            yield Reading(
                respell(nominative, word, parse.word),
                "noun" if tag.POS == "NOUN" else "modifier",
                case_of(parse),
                "" if "ms-f" in tag or number == "plur" else str(tag.gender or ""),
                number,
                float(parse.score),
                frozenset(map(str, tag.grammemes)),
            )


def _nominative(parse: Any) -> str:
    wanted = {"nomn", str(parse.tag.number)} if parse.tag.number else {"nomn"}
    if "Supr" in parse.tag:  # to the dictionary «высшего» is a form of «высокий», next to «высочайший»
        wanted |= {"Supr", str(parse.tag.gender)} if parse.tag.gender else {"Supr"}
        forms = [form.word for form in parse.lexeme if wanted <= form.tag.grammemes]
        return str(max(forms, key=lambda form: parse.word.startswith(form[:-2]), default=""))
    form = parse.inflect(wanted)
    return str(form.word) if form else ""


@lru_cache(maxsize=50_000)
def guesses(word: str) -> tuple[Reading, ...]:
    """A name's readings by its ending alone."""
    return tuple(_paradigm_readings(word)) if len(word) <= LONGEST_WORD else ()


def _paradigm_readings(word: str) -> Iterator[Reading]:
    lower = word.lower()
    for stem, genders, endings, weight in PARADIGMS:
        for case, ending in zip(CASES, endings, strict=True):
            root = lower.removesuffix(ending)
            if (ending and root == lower) or not stem.search(root) or not re.search("[аеёиоуыэюя]", root):
                continue
            likely = weight - 0.5 if case == "nomn" and UNLIKELY_NOMINATIVE.search(lower) else weight
            nominative = respell(root + endings[0], word)
            for gender in genders:
                rare = gender == "masc" and bool(_RARE_MAN.search(nominative.lower()))
                yield Reading(nominative, "name", case, gender, "sing", likely - 0.35 * rare)


def respell(nominative: str, word: str, dictionary: str = "") -> str:
    """A nominative with the capitals of the word as written, and with its е where that stood for ё."""
    if word.isupper() and len(word) > 1:
        return nominative.upper()
    letters = []
    for index, letter in enumerate(nominative):
        written = word[index : index + 1]
        # «Королева» is «королёва» to the dictionary: its ё was written е. «Петру» is not: «Пётр» has its ё.
        if letter == "ё" and written in ("е", "Е") and dictionary[index : index + 1] == "ё":
            letter = "е"
        letters.append(letter.upper() if written.isupper() else letter)
    return "".join(letters)
