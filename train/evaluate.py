"""`python -m train.evaluate MODEL [ANNOTATIONS.json]`: scores of a model folder against held-out annotations.

The model is read from disk and run through the same `Extractor` as `python -m infer`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from infer.bundle import BundleError
from infer.document import Document
from infer.extractor import Extractor
from infer.labelstudio import LabelStudioError
from train.corpus import load_corpus, strip
from train.html import render
from train.metrics import score
from train.report import score_table, write_json
from train.scores import Scores


def evaluate(extractor: Extractor, gold: Sequence[Document]) -> tuple[Scores, list[Document]]:
    """Scores of an extractor on annotated documents, and its answers; it sees their texts only."""
    answers = extractor.extract_many(strip(gold))
    predicted = list(tqdm(answers, total=len(gold), desc="Scoring", unit=" articles", disable=None))
    return score(gold, predicted, extractor.bundle.schema), predicted


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m train.evaluate", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="model folder, e.g. runs/latest/model")
    parser.add_argument(
        "annotations",
        type=Path,
        nargs="?",
        default=Path("annotations/heldout.json"),
        help="default: %(default)s",
    )
    parser.add_argument("--output", type=Path, help="folder to write metrics.json and report.html into")
    options = parser.parse_args(arguments)
    try:
        extractor = Extractor.load(options.model)
        corpus = load_corpus(options.annotations, extractor.bundle.schema)
    except (BundleError, LabelStudioError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 2
    for problem in corpus.problems:
        print(f"not used as it stands: {problem}", file=sys.stderr)
    scores, predicted = evaluate(extractor, corpus.documents)
    print(score_table(scores))
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        write_json(options.output / "metrics.json", scores.to_dict())
        problems = [str(problem) for problem in corpus.problems]
        title = f"Vizitka: оценки {options.model}"
        page = render(scores, corpus.documents, predicted, extractor.bundle.schema, title, problems)
        (options.output / "report.html").write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
