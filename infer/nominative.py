"""Persons' names and noun phrases to the nominative, each decided as a whole.

Every word is read in all ways (`morphology`), and the readings that agree best win: a name's parts agree in
gender and case, a head noun's modifiers in case, number and gender. The text around the mention adds its own
hint («губернатором …», «с …», «… сообщила»). Invariants: a word without a likely reading is left as it is;
nothing is added, dropped or reordered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from infer.morphology import CASES, UNLIKELY_NOMINATIVE, Reading, guesses, is_known, part_of_speech, readings

_WORD = re.compile(r"[^\W_]+(?:[-’'][^\W_]+)*")
_NAME_TAGS = frozenset(("Name", "Surn", "Patr"))


# What the text around a mention says ------------------------------------------------------------------------


class Hint(NamedTuple):
    """How welcome each case is, in the order of CASES, and the gender if it shows."""

    cases: tuple[float, ...] = (0.2, 0.0, 0.0, 0.0, 0.0, 0.0)  # without a context, rather nominative
    gender: str = ""

    def of(self, case: str) -> float:
        """How welcome a case is."""
        return self.cases[CASES.index(case)]


ALONE = Hint()
CERTAIN = 1.0

_GOVERNED = (  # prepositions and the cases after them, the likelier first
    (re.compile("от|из|у|для|до|без|после|против|среди|около|из-за|вместо|кроме|ради|г-на|г-жи"), ("gent",)),
    (re.compile("к|ко|благодаря|согласно|вопреки|навстречу|г-ну|г-же"), ("datv",)),
    (re.compile("г-н|г-жа"), ("nomn",)),
    (re.compile("по"), ("datv", "loct")),
    (re.compile("про|через|сквозь"), ("accs",)),
    (re.compile("с|со"), ("ablt", "gent")),
    (re.compile("между|над|перед|под|г-ном|г-жой"), ("ablt",)),
    (re.compile("о|об|обо|при"), ("loct",)),
    (re.compile("в|во|на"), ("loct", "accs")),
    (re.compile("за"), ("ablt", "accs")),
)
_SENTENCE_END = re.compile(r"[.!?…;:\n](?=\s|$)")
_ACTING = re.compile(r"\b[ив]\.\s?о\.|\bвр\.?\s?и\.\s?о\.")
_TOUCHING = re.compile(r"[^\W_]\s*[\s«\"“„(]$")
_ENUMERATED = re.compile(r"([^\W_]+)(?:,? и|,)\s[«\"“„]?$")
_FOLLOWING = re.compile(r"[»\"”)]*\s+([^\W\d_]+)")
_REACH = 14  # words to the left in which a post is looked for


@lru_cache(maxsize=2_000)  # asked twice within an article, seldom again: contexts differ
def hint(before: str, after: str, person: bool) -> Hint:
    """What the characters before and after a mention say of its case and gender."""
    scores = dict.fromkeys(CASES, 0.0)
    line = _SENTENCE_END.split(_ACTING.sub("врио", before))[-1]
    words = _WORD.findall(line)[-_REACH:]
    neighbour = words[-1].lower() if words and _TOUCHING.search(line) else ""
    governed = next((cases for prepositions, cases in _GOVERNED if prepositions.fullmatch(neighbour)), ())
    if not words:
        scores["nomn"] += 0.4
    elif governed:
        for case, weight in zip(governed, (0.6, 0.4), strict=False):
            scores[case] += weight
    elif person and (post := _post_cases(words)):
        for case in post:
            scores[case] += 0.8 if len(post) < len(CASES) else 0.2 * (case == "nomn")  # «атташе» shows none
    elif part_of_speech(neighbour) == "NOUN":
        # «делегация Омана», but «компании «Фуяо»»: a name in quotation marks after its type is not declined.
        if line[-1] in '«"“„':
            scores["nomn"] += CERTAIN
        else:
            scores["gent"] += 0.5
    elif part_of_speech(neighbour) in ("VERB", "INFN", "GRND"):
        scores["accs"] += 0.15 if person else 0.3  # «пришлось Кочергину» as often as «встретил Кочергина»
        scores["datv"] += 0.15 if person else 0.1
        scores["nomn"] += 0.1
    elif enumerated := _ENUMERATED.search(line):
        for reading in readings(enumerated[1]):
            scores[reading.case] += 0.3 * reading.weight
    else:
        scores["nomn"] += 0.2
    gender = ""
    if (following := _FOLLOWING.match(after)) and part_of_speech(following[1]) == "VERB":
        verb = following[1].lower()
        gender = "femn" if verb.endswith(("ла", "лась")) else "masc" if verb.endswith(("л", "лся")) else ""
        scores["nomn"] += 0.4 if gender else 0.0
    return Hint(tuple(scores.values()), gender)


def _post_cases(words: list[str]) -> set[str]:
    """The cases of the post before a name: of the outermost in «заместителем министра экономики»."""
    found: set[str] = set()
    for word in reversed(words):
        part = part_of_speech(word)
        persons = [
            noun
            for noun in readings(word)
            if noun.kind == "noun" and ("anim" in noun.grammemes or word.lower() == "врио")
        ]
        if part == "VERB" or (found and "gent" not in found):
            break  # only a genitive depends on the person named before it
        if (
            part == "NOUN"
            and persons
            and (is_known(word) or word == words[-1])  # the last: «генконсул» before a name is no guess
            and not any(_NAME_TAGS & one.grammemes for one in persons)
        ):
            found = {
                reading.case for reading in persons if reading.weight > 0.1 or "Fixd" in reading.grammemes
            }
        elif found and part != "ADJF":
            break
    return found


# Names ------------------------------------------------------------------------------------------------------

_PARTICLE = re.compile(
    "аль|эль|ан|ас|ад|аз|ар|ат|аш|бин|бен|ибн|абу|бинти?|де|да|ди|до|дю|дос|дас|дель|делла|дер|ван|фон|тер|цу|ла|ле|"
    "оглы|оглу|кызы|гызы|улы|уулу|угли|кизи|заде|сан|хан|бек"
)
# «Цзя», «Чжан», «Пак»
_SYLLABLE = re.compile("[бвгджзйклмнпрстфхцчшщ]{0,3}[аеёиоуыэюя]{1,3}(н|нь|нг|й|р|к|м|п|т|ль)?")
KNOWN_NAME = 0.9
NOTHING: Mapping[str, str] = {}


def name(text: str, around: Hint = ALONE, known: Mapping[str, str] = NOTHING) -> tuple[str, str]:
    """A person's name in the nominative, and the gender: masc, femn.

    `known` maps parts (folded) of names already read in the document to their genders.
    """
    matches = [match for match in re.finditer(r"[^\W\d_]+", text) if len(match[0]) > 1]
    parts = [
        _part_readings(
            match[0],
            joined=text[match.end() : match.end() + 1] == "-",
            final=match is matches[-1] or (index > 0 and matches[index - 1][0].islower()),
        )
        for index, match in enumerate(matches)
    ]
    best, chosen, chosen_gender = float("-inf"), [match[0] for match in matches], "masc"
    for case, gender in product(CASES, ("masc", "femn")):
        total, forms = around.of(case) + (0.5 if gender == around.gender else 0.0), []
        for part in parts:
            fitting = [
                reading for reading in part if reading.case in (case, "") and reading.gender in (gender, "")
            ]
            # A part that stands in another mention's nominative, of the same gender, weighs more.
            weights = [
                reading.weight + KNOWN_NAME * (known.get(fold(reading.nominative)) == gender)
                for reading in fitting
            ]
            total += max(weights)
            forms.append(fitting[weights.index(max(weights))].nominative)
        if total > best + 1e-9:
            best, chosen, chosen_gender = total, forms, gender
    return _replace(
        text, {match.span(): form for match, form in zip(matches, chosen, strict=True)}
    ), chosen_gender


@lru_cache(maxsize=20_000)
def _part_readings(word: str, joined: bool, final: bool) -> tuple[Reading, ...]:
    lower = word.lower()
    if not re.fullmatch("[а-яё]+", lower) or _PARTICLE.fullmatch(lower):
        return (Reading(word, "name", "", "", "", 0.0),)
    named = [
        # In a tie a man's form is a genitive; and «Анне» is rather «Анна» than an undeclined name.
        reading._replace(
            weight=0.9 if "Fixd" in reading.grammemes else 0.95 if reading.case == "accs" else 1.0
        )
        for reading in readings(word)
        if reading.grammemes & _NAME_TAGS and reading.number != "plur" and is_known(word)
    ]
    return (*named, *guesses(word), *_undeclined(word, joined, final))


def _undeclined(word: str, joined: bool, final: bool) -> Iterable[Reading]:
    """The word as it stands, in any case: likely for «Шевченко» and a woman's «Мюллер», else a last try."""
    lower = word.lower()
    # A Chinese family name, and a Mongolian father's name, which is a genitive already: «Цэдэнбалын».
    free = joined or _SYLLABLE.fullmatch(lower) or (not final and lower.endswith(("ын", "ийн")))
    vowel, consonant = re.search("([оеэиыуюё]|[ыи]х)$", lower), re.search("[^аяоеэиыуюё]$", lower)
    for gender in ("masc", "femn"):
        if UNLIKELY_NOMINATIVE.search(lower):
            weight = -0.4 if gender == "masc" else 0.0
        elif vowel or (consonant and gender == "femn"):
            # «Алмамедли», «Фавье»: foreign surnames like them are many.
            weight = 0.45 if final and lower.endswith(("и", "ье")) else 0.3
        else:
            weight = 0.2 if free else -0.4
        yield Reading(word, "name", "", gender, "", weight)


