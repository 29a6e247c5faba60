"""What may be wrong with annotated articles: pure functions from Documents to Findings.

A finding is a candidate, not a verdict: whoever reads it corrects the annotation or lists it as known.

Strings are compared by the stems of their words: case endings are cut off, so that a name is found again
in whatever case it stands. A string that is marked in an article counts as missed where it stands unmarked
in the article's body and nothing beside it says that it should be unmarked: a SECTOR after the name of a
post or body; a PARTNER after words that make it a place or an owner («в Китае», «посол Китая»), or in
brackets; a word of an OFFICIAL's name beside another name's word; any of them inside a short quoted title
or joined to another word by a hyphen.

The body is what doesn't look like page furniture. Furniture is: a line under 120 characters without final
punctuation, unless it runs on into the next line or is the article's own headline (the last line of four
words or more before the body); lines under 120 characters after a line like «Читайте также»; everything
after a line like «Комментарии» below the last mark; a line with an address or a copyright sign; hashtags.
A line that holds a mark is never furniture.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations

from infer.document import Document, Span
from train.corpus import near_duplicates

Files = Mapping[str, Sequence[Document]]  # gold documents by the name of their file
Key = tuple[str, ...]  # stems of a string

KINDS = {
    "reading": "Problems from reading the file",
    "overlap": "Overlapping spans",
    "edge": "Spans with outer spaces, punctuation or quotes, or with half a pair of quotes or brackets",
    "cut-word": "Spans that cut a word",
    "missed": "Marked in one place, unmarked in another of the same article",
    "official-elsewhere": "OFFICIAL in one article, unmarked or otherwise labelled in another",
    "near-duplicate": "Near-duplicate articles",
    "shared-official": "OFFICIAL names shared between the files",
    "shared-partner": "PARTNER names shared between the files",
    "stale": "Known exceptions that match nothing any more",
}
SHARED = frozenset({"shared-official", "shared-partner"})
ACROSS = SHARED | {"official-elsewhere", "near-duplicate"}  # kinds that need several files

WORD = re.compile(r"\w+")
ENDING = re.compile(r"(?:[ое]го|[аоеиыя]м|[аиыя]х|[аеиоуыэюяйь])$")
FATHERS = re.compile(r"(?:[ое]вич|[ое]вн|ьич|инич|ичн)$")  # ends the stem of a patronymic
LEGAL_FORMS = frozenset("ооо ао оао зао пао ип тоо чп co ltd llc inc corp gmbh ag sa spa srl oy".split())  # noqa: SIM905
DOTTED = re.compile(
    r"\b(?:[^\W\d_]|Co|Ltd|Lda|Inc|Corp|Bhd|Sdn|Pvt|Pte|Cia|Kft|Nyrt|Zrt|Bt|Est|e?hf|Jr|Şti|Ко|Лтд|Шти)\.$"
)
QUOTES = re.compile(r"«[^«»\n]{1,90}»|\"[^\"\n]{1,90}\"|“[^“”\n]{1,90}”|„[^„“\n]{1,90}“")
OPENING, CLOSING = "«„“\"(['", "»“”\")]'"

PLACE_BEFORE = re.compile(  # words after which a state or city is a place, or the owner of a post
    r"(?:(?:\b(?:в|во|из|на|по|до|под|через|внутри|вокруг|г|город\w*|столиц\w+|рынк\w+|рынок|территори\w+|посол"
    r"|посл\w{1,2}|посольств\w*|\w*консул\w*|президент\w*|премьер\w*|парламент\w*|экономик\w+|граждан\w*"
    r"|жител\w+|посети\w+|республик\w+|султанат\w*|королевств\w*|област\w+|район\w*|штат\w*"
    r"|провинци\w+|границ\w+|порт\w*"
    r"|велаят\w*|поверенн\w+ в делах|торгов\w+ представител\w+|МИД"
    r"|\w+ск(?:ом|ого)|\w*министр\w*(?:[\s,]+[а-я]+){0,7})[.\s]+)|[(,]\s*)$",
    re.IGNORECASE,
)
BODY_BEFORE = re.compile(
    r"(?:министр|министерств|минист|департамент|комитет|управлени|отдел|ведомств|факультет|кафедр|институт"
    r"|университет|академи|колледж|центр|агентств|служб|ассоциаци|союз|палат|фонд|выставк|форум|конференци"
    r"|ярмарк|салон|конкурс|комисси|секци|директор|начальник|компани|инспекци|специалист|доктор|заместител"
    r"|губернатор|совет|музе|фестивал)\w*(?:[\s,-]+\w+){0,4}[\s,-]*$",
    re.IGNORECASE,
)
LISTS = re.compile(
    r"\W*(?:(?:читайте|смотрите)\b|(?:друг|последн|похож|главн|ещ[её])\w* (?:новост|материал|по теме)"
    r"|(?:новости|материалы) (?:по теме|партн|раздел)|по теме|самое \w+е$|популярн|лента$|важное$|коротко"
    r"|выбор редакции|(?:теги|метки)\b|поделиться|спецпроекты|анонс)",
    re.IGNORECASE,
)
REST = re.compile(r"\W*(?:\d+\W+)?(?:комментар|обсуждени|отзыв|сообщени|ответ)\w*[^.]{0,40}$", re.IGNORECASE)
ADDRESS = re.compile(
    r"(?i)©|^(?:re|from): |^[a-z]\w*[>:] |https?:|www\.|\w@\w|^#|\S+ [|/>»·•] \S+.* [|/>»·•] \S"
)
FINAL = tuple(".!?…:;,")
LONG = 120  # characters; a paragraph, not a headline


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at: `string` of an article, with what stands around it or says why."""

    kind: str
    file: str
    article: str
    string: str
    context: str


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text with the stem it is compared by."""

    start: int
    end: int
    stem: str
    upper: bool


class Text:
    """A text's words, and where strings stand among them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = [
            Word(found.start(), found.end(), stem(found[0]), found[0][0].isupper())
            for found in WORD.finditer(text)
        ]
        self._starts: dict[str, list[int]] = defaultdict(list)
        for at, word in enumerate(self.words):
            self._starts[word.stem].append(at)

    def places(self, key: Key) -> Iterator[int]:
        """Numbers of the words at which these stems stand one after another, on one line, without commas."""
        for at in self._starts.get(key[0], ()) if key else ():
            run = self.words[at : at + len(key)]
            if tuple(word.stem for word in run) == key:
                between = self.text[run[0].end : run[-1].start]
                if "\n" not in between and "," not in between:
                    yield at

    def span(self, at: int, count: int, label: str) -> Span:
        """So many words from that one on."""
        return Span(self.words[at].start, self.words[at + count - 1].end, label)


