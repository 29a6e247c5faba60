"""`python -m benchmarks.nerel NEREL-v1.1`: the default recipe on NEREL's articles, beside slovnet.

PERSON, ORGANIZATION, PROFESSION and COUNTRY with all their nesting across labels: «министр иностранных дел
Китая» is a PROFESSION over a COUNTRY, which one flat tag sequence can't hold. Trained on NEREL's train part,
checkpoint chosen on its dev part, strict F1 on its test part, against its gold as annotated.

slovnet marks PER and ORG without nesting, so it is scored against the outermost spans, and so are we in its
column. Published scores of nested NEREL (NEREL's README) are for all 29 types: another, harder sum.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from infer.document import Document, Span
from infer.extractor import Extractor
from infer.memory import keep_memory
from infer.schema import Schema
from train.config import load_config
from train.corpus import strip
from train.fit import fit
from train.metrics import score
from train.nerel import keep_outermost, read_brat
from train.report import write_json
from train.scores import Scores

LABELS = ("PERSON", "ORGANIZATION", "PROFESSION", "COUNTRY")
SLOVNET = {"PER": "PERSON", "ORG": "ORGANIZATION"}
PUBLISHED = "MRC + ruBERT 85.0, SpERT + ruBERT 82.5, Pyramid + ruBERT 79.7, Biaffine + ruBERT 79.3 (29 types)"


def main() -> None:
    """Print a table; `--output` keeps the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nerel")
    parser.add_argument("folder", type=Path, metavar="NEREL", help="unpacked corpus with train, dev and test")
    parser.add_argument("--config", type=Path, default=Path("configs/default.yaml"))
    parser.add_argument("--output", type=Path, help="a JSON file for the figures")
    parser.add_argument("overrides", nargs="*", metavar="section.key=value", help="changes to the config")
    options = parser.parse_intermixed_args()
    keep_memory()
    config = load_config(options.config, options.overrides)
    train, dev, test = (pick(read_brat(options.folder / part)) for part in ("train", "dev", "test"))
    schema = Schema(LABELS, ())
    with tempfile.TemporaryDirectory() as folder:
        fitted = fit(train, dev, schema, config, Path(folder))
    ours = list(Extractor(fitted.bundle).extract_many(strip(test)))
    nested = score(test, ours, schema)
    print(f"\n{len(train)} articles, {config.backbone}; strict F1 on {len(test)} test articles\n")
    print_scores("nested, all of gold", nested)

    pair = Schema(tuple(SLOVNET.values()), ())
    gold = [flatten(document, pair.labels) for document in test]
    rows = {"vizitka": score(gold, [flatten(document, pair.labels) for document in ours], pair)}
    if find_spec("slovnet") and find_spec("natasha"):
        rows["slovnet"] = score(gold, run_slovnet(test), pair)
    else:
        print("slovnet left out: pip install slovnet natasha")
    for name, scores in rows.items():
        print_scores(f"outermost, {name}", scores)
    print(f"\npublished: {PUBLISHED}")
    if options.output:
        figures = {"nested": nested.to_dict(), **{name: scores.to_dict() for name, scores in rows.items()}}
        write_json(options.output, figures)


def pick(documents: Sequence[Document]) -> list[Document]:
    """The documents with spans of the four labels only."""
    return [
        replace(document, spans=tuple(span for span in document.spans if span.label in LABELS))
        for document in documents
    ]


def flatten(document: Document, labels: Sequence[str]) -> Document:
    """The document with its outermost spans of some labels."""
    return replace(document, spans=keep_outermost(document, labels))


def run_slovnet(documents: Sequence[Document]) -> list[Document]:
    """What slovnet's news model marks."""
    tagger = load_slovnet()
    return [
        replace(
            document,
            spans=tuple(
                Span(span.start, span.stop, SLOVNET[span.type])
                for span in tagger(document.text).spans
                if span.type in SLOVNET
            ),
        )
        for document in documents
    ]


def load_slovnet() -> Any:
    """Slovnet's news model, its own embeddings and weights out of the natasha wheel."""
    from navec import Navec
    from slovnet import NER

    spec: Any = find_spec("natasha")
    data = Path(spec.origin).parent / "data"
    tagger = NER.load(data / "model/slovnet_ner_news_v1.tar")
    tagger.navec(Navec.load(data / "emb/navec_news_v1_1B_250K_300d_100q.tar"))
    return tagger


def print_scores(title: str, scores: Scores) -> None:
    """A line a label."""
    print(title)
    for name, figure in scores.spans.items():
        low, high = figure.f1_interval
        print(f"  {name:14} {figure.f1:6.1%}  [{low:.1%}, {high:.1%}]  gold {figure.support}")


if __name__ == "__main__":
    main()