# Noun phrases -----------------------------------------------------------------------------------------------

_OPENING = re.compile('[«"“„(]')
_TYPES = re.compile(
    "город|республика|королевство|государство|село|пос[её]лок|деревня|остров|княжество|султанат|эмират"
)
DISAGREEING = -3.0  # a modifier that cannot agree with the head
SINGULAR = 0.3  # «картографии» is one in the genitive, not several: fields of work are named in the singular
LIVING = -0.5  # «радиофотонике» is no «радиофотоник»


def phrase(text: str, around: Hint = ALONE) -> str:
    """A noun phrase with its head and the head's modifiers in the nominative; dependents stay as written."""
    if around.of("nomn") >= CERTAIN:
        return text
    opened = _OPENING.search(text)
    words = list(_WORD.finditer(text[: opened.start()] if opened else text))
    head = next((index for index in range(len(words)) if not _is_modifier(words, index)), len(words))
    noun = _head(words[head][0], [word[0] for word in words[:head]], around) if words else None
    if noun is None:
        return text
    forms = {words[head].span(): noun.nominative}
    for word in words[:head]:
        if agreeing := _agreeing(word[0], noun):
            forms[word.span()] = agreeing.nominative
    if (equal := _equal(words[head:], noun)) and (same := _same_case(equal[0], noun)):
        forms[equal.span()] = same.nominative
    return _replace(text, forms)