@cache
def stem(word: str) -> str:
    """The word without case endings, three letters at least."""
    plain = word.casefold().replace("ё", "е")
    while len(shorter := ENDING.sub("", plain)) >= 3 and shorter != plain:
        plain = shorter
    return plain


def stems(text: str) -> Key:
    """The stems of a text's words, in order."""
    return tuple(stem(word) for word in WORD.findall(text))


def audit(files: Files) -> list[Finding]:
    """Every finding in the documents of some files."""
    found = []
    for file, documents in files.items():
        for document in documents:
            found += [*untidy_spans(file, document), *missed(file, document)]
    return [*found, *officials_elsewhere(files), *duplicates(files), *shared_names(files)]


def untidy_spans(file: str, document: Document) -> Iterator[Finding]:
    """Spans that overlap, that have untidy edges or that cut words."""
    for left, right in combinations(document.spans, 2):
        if left.overlaps(right):
            yield _finding("overlap", file, document, right)
    for span in document.spans:
        if untidy(document.quote(span)):
            yield _finding("edge", file, document, span)
        if _inside_word(document.text, span.start) or _inside_word(document.text, span.end):
            yield _finding("cut-word", file, document, span)


def untidy(string: str) -> bool:
    """Whether a marked string has outer spaces, punctuation or quotes, or half a pair of them.

    Nested quotes may share the closing one: `АО «Завод «Неман»`.
    """
    nested = string[-1] in '»"' and string.count("«") + string.count('"') > 1
    halves = string.count("«") != string.count("»") or string.count('"') % 2 == 1
    wrapped = bool(QUOTES.fullmatch(string)) or string.count("(") != string.count(")")
    starts = string[0].isalnum() or string[0] in OPENING
    ends = string[-1].isalnum() or string[-1] in CLOSING or bool(DOTTED.search(string))
    return (halves and not nested) or wrapped or not starts or not ends


