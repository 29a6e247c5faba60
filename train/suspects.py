"""`python -m train.suspects RUN_FOLDER [ANNOTATIONS.json]`: annotations that a cross-validated model doubts.

RUN_FOLDER is what `python -m train --folds N` wrote: the answers of models to articles that they hadn't seen.
The annotations are by default those of the run; corrected ones may be given, since the answers stay what they
were. Exit codes: 0 done, 2 could not go on.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infer.document import Document
from infer.labelstudio import LabelStudioError
from infer.schema import Schema, SchemaError, read_schema
from train.corpus import load_corpus
from train.doubts import Doubt, find_doubts
from train.links import task_link, task_links
from train.predictions import PREDICTIONS, read_answers
from train.report import write_text
from train.server import StudioError, check_config, persist
from train.suspects_page import suspect_lines, suspects_page

SHOWN = 20
TAB = "Suspects"


class SuspectsError(ValueError):
    """The run folder can't be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a cross-validation left: where its annotations are, how they were read, and its answers."""

    annotations: Path
    labeling_config: Path
    annotators: str
    answers: Mapping[str, Document]  # by article


def read_run(folder: Path) -> Run:
    """Raises SuspectsError."""
    try:
        data = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["config"]["data"]
        answers = read_answers(folder / PREDICTIONS)
        paths = Path(data["train"]), Path(data["labeling_config"])
        return Run(*paths, data["annotators"], {document.id: document for document in answers})
    except FileNotFoundError as error:
        raise SuspectsError(
            f"{folder}: no {Path(error.filename).name} there; give the run folder of python -m train --folds"
        ) from None
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise SuspectsError(f"{folder}: not a run of --folds ({error!r}); make it again") from None


def pair(documents: Sequence[Document], run: Run) -> list[tuple[Document, Document]]:
    """Gold and answer of each article that has both. Raises SuspectsError when a text has changed."""
    pairs = [(gold, run.answers[gold.id]) for gold in documents if gold.id in run.answers]
    for gold, answer in pairs:
        if gold.text != answer.text:
            raise SuspectsError(
                f"article {gold.id} has another text in the annotations than in the run; "
                "cross-validate again: python -m train --folds 5"
            )
    if not pairs:
        raise SuspectsError("the annotations and the run have no article in common; give the run's own")
    return pairs


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m train.suspects", description=(__doc__ or "").split("\n")[0].partition(": ")[2]
    )
    parser.add_argument("run", type=Path, metavar="RUN_FOLDER", help="of python -m train --folds N")
    parser.add_argument(
        "annotations", type=Path, nargs="?", metavar="ANNOTATIONS.json", help="default: the run's"
    )
    parser.add_argument("--labeling-config", type=Path, metavar="FILE", help="default: the run's")
    parser.add_argument("--output", type=Path, metavar="FILE.html", help="write a page of all suspects there")
    parser.add_argument(
        "--project", type=int, metavar="ID", help=f"filter them in the tab {TAB} of this Label Studio project"
    )
    options = parser.parse_args(arguments)
    try:
        _run(options)
    except (LabelStudioError, SchemaError, StudioError, SuspectsError, OSError) as error:
        print(f"suspects: {error}", file=sys.stderr)
        return 2
    return 0


def _run(options: argparse.Namespace) -> None:
    run = read_run(options.run)
    path = options.annotations or run.annotations
    schema = read_schema(options.labeling_config or run.labeling_config)
    documents = load_corpus(path, schema, run.annotators).documents
    pairs = pair(documents, run)
    doubts = find_doubts(pairs, schema)
    links = task_links(path, schema, os.environ.get("LABEL_STUDIO_URL"))
    if options.project:
        links = _show_in_project(options.project, doubts, schema)
    if options.output:  # before the printing, which a reader may cut short
        write_text(options.output, suspects_page(doubts, links, schema))
    print("\n".join(suspect_lines(doubts[:SHOWN], links)))
    print(f"{len(doubts)} suspects in {len(pairs)} articles")
    for count, why in (
        (len(documents) - len(pairs), "annotated articles are new since the run, which says nothing of them"),
        (len(run.answers) - len(pairs), "articles of the run are not in the annotations any more"),
    ):
        if count:
            print(f"{count} {why}")
    if options.output:
        print(f"page -> {options.output}")


def _show_in_project(project: int, doubts: Sequence[Doubt], schema: Schema) -> dict[str, str]:
    """Filter the scored suspects' tasks in a tab; the addresses of all tasks, by article."""
    from train.studio import connect
    from train.tabs import show_articles

    server = connect()
    check_config(persist(lambda: server.get_project(project)), schema, "the annotations")
    wanted = {doubt.article.id for doubt in doubts if doubt.is_scored}
    tab = show_articles(server, project, schema, TAB, wanted)
    absent = len(wanted) - len(tab.shown)
    lacking = f"; {absent} are not in the project" if absent else ""
    print(f"{len(tab.shown)} articles are in the tab {TAB}{lacking}: {tab.address}", end="\n\n")
    return {name: task_link(server.url, project, number) for name, number in tab.tasks.items()}


if __name__ == "__main__":
    sys.exit(main())