def _is_modifier(words: list[re.Match[str]], index: int) -> bool:
    word, following = words[index][0], [later[0] for later in words[index + 1 : index + 3]]
    if not following:
        return False
    if word == "и" or part_of_speech(word) in ("ADJF", "PRTF", "ADVB", "NUMR"):
        return True
    # «Браславским районом» is a surname to the dictionary, «малым аппаратам» a noun; «халяльном» it lacks.
    nouns = [
        reading
        for later in following
        if later.islower()
        for reading in readings(later)
        if reading.kind == "noun"
    ]
    return any(_agreeing(word, noun) for noun in nouns)


def _head(word: str, modifiers: list[str], around: Hint) -> Reading | None:
    """The head's reading that its modifiers and surroundings agree with best."""

    def score(reading: Reading) -> float:
        disagreeing = sum(modifier != "и" and _agreeing(modifier, reading) is None for modifier in modifiers)
        return (
            reading.weight
            + around.of(reading.case)
            + DISAGREEING * disagreeing
            + SINGULAR * (reading.number == "sing")
            + LIVING * ("anim" in reading.grammemes and word.islower())
        )

    return max(_noun_readings(word), key=score, default=None)


@lru_cache(maxsize=20_000)
def _noun_readings(word: str) -> tuple[Reading, ...]:
    known = is_known(word)
    found = [reading for reading in readings(word) if reading.kind == "noun"]
    places = [reading for reading in found if "Geox" in reading.grammemes]
    if word.isupper() and len(word) < 6 and not (known and places):
        return ()  # an abbreviation
    if known or not word[:1].isupper():
        return tuple(places if places and word[:1].isupper() else found)
    # A name that the dictionary lacks: what its suffix suggests and what its ending allows have equal say.
    weights: dict[tuple[str, str, str], Reading] = {}
    for reading in (*found, *guesses(word)):
        key = (reading.nominative, reading.case, reading.gender)
        before = weights[key].weight if key in weights else 0.0
        weight = reading.weight / 4 if reading.gender == "neut" else reading.weight / 2
        weights[key] = reading._replace(weight=before + weight)
    if re.search("[оеэиыуюё]$", word):
        weights |= {(word, case, ""): Reading(word, "name", case, "", "sing", 0.4) for case in CASES}
    return tuple(weights.values())


def _agreeing(word: str, noun: Reading) -> Reading | None:
    """A modifier's reading that agrees with a noun's, if it has one."""
    for reading in readings(word):
        surname = "Surn" in reading.grammemes and reading.nominative.endswith(("ий", "ая"))
        if (
            (reading.kind == "modifier" or surname)
            and (reading.case, reading.number) == (noun.case, noun.number)
            and (noun.number == "plur" or not noun.gender or reading.gender in ("", noun.gender))
        ):
            return reading
    return None


def _equal(words: list[re.Match[str]], noun: Reading) -> re.Match[str] | None:
    """The word that shares the head's case: «города [Самарканда]», «Боснией и [Герцеговиной]»."""
    if len(words) > 1 and words[1][0][0].isupper() and _TYPES.fullmatch(noun.nominative.lower()):
        return words[1]
    return words[2] if len(words) > 2 and words[1][0] == "и" else None


def _same_case(word: str, noun: Reading) -> Reading | None:
    found = _noun_readings(word)
    if not is_known(word) and any(reading.case == "nomn" for reading in found):
        return None  # «города Ювяскюля» may well stand in the nominative
    same = [reading for reading in found if reading.case == noun.case]
    return max(same, key=lambda reading: reading.weight, default=None)


def fold(text: str) -> str:
    """A text without what writers are free in: capitals, ё, quotation marks, dashes, dots, spaces."""
    return re.sub(r"[\s«»\"“”„‚‘’'().–—-]+", " ", text.casefold().replace("ё", "е")).strip()


def _replace(text: str, forms: Mapping[tuple[int, int], str]) -> str:
    for (start, end), form in sorted(forms.items(), reverse=True):
        text = text[:start] + form + text[end:]
    return text