def missed(file: str, document: Document) -> Iterator[Finding]:
    """Unmarked mentions, in the body, of strings that are marked elsewhere in the article."""
    text, lines, taken = Text(document.text), body(document), list(document.spans)
    marked = {(stems(document.quote(span)), span.label) for span in document.spans}
    named = {stem for key, label in marked if label == "OFFICIAL" for stem in key}
    marked |= {((stem,), "OFFICIAL") for stem in named if len(stem) > 3 and not FATHERS.search(stem)}
    for key, label in sorted(marked, key=lambda mark: (-len(mark[0]), mark)):
        for at in text.places(key):
            place = text.span(at, len(key), label)
            if any(place.overlaps(span) for span in taken) or not _within(place, lines):
                continue
            if label != "SECTOR" and not text.words[at].upper:
                continue
            if label == "OFFICIAL" and len(key) == 1 and _another_name(text, at, named):
                continue
            if not _excused(document.text, place):
                taken.append(place)
                yield _finding("missed", file, document, place)


def officials_elsewhere(files: Files) -> Iterator[Finding]:
    """Full names that are OFFICIAL in one article and in another unmarked, or labelled otherwise."""
    homes: dict[Key, str] = {}
    for document, span in _marks(files, "OFFICIAL"):
        key = stems(document.quote(span))
        if len(_full_name(key)) > 1:
            homes.setdefault(key, document.id)
    for file, documents in files.items():
        for document in documents:
            text, lines = Text(document.text), body(document)
            official = [span for span in document.spans if span.label == "OFFICIAL"]
            own = {stems(document.quote(span)) for span in official}  # left to `missed`
            for key in (key for key in homes if key not in own):
                for place in (text.span(at, len(key), "OFFICIAL") for at in text.places(key)):
                    if _within(place, lines) and not any(place.overlaps(span) for span in official):
                        official.append(place)
                        yield _finding(
                            "official-elsewhere", file, document, place, f"OFFICIAL in {homes[key]}"
                        )


def duplicates(files: Files) -> Iterator[Finding]:
    """Articles that are nearly the text of an earlier one, of the same file or another."""
    articles = [(file, document) for file, documents in files.items() for document in documents]
    first: dict[int, tuple[str, Document]] = {}
    groups = near_duplicates([document.text for _, document in articles]) if articles else []
    for group, (file, document) in zip(groups, articles, strict=True):
        earlier_file, earlier = first.setdefault(group, (file, document))
        if earlier is not document:
            start = " ".join(document.text.split())[:90]
            yield Finding(
                "near-duplicate", file, document.id, earlier.id, f"{start} (the other is in {earlier_file})"
            )


def shared_names(files: Files) -> Iterator[Finding]:
    """Names of officials and partners that stand in two files, told by the later file's first mention.

    A name counts when it has two words, Latin letters or, for a PARTNER, quotes around it, in either file.
    """
    for label in ("OFFICIAL", "PARTNER"):
        names = {file: _names(documents, label) for file, documents in files.items()}
        for (earlier, left), (later, right) in combinations(names.items(), 2):
            for key in (key for key in right if key in left):
                (here, string, telling), (there, other, also_telling) = right[key], left[key]
                if telling or also_telling:
                    context = f"«{other}» in {there} of {earlier}"
                    yield Finding(f"shared-{label.lower()}", later, here, string, context)


def _names(documents: Sequence[Document], label: str) -> dict[Key, tuple[str, str, bool]]:
    """First article and form of every name with a label, and whether any form of it is telling."""
    names: dict[Key, tuple[str, str, bool]] = {}
    for document, span in _marks({"": documents}, label):
        string = document.quote(span)
        quoted = document.text[max(span.start - 1, 0) : span.end + 1] in (f"«{string}»", f'"{string}"')
        if label == "OFFICIAL":
            key = tuple(sorted(_full_name(stems(string))))
            telling = len(key) > 1
        else:
            key = tuple(stem for stem in stems(string) if stem not in LEGAL_FORMS)
            telling = len(WORD.findall(string)) > 1 or quoted or bool(re.search("[A-Za-z]", string))
        article, form, told = names.get(key, (document.id, string, False))
        if key:
            names[key] = article, form, told or telling
    return names


