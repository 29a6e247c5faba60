"""`python -m benchmarks.suspects RUN_FOLDER`: how many planted label errors `train.suspects` finds, how soon.

RUN_FOLDER is that of `python -m train --folds N`. Errors are planted in a copy of its annotations, drawn by
the seed: of all spans a share is spoilt, in equal parts removed, given another label, moved (a word more or
less) or joined by a wrong one on an unmarked word after it; of all answers about events the same share is
turned.

The run's answers are those of models that learnt from the clean annotations, so the figures are optimistic:
in life, the errors of the other folds are learnt from, too. `--folds N` is the honest way: it cross-validates
on the spoilt copy, which takes as long as the run did. Either way the annotations have errors of their own,
which count here as false alarms: precision is a lower bound.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from infer.document import Document, Span
from infer.labelstudio import to_task
from infer.schema import Schema, read_schema
from train.config import TrainConfig
from train.corpus import load_corpus
from train.doubts import Doubt, find_doubts
from train.suspects import pair, read_run

KINDS = ("removed", "label", "bounds", "added", "event")
RANKS = (20, 50, 100, 200)


@dataclass(frozen=True, slots=True)
class Error:
    """A planted error: where it is, as a stretch of the article's text or as an event."""

    kind: str
    article: str
    start: int = 0
    end: int = 0
    event: str = ""

    def is_hit(self, doubt: Doubt) -> bool:
        """Whether somebody sent to the doubt's place would see the error."""
        if doubt.article.id != self.article or doubt.event != self.event:
            return False
        spans = [span for span in (doubt.gold, doubt.predicted) if span]
        return bool(self.event) or any(span.start < self.end and self.start < span.end for span in spans)


def main() -> None:
    """Plant, look for, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.suspects")
    parser.add_argument("run", type=Path, metavar="RUN_FOLDER", help="of python -m train --folds N")
    parser.add_argument("--share", type=float, default=0.05, help="of spans and of answers about events")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folds", type=int, metavar="N", help="cross-validate on the spoilt annotations")
    parser.add_argument("--output", type=Path, default=Path("runs/suspects"), help="folder for --folds")
    options = parser.parse_args()
    run = read_run(options.run)
    schema = read_schema(run.labeling_config)
    documents = load_corpus(run.annotations, schema, run.annotators).documents
    spoilt, errors = plant(documents, schema, options.share, Random(options.seed))
    if options.folds:
        cross_validate_on(spoilt, schema, options.run, options.folds, options.output)
        run = read_run(options.output)
    before = find_doubts(pair(documents, run), schema)
    doubts = find_doubts(pair(spoilt, run), schema)
    print(f"{len(documents)} articles, {len(errors)} errors planted; {len(before)} suspects without them")
    print("\n".join(table(doubts, errors)))


def plant(
    documents: Sequence[Document], schema: Schema, share: float, random: Random
) -> tuple[list[Document], list[Error]]:
    """The documents with errors, and the errors."""
    spans = [(number, span) for number, document in enumerate(documents) for span in document.spans]
    answers = [(number, event) for number in range(len(documents)) for event in schema.events]
    marked = [set(document.spans) for document in documents]
    events = [set(document.events) for document in documents]
    errors = []
    for order, (number, span) in enumerate(random.sample(spans, round(share * len(spans)))):
        kind = KINDS[order % 4]
        document = documents[number]
        changed = spoil(kind, span, document, schema, random)
        if changed == {span}:
            continue  # nothing there to spoil it with
        marked[number] = (marked[number] - {span}) | changed
        places = (changed - {span}) or {span}
        start, end = min(one.start for one in places), max(one.end for one in places)
        errors.append(Error(kind, document.id, start, end))
    for number, event in random.sample(answers, round(share * len(answers))):
        events[number] ^= {event}
        errors.append(Error("event", documents[number].id, event=event))
    spoilt = [
        replace(
            document,
            spans=tuple(sorted(marked[number])),
            events=tuple(event for event in schema.events if event in events[number]),
        )
        for number, document in enumerate(documents)
    ]
    return spoilt, errors


def spoil(kind: str, span: Span, document: Document, schema: Schema, random: Random) -> set[Span]:
    """What stands in a span's place with an error of that kind; the span alone where there can't be one."""
    if kind == "removed":
        return set()
    if kind == "label":
        others = [label for label in schema.labels if label != span.label]
        return {replace(span, label=random.choice(others))} if others else {span}
    free = [
        word
        for word in re.finditer(r"\w+", document.text)
        if not any(word.start() < other.end and other.start < word.end() for other in document.spans)
    ]
    after = next((word for word in free if word.start() >= span.end), None)
    if kind == "added":
        return {span, Span(after.start(), after.end(), span.label)} if after else {span}
    words = list(re.finditer(r"\w+", document.quote(span)))
    if len(words) > 1:
        return {replace(span, start=span.start + words[1].start())}
    if after and not any(span.end <= other.start < after.end() for other in document.spans):
        return {replace(span, end=after.end())}
    return {span}


def cross_validate_on(
    documents: Sequence[Document], schema: Schema, clean: Path, folds: int, folder: Path
) -> None:
    """The run's recipe once more, on other annotations."""
    from infer.memory import keep_memory
    from train.folds import cross_validate

    keep_memory()
    manifest = json.loads((clean / "manifest.json").read_text(encoding="utf-8"))
    config = TrainConfig.model_validate(manifest["config"])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "spoilt.json"
    tasks = [to_task(document, schema) for document in documents]
    path.write_text(json.dumps(tasks, ensure_ascii=False), encoding="utf-8")
    data = config.data.model_copy(update={"train": path, "annotators": "latest"})
    cross_validate(config.model_copy(update={"data": data}), folder, folds)


def table(doubts: Sequence[Doubt], errors: Sequence[Error]) -> list[str]:
    """Precision and recall of the first k suspects, and the recall of each kind of error."""
    found: list[set[Error]] = [{error for error in errors if error.is_hit(doubt)} for doubt in doubts]
    scored = sum(doubt.is_scored for doubt in doubts)
    ranks = sorted({*(rank for rank in RANKS if rank < len(doubts)), scored, len(doubts)})
    lines = [f"{'first':>6}  precision  recall" + "".join(f"{kind:>9}" for kind in KINDS)]
    for rank in ranks:
        hits = set().union(*found[:rank])
        precision = sum(map(bool, found[:rank])) / rank if rank else 0.0
        parts = "".join(f"{_recall(hits, errors, kind):>9}" for kind in KINDS)
        share = len(hits) / len(errors) if errors else 0.0
        lines.append(f"{rank:6}  {precision:9.1%}  {share:6.1%}{parts}")
    return [*lines, f"{scored} suspects have a score; the others were not found by the model and come last"]


def _recall(hits: set[Error], errors: Sequence[Error], kind: str) -> str:
    total = sum(error.kind == kind for error in errors)
    return f"{sum(error.kind == kind for error in hits) / total:.1%}" if total else "-"


if __name__ == "__main__":
    main()
