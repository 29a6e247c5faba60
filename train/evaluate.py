"""`python -m train.evaluate MODEL [OTHER] [ANNOTATIONS.json]`: held-out scores, or a comparison.

With one model folder: its scores, with `--train` beside those of the baselines. With two: what the second
does better and worse than the first. Models are read from disk and run through the same `Extractor` as
`python -m infer`. Exit codes: 0 done; 2 could not start or not write (the message says why).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from infer.bundle import BundleError
from infer.document import Document
from infer.extractor import Extractor
from infer.labelstudio import LabelStudioError
from infer.schema import Schema
from train.comparison import compare, comparison_table
from train.corpus import load_corpus
from train.evaluation import evaluate, predict
from train.html import Report, render
from train.reliability import measure_reliability
from train.report import write_json, write_text
from train.tally import tally

HELDOUT = Path("annotations/heldout.json")


class ArgumentError(ValueError):
    """The command's arguments don't fit together; the message says why."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = build_parser().parse_args(arguments)
    try:
        models, annotations = sort_paths(options.paths)
        if len(models) == 1:
            _evaluate(models[0], annotations, options.train, options.output)
        elif options.train:
            raise ArgumentError("--train is for the baselines of one model; leave it out to compare two")
        else:
            _compare(models, annotations, options.output)
    except (ArgumentError, BundleError, LabelStudioError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        place, reason = error.filename or options.output, error.strerror or error
        print(f"evaluate: can't write {place} ({reason})", file=sys.stderr)
        return 2
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m train.evaluate",
        usage="%(prog)s MODEL [OTHER] [ANNOTATIONS.json] [--train ANNOTATIONS.json] [--output DIR]",
        description="Scores of a model folder, or what OTHER does better and worse than MODEL.",
    )
    parser.add_argument(
        "paths",
        type=Path,
        nargs="+",
        metavar="PATH",
        help=f"one or two model folders, e.g. runs/latest/model; annotations (default: {HELDOUT})",
    )
    parser.add_argument("--train", type=Path, help="annotations to train the baselines on")
    parser.add_argument(
        "--output", type=Path, help="folder for metrics.json and report.html, or for comparison.json"
    )
    return parser


def sort_paths(paths: Sequence[Path]) -> tuple[list[Path], Path]:
    """Model folders and annotations: what ends in .json is annotations. Raises ArgumentError."""
    models = [path for path in paths if path.suffix != ".json"]
    annotations = [path for path in paths if path.suffix == ".json"] or [HELDOUT]
    if len(models) not in (1, 2) or len(annotations) > 1:
        raise ArgumentError(
            "give one or two model folders and at most one annotations file (.json), not "
            + " ".join(map(str, paths))
        )
    return models, annotations[0]


def _evaluate(model: Path, annotations: Path, train: Path | None, output: Path | None) -> None:
    extractor = Extractor.load(model)
    schema = extractor.bundle.schema
    gold, problems = _load(annotations, schema)
    learnt = _load(train, schema)[0] if train else []
    evaluation, predicted = evaluate(extractor, gold, learnt)
    print(evaluation.summary())
    if output:
        output.mkdir(parents=True, exist_ok=True)
        write_json(output / "metrics.json", evaluation.to_dict())
        reliability = measure_reliability(gold, predicted, schema, extractor.bundle.settings.decoding)
        title = f"Vizitka: оценки {model.resolve().parent.name}/{model.name}"
        report = Report(title, schema, gold, predicted, evaluation, reliability, problems=problems)
        write_text(output / "report.html", render(report))


def _compare(models: Sequence[Path], annotations: Path, output: Path | None) -> None:
    first, second = (Extractor.load(model) for model in models)
    schema, other = first.bundle.schema, second.bundle.schema
    if (set(schema.labels), set(schema.events)) != (set(other.labels), set(other.events)):
        raise ArgumentError(
            f"{models[0]} marks {', '.join(schema.labels + schema.events)}, {models[1]} marks "
            f"{', '.join(other.labels + other.events)}: only models of the same labels can be compared"
        )
    gold, _ = _load(annotations, schema)
    comparison = compare(*(tally(gold, predict(extractor, gold), schema) for extractor in (first, second)))
    print(f"A: {models[0]}\nB: {models[1]}\n{comparison_table(comparison)}")
    if output:
        output.mkdir(parents=True, exist_ok=True)
        names = {"first": str(models[0]), "second": str(models[1]), "annotations": str(annotations)}
        write_json(output / "comparison.json", names | comparison.to_dict())


def _load(path: Path, schema: Schema) -> tuple[list[Document], list[str]]:
    """Annotated documents, and what of the file could not be used, which is also printed."""
    corpus = load_corpus(path, schema)
    problems = [str(problem) for problem in corpus.problems]
    for problem in problems:
        print(f"not used as it stands: {problem}", file=sys.stderr)
    return corpus.documents, problems


if __name__ == "__main__":
    sys.exit(main())