def _full_name(key: Key) -> Key:
    """A name without initials and patronymics."""
    return tuple(stem for stem in key if len(stem) > 1 and not FATHERS.search(stem))


def _marks(files: Files, label: str) -> Iterator[tuple[Document, Span]]:
    for documents in files.values():
        for document in documents:
            yield from ((document, span) for span in document.spans if span.label == label)


def _another_name(text: Text, at: int, named: set[str]) -> bool:
    """Whether a word stands beside a capitalised word that belongs to no official of the article.

    The first word of a sentence doesn't count: its capital says nothing.
    """
    for beside in (at - 1, at + 1):
        if (
            0 <= beside < len(text.words)
            and text.words[beside].upper
            and text.words[beside].stem not in named
        ):
            left, right = text.words[min(at, beside)], text.words[max(at, beside)]
            opens = beside < at and not re.search(r"[\w,;:)]\s*$", text.text[: left.start][-3:])
            if text.text[left.end : right.start] in (" ", "-", ". ", ".") and not opens:
                return True
    return False


def _excused(text: str, place: Span) -> bool:
    """Whether what stands beside an unmarked string says that it should be unmarked."""
    line = text.rfind("\n", 0, place.start) + 1
    before, after = text[line : place.start], text[place.end :]
    if before.endswith(("#", "-")) or after.startswith("-") or _in_title(text, line, place):
        return True
    if place.label == "SECTOR":
        return bool(BODY_BEFORE.search(before)) or after.startswith(" с ")
    return place.label == "PARTNER" and bool(PLACE_BEFORE.search(before))


def _in_title(text: str, line: int, place: Span) -> bool:
    """Whether a string is part of short quoted words that are a title, not speech."""
    for quote in QUOTES.finditer(text, line):
        start, end = quote.span()
        if start < place.start and place.end < end and (start + 1, end - 1) != (place.start, place.end):
            speech = text[:start].endswith((": ", ":\n")) or re.match(r",? [—–-] |\. ?[—–-]", text[end:])
            return not speech
    return False


def _within(place: Span, lines: Sequence[tuple[int, int]]) -> bool:
    return any(start <= place.start < end for start, end in lines)


def _inside_word(text: str, at: int) -> bool:
    """Whether letters stand on both sides; not where a space was forgotten («встретилсяПетров»)."""
    before, after = text[at - 1 : at], text[at : at + 1]
    glued = (before.islower() and after.isupper()) or before.isdigit() != after.isdigit()
    return at > 0 and before.isalnum() and after.isalnum() and not glued


def _finding(kind: str, file: str, document: Document, place: Span, why: str = "") -> Finding:
    """A finding with 45 characters of context on either side."""
    text = document.text
    before, after = text[max(place.start - 45, 0) : place.start], text[place.end : place.end + 45]
    context = " ".join(f"{before}⟦{document.quote(place)}⟧{after}".split())
    return Finding(kind, file, document.id, document.quote(place), f"{context} ({why})" if why else context)


def body(document: Document) -> list[tuple[int, int]]:
    """Start and end of each line that belongs to the article, not to page furniture."""
    text = document.text
    kept: list[tuple[int, int]] = []
    headline: tuple[int, int] | None = None
    last_mark = max((span.start for span in document.spans), default=0)
    listing = False
    for found in re.finditer(r"[^\n]+", text):
        line, (start, end) = found[0].strip(), found.span()
        marked = any(start <= span.start < end for span in document.spans)
        if start > last_mark and REST.match(line):
            break
        listing = not marked and len(line) < LONG and (listing or bool(LISTS.match(line)))
        runs_on = text[end + 1 : end + 2].islower() or (
            text[start].islower() and bool(kept) and kept[-1][1] == start - 1
        )
        sentence = len(line) >= LONG or line.endswith(FINAL) or runs_on
        if marked or (sentence and not listing and not ADDRESS.search(line)):
            kept += [headline] if headline and not kept else []
            kept.append((start, end))
        elif len(line.split()) >= 4:
            headline = (start, end)
    return kept
