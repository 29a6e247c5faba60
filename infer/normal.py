"""Normal forms of mentions: the nominative of each, and one key for all mentions of one entity in an article.

`normal_form` knows a mention only; `normal_forms` and `keys` read it in its document, where the words before
it («губернатором …») and the other mentions («Алексей Островский», then «Островского») settle what a word
alone leaves open. Invariants: both tuples are parallel to `document.spans`; nothing is raised whatever the
text; a user's alias wins over everything; a result depends on the document and the aliases alone.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from infer.document import Document, Span
from infer.encoding import decode
from infer.nominative import ALONE, fold, hint, name, phrase

PERSON_LABELS = frozenset(("OFFICIAL", "PERSON", "PER"))
BEFORE, AFTER = 120, 40  # characters around a mention that may hold its post or its verb
_ALIAS_BEFORE = re.compile(r"[»\"”]?\s*\(\s*(?:далее\s*[—–-]?\s*)?[«\"“„]?")
_ALIAS_AFTER = re.compile(r"[»\"”]?\s*\)")


class Normalizer:
    """Normal forms and keys of mentions; `aliases` maps a form to the key that the user wants for it."""

    def __init__(self, aliases: Mapping[str, str] | None = None) -> None:
        self._aliases = {fold(clean(form)): key for form, key in (aliases or {}).items()}

    def normal_form(self, text: str, label: str) -> str:
        """The nominative of a mention on its own."""
        form = _alone(clean(text), label)
        return self.alias(text, form) or form

    def normal_forms(self, document: Document) -> tuple[str, ...]:
        """The nominative of each span of a document."""
        forms = zip(document.spans, _nominatives(document), strict=True)
        return tuple(self.alias(document.quote(span), form) or form for span, form in forms)

    def keys(self, document: Document) -> tuple[str, ...]:
        """The entity's key for each span of a document: the fullest normal form among its mentions."""
        mentions = list(zip(document.spans, _nominatives(document), strict=True))
        keys: dict[tuple[str, str], str] = {}
        names: dict[tuple[str, str], set[str]] = {}  # of persons, by label and each of their words
        for span, form in sorted(mentions, key=lambda mention: -_full_words(mention[1])):
            place = (span.label, fold(form))
            if place in keys:
                continue
            keys[place] = form
            if span.label in PERSON_LABELS:
                # Only names with the form's longest word can be fuller; asking all takes a book hours.
                longest = max(place[1].split(), key=len, default="")
                candidates = names.get((span.label, longest if len(longest) > 1 else ""), ())
                fuller = {name for name in candidates if _is_part(form, name)}
                # A surname that two persons share joins neither.
                keys[place] = fuller.pop() if len(fuller) == 1 else form
                for word in ("", *fold(keys[place]).split()):
                    names.setdefault((span.label, word), set()).add(keys[place])
        for (first, full), (second, short) in pairwise(mentions):
            if first.label == second.label and _is_alias(document.text, first, second):
                keys[second.label, fold(short)] = keys[first.label, fold(full)]
        found = ((document.quote(span), form, keys[span.label, fold(form)]) for span, form in mentions)
        return tuple(self.alias(text, form, key) or key for text, form, key in found)

    def alias(self, *forms: str) -> str | None:
        """The user's key for a mention, given the forms it goes by; None where there is none."""
        return next(
            (self._aliases[form] for form in map(fold, map(clean, forms)) if form in self._aliases), None
        )


def read_aliases(path: Path) -> dict[str, str]:
    """A user's `aliases.csv`: two columns, a form and its key; a header line `form,key` may be there.

    Commas, or semicolons as in Russian Excel; any encoding that articles may have. Raises ValueError when a
    row has no form and key, or a form two keys.
    """
    text, _ = decode(path.read_bytes()) or (None, "")
    if text is None:
        raise ValueError(f"{path}: not a text in any known encoding; save it as csv in UTF-8")
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    aliases: dict[str, str] = {}
    keys: dict[str, str] = {}
    for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 1):
        cells = [cell.strip() for cell in row]
        while cells and not cells[-1]:
            cells.pop()  # columns that a spreadsheet leaves behind
        if not cells or cells == ["form", "key"]:
            continue
        if len(cells) != 2 or not cells[0]:
            raise ValueError(f'{path}: row {number} needs a form and a key, not "{delimiter.join(row)}"')
        form, key = cells
        first = keys.setdefault(fold(clean(form)), key)
        if key != first:
            raise ValueError(
                f'{path}: row {number} gives "{form}" the key "{key}", a row before "{first}"; keep one'
            )
        aliases[form] = key
    return aliases


def clean(text: str) -> str:
    """A mention on one line, composed (й as one code point), with single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def _nominatives(document: Document) -> tuple[str, ...]:
    known: dict[str, str] = {}
    forms: dict[Span, str] = {}
    # A full name shows gender and declension best, so the others are read after it.
    for span in sorted(document.spans, key=lambda span: -_full_words(document.quote(span))):
        person = span.label in PERSON_LABELS
        before = unicodedata.normalize("NFC", document.text[max(0, span.start - BEFORE) : span.start])
        after = unicodedata.normalize("NFC", document.text[span.end : span.end + AFTER])
        text, around = clean(document.quote(span)), hint(before, after, person)
        if person:
            forms[span], gender = name(text, around, known)
            known |= {
                fold(part): gender for part in re.split(r"[\s-]+", forms[span]) if fold(part) not in known
            }
        else:
            forms[span] = phrase(text, around)
    return tuple(forms[span] for span in document.spans)


@lru_cache(maxsize=50_000)
def _alone(text: str, label: str) -> str:
    return name(text, ALONE)[0] if label in PERSON_LABELS else phrase(text, ALONE)


def _full_words(text: str) -> int:
    return len(re.findall(r"[^\W\d_]{2,}", text))


def _is_part(form: str, full: str) -> bool:
    """Whether each word or initial of a name stands in a fuller name."""
    words = fold(full).split()
    for part in fold(form).split():
        match = next(
            (word for word in words if word == part or (len(part) == 1 and word.startswith(part))), None
        )
        if match is None:
            return False
        words.remove(match)
    return True


def _is_alias(text: str, first: Span, second: Span) -> bool:
    """Whether the second of two neighbours stands in brackets right after the first."""
    between = text[first.end : second.start]
    return bool(_ALIAS_BEFORE.fullmatch(between)) and bool(_ALIAS_AFTER.match(text, second.end))
