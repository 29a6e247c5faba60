"""A list of marked strings that finds them again: longest match over lemmas, no context.

A string is kept when at least half of its occurrences in the training texts were marked; without that, words
that are names only now and then would be found everywhere. Of labels that a string was marked with, the
most frequent one holds. Matches never overlap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from infer.align import WORD
from infer.document import Document, Span
from infer.morphology import parses

Phrase = tuple[str, ...]  # lemmas of words and punctuation marks


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """Phrases with their label; `longest` is the number of lemmas of the longest."""

    labels: Mapping[Phrase, str]
    longest: int

    def find(self, text: str) -> tuple[Span, ...]:
        """The phrases in a text, the longest at each place, from left to right."""
        return tuple(Span(start, end, self.labels[phrase]) for start, end, phrase in self._matches(text))

    def _matches(self, text: str) -> Iterator[tuple[int, int, Phrase]]:
        words, lemmas = lemmatize(text)
        first = 0
        while first < len(words):
            lengths = range(min(self.longest, len(words) - first), 0, -1)
            length = next((n for n in lengths if lemmas[first : first + n] in self.labels), 0)
            if length:
                last = words[first + length - 1]
                yield words[first][0], last[1], lemmas[first : first + length]
            first += length or 1


def fit_gazetteer(documents: Sequence[Document]) -> Gazetteer:
    """The gazetteer of annotated documents."""
    marked: dict[Phrase, Counter[str]] = {}
    for document in documents:
        for span in document.spans:
            marked.setdefault(lemmatize(document.quote(span))[1], Counter())[span.label] += 1
    labels = {phrase: counts.most_common(1)[0][0] for phrase, counts in marked.items() if phrase}
    everything = Gazetteer(labels, max(map(len, labels), default=0))
    met = Counter(phrase for document in documents for _, _, phrase in everything._matches(document.text))
    kept = {phrase: label for phrase, label in labels.items() if 2 * marked[phrase].total() >= met[phrase]}
    return Gazetteer(kept, max(map(len, kept), default=0))


def lemmatize(text: str) -> tuple[list[tuple[int, int]], Phrase]:
    """Words and punctuation marks of a text: their bounds and their dictionary forms."""
    words = [match.span() for match in WORD.finditer(text)]
    return words, tuple(_lemma(text[start:end]) for start, end in words)


def _lemma(word: str) -> str:
    found = parses(word.lower())
    return str(found[0].normal_form) if found else word.casefold()
