"""`python -m benchmarks.furniture MODEL`: how often is a menu, a counter or a foreign headline marked?

Gold doesn't mark page furniture, so a line of a held-out article counts as furniture when it holds no part
of a gold span and either matches MARKS (what stands around articles on Russian sites) or is no prose: at
most TITLE words and no sentence's end. Headlines of other articles are found that way, and what they say is
the hard case; so are bylines, and now and then the article's own title or subtitle without a mention, which
makes the rate an upper bound of what readers would call furniture. Furniture inside a line of prose is
missed. Every span counted here is wrong by gold; the last column is their share of all wrong spans.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from infer.document import Document, Span
from infer.extractor import Extractor
from infer.memory import keep_memory
from train.corpus import load_corpus, strip

TITLE = 12  # words
WORD = re.compile(r"\w+")
SENTENCE_END = re.compile(r"[.!?…;:,][»\"”)]*\s*$")
MARKS = re.compile(
    r"©|https?://|www\.|data:image|Ctrl\s*\+|\b\d{1,2}\+(?:\s|$)|[|→›]|->"
    r"|\b(?:просмотр\w*|комментари\w*|поделиться|подпис(?:аться|ывайтесь)\w*|cookie\w*|рейтинг|реклама"
    r"|теги|метки|rss|rambler\w*|читайте также|другие новости|новости партн[её]ров|версия для печати"
    r"|нашли ошибку|при (?:перепечатке|использовании)|все права защищены|наверх|учредитель)\b",
    re.IGNORECASE,
)


def main() -> None:
    """Print the rates by voice and, with `--examples`, what was marked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.furniture")
    parser.add_argument("model", type=Path, metavar="MODEL", help="a model folder")
    parser.add_argument("--annotations", type=Path, default=Path("annotations/heldout.json"))
    parser.add_argument("--examples", action="store_true", help="list the marked lines")
    options = parser.parse_args()
    keep_memory()
    extractor = Extractor.load(options.model)
    gold = load_corpus(options.annotations, extractor.bundle.schema).documents
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for document, answer in zip(gold, extractor.extract_many(strip(gold)), strict=True):
        lines = list(find_furniture(document))
        marked = [span for span in answer.spans if any(span.overlaps(line) for line in lines)]
        wrong = {(span.start, span.end, span.label) for span in answer.spans}
        wrong -= {(span.start, span.end, span.label) for span in document.spans}
        found = {"articles": 1, "lines": len(lines), "spans": len(answer.spans), "wrong": len(wrong)}
        for group in (str(document.meta.get("source") or "?"), "all"):
            counts[group].update(found | {"marked": len(marked)})
        if options.examples:
            for span in marked:
                print(f"{document.id}\t{span.label}\t{answer.quote(span)}")
    heads = ("articles", "furniture lines", "spans", "in furniture", "rate", "of wrong")
    print(f"{'':16}{heads[0]:>9}{heads[1]:>17}{heads[2]:>7}{heads[3]:>14}{heads[4]:>7}{heads[5]:>10}")
    for group, count in sorted(counts.items(), key=lambda item: (item[0] == "all", item[0])):
        rates = (count["marked"] / max(1, count[name]) for name in ("spans", "wrong"))
        print(
            f"{group:16}{count['articles']:9}{count['lines']:17}{count['spans']:7}{count['marked']:14}"
            "{:7.1%}{:10.1%}".format(*rates)
        )


def find_furniture(document: Document) -> Iterator[Span]:
    """The furniture lines of an annotated document."""
    start = 0
    for line in document.text.splitlines(keepends=True):
        place = Span(start, start + len(line), "furniture")
        start = place.end
        if is_furniture(line) and not any(place.overlaps(span) for span in document.spans):
            yield place


def is_furniture(line: str) -> bool:
    """Whether a line looks like page furniture; an empty one doesn't."""
    words = len(WORD.findall(line))
    return bool(MARKS.search(line)) or (0 < words <= TITLE and not SENTENCE_END.search(line))


if __name__ == "__main__":
    main()
