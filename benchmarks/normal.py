"""How often `infer.normal` gives the hand-written normal form, against lemmas joined by spaces.

Run from the repository root: `python benchmarks/normal.py [MENTIONS.tsv]`. Each row's mention is read in its
context (`[[*LABEL|mention]]` is the mention itself, `[[LABEL|...]]` its neighbours) with the other mentions
of its article that share a word with it. The rules were written against the rows with even numbers.
"""

from __future__ import annotations

import csv
import re
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pymorphy3

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from infer.document import Document, Span
from infer.normal import Normalizer

MENTIONS = Path(__file__).resolve().parent.parent / "tests" / "data" / "mentions.tsv"
MARK = re.compile(r"\[\[(\*?)([A-Z]+)\|(.*?)\]\]")
Row = dict[str, str]


def read_rows(path: Path = MENTIONS) -> list[Row]:
    """The hand-written mentions, in the file's order."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def to_document(row: Row) -> tuple[Document, int]:
    """A row's context and other mentions as a Document, with the place of the row's own span."""
    text, spans, target = "", [], Span(0, 1, "")
    marked = "\n".join(
        [row["context"], *(f"[[{row['label']}|{other}]]" for other in row["others"].split(" | ") if other)]
    )
    end = 0
    for match in MARK.finditer(marked):
        text += marked[end : match.start()]
        span = Span(len(text), len(text) + len(match[3]), match[2])
        spans.append(span)
        target = span if match[1] else target
        text += match[3]
        end = match.end()
    document = Document("row", text + marked[end:], tuple(spans))
    return document, document.spans.index(target)


def in_context(row: Row) -> str:
    """What `Normalizer.normal_forms` gives."""
    document, index = to_document(row)
    return Normalizer().normal_forms(document)[index]


def alone(row: Row) -> str:
    """What `Normalizer.normal_form` gives."""
    return Normalizer().normal_form(row["mention"], row["label"])


def joined_lemmas(row: Row, analyzer: pymorphy3.MorphAnalyzer = pymorphy3.MorphAnalyzer(lang="ru")) -> str:  # noqa: B008
    """The baseline: each word's most probable lemma, in the word's capitals, everything else as written."""

    def lemma(match: re.Match[str]) -> str:
        word = match[0]
        normal = str(analyzer.parse(word)[0].normal_form)
        return normal.upper() if word.isupper() else normal.capitalize() if word[0].isupper() else normal

    return re.sub(r"[^\W\d_]+(?:-[^\W\d_]+)*", lemma, row["mention"])


def accuracy(rows: list[Row], forms: Callable[[Row], str]) -> float:
    """The share of rows whose form is exactly the expected one."""
    return sum(forms(row) == row["expected"] for row in rows) / len(rows)


def main(path: Path) -> None:
    """Print the accuracies and the failures."""
    rows = read_rows(path)
    groups: dict[str, list[Row]] = defaultdict(list)
    for number, row in enumerate(rows):
        for group in ("all", "odd rows" if number % 2 else "even rows", row["label"], f"case {row['case']}"):
            groups[group].append(row)
        groups["changed" if row["mention"] != row["expected"] else "as written"].append(row)
    methods = {"in context": in_context, "alone": alone, "lemmas": joined_lemmas}
    print(f"{'':12}{'rows':>6}" + "".join(f"{name:>12}" for name in methods))
    for group, members in groups.items():
        scores = "".join(f"{accuracy(members, method):12.3f}" for method in methods.values())
        print(f"{group:12}{len(members):6}{scores}")
    print("\nin context, wrong:")
    for number, row in enumerate(rows):
        if (form := in_context(row)) != row["expected"]:
            print(f"{number}\t{row['label']}\t{row['mention']} -> {form}, expected {row['expected']}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else MENTIONS)
