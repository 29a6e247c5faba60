"""`python -m train.studio create|push|pull|queue`: the loop with a Label Studio server.

    export LABEL_STUDIO_URL=http://localhost:8080 LABEL_STUDIO_API_KEY=...
    python -m train.studio create --title Pilot
    python -m train.studio push articles/ --project 1 --model runs/latest/model
    python -m train.studio pull --project 1 --holdout 0.2
    python -m train.studio queue articles/ --model runs/latest/model --top 50 --project 1 --push

Exit codes: 0 done; 1 done, but some inputs failed (push, queue) or the audit has findings (pull); 2 could not
go on; 130 stopped with Ctrl-C. Every command can be given again: it goes on from where things stand.
"""

from __future__ import annotations

import argparse
import html
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from infer.failure import Failure
from infer.labelstudio import LabelStudioError
from infer.listing import InputError
from infer.schema import SchemaError, read_schema
from train.server import AwayError, Server, StudioError, check_config, digest_of, persist

TITLE_LENGTHS = range(3, 51)  # characters, what the server takes
SHOWN = 20  # names of a kind that are printed


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m train.studio",
        description="Articles to Label Studio and annotations back.",
        epilog="The server and its token are told by LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY.",
    )
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--labeling-config",
        type=Path,
        default=Path("annotations/labeling_config.xml"),
        metavar="FILE",
        help="labels and choices (%(default)s)",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="create|push|pull|queue")

    create = commands.add_parser("create", parents=[shared], help="make a project, or find it again")
    create.add_argument("--title", required=True, help="its name; 3 to 50 characters")
    create.add_argument(
        "--guidelines",
        type=Path,
        default=Path("annotations/guidelines.md"),
        metavar="FILE",
        help="shown to annotators (%(default)s)",
    )
    create.set_defaults(run=_create)

    push = commands.add_parser("push", parents=[shared], help="send articles that the project lacks")
    push.add_argument("inputs", nargs="+", metavar="INPUT", help="files, folders or patterns of articles")
    push.add_argument("--project", type=int, required=True, metavar="ID")
    push.add_argument("--model", type=Path, metavar="DIR", help="pre-annotate with this model folder")
    push.add_argument("--text-column", metavar="NAME", help="the column of tables that holds the articles")
    push.set_defaults(run=_push)

    pull = commands.add_parser("pull", parents=[shared], help="bring annotations into the files of training")
    pull.add_argument("--project", type=int, required=True, metavar="ID")
    pull.add_argument("--output", type=Path, default=Path("annotations/train.json"), metavar="FILE")
    pull.add_argument(
        "--holdout",
        type=_fraction,
        default=0.0,
        metavar="FRACTION",
        help="of new articles, kept out of training: into heldout.json beside the output",
    )
    pull.add_argument("--seed", type=int, default=0, help="of the held-out draw (%(default)s)")
    pull.set_defaults(run=_pull)

    queue = commands.add_parser("queue", help="which articles to annotate next")
    queue.add_argument("inputs", nargs="+", metavar="INPUT", help="files, folders or patterns of articles")
    queue.add_argument("--model", type=Path, required=True, metavar="DIR", help="whose doubts decide")
    queue.add_argument("--top", type=_count, default=50, metavar="N", help="so many articles (%(default)s)")
    queue.add_argument("--project", type=int, metavar="ID", help="leave out what this project has")
    queue.add_argument("--push", action="store_true", help="send them there, with data.priority to sort by")
    queue.add_argument("--text-column", metavar="NAME", help="the column of tables that holds the articles")
    queue.add_argument("--output", type=Path, metavar="FILE", help="write the queue as JSON lines, too")
    queue.set_defaults(run=_queue)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = build_parser().parse_args(arguments)
    try:
        code: int = options.run(options)
        return code
    except KeyboardInterrupt:
        print("\nstudio: stopped; the same command goes on from here", file=sys.stderr)
        return 130
    except AwayError as error:
        print(f"studio: {error} The same command goes on from here", file=sys.stderr)
    except (InputError, LabelStudioError, SchemaError, StudioError) as error:
        print(f"studio: {error}", file=sys.stderr)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"studio: {place}{error.strerror or error}", file=sys.stderr)
    return 2


def connect() -> Server:
    """The server of the environment. Raises StudioError."""
    return Server(os.environ.get("LABEL_STUDIO_URL"), os.environ.get("LABEL_STUDIO_API_KEY"))


def format_guidelines(text: str) -> str:
    """Plain text as the HTML that the server shows: its paragraphs, with its line breaks."""
    paragraphs = (block.strip() for block in text.replace("\r\n", "\n").split("\n\n"))
    return "".join(f"<p>{html.escape(block).replace(chr(10), '<br>')}</p>" for block in paragraphs if block)


def _create(options: argparse.Namespace) -> int:
    schema = read_schema(options.labeling_config)
    if len(options.title) not in TITLE_LENGTHS:
        raise StudioError(f"the title {options.title!r} must have 3 to 50 characters")
    guidelines = format_guidelines(_read(options.guidelines))
    server = connect()
    projects = server.find_projects(options.title)
    if len(projects) > 1:
        ids = ", ".join(str(one.id) for one in projects)
        raise StudioError(f"several projects have the title {options.title!r}: {ids}; use one by its number")
    if projects:
        project, done = projects[0], "is there already"
        check_config(project, schema, str(options.labeling_config))
    else:
        config = _read(options.labeling_config)
        project, done = server.create_project(options.title, config, guidelines), "is made"
    print(f"project {project.id} ({project.title}) {done}: {server.url}/projects/{project.id}")
    print(f"next: python -m train.studio push FOLDER --project {project.id}")
    return 0


def _push(options: argparse.Namespace) -> int:
    from infer.reading import read_documents
    from train.push import load_model, push

    schema = read_schema(options.labeling_config)
    found = read_documents(options.inputs, options.text_column)
    server = connect()
    project = server.get_project(options.project)
    check_config(project, schema, str(options.labeling_config))
    model = load_model(options.model, project) if options.model else None
    pushed = push(server, project.id, schema, found, model)
    print(f"{pushed.sent} articles sent, {pushed.present} were there: {server.url}/projects/{project.id}")
    return _report(pushed.failures)


def _pull(options: argparse.Namespace) -> int:
    from train.check import main as check
    from train.pull import HELDOUT, pull

    schema = read_schema(options.labeling_config)
    server = connect()
    project = server.get_project(options.project)
    check_config(project, schema, str(options.labeling_config))
    done = pull(server, project.id, schema, options.output, options.holdout, options.seed)
    changes = done.changes
    print(f"project {project.id}: {done.tasks} articles, {done.annotated} annotated, {done.skipped} skipped")
    print(f"new since the last pull: {_show(changes.new)}")
    print(f"annotated anew: {_show(changes.changed)}")
    print(f"kept, without an annotation in the project: {len(changes.kept)}")
    files = [
        (path, count)
        for path, count in ((options.output, done.train), (options.output.with_name(HELDOUT), done.heldout))
        if count
    ]
    for path, count in files:
        print(f"{count} articles -> {path}")
    if not files:
        print("nothing is annotated yet, nothing is written")
        return 0
    paths = [str(path) for path, _ in files]
    print(flush=True)
    return check([*paths, "--labeling-config", str(options.labeling_config)])


def _queue(options: argparse.Namespace) -> int:
    if options.push and options.project is None:
        raise StudioError("--push needs --project")
    from infer.reading import read_documents
    from infer.writing import write_lines
    from train.priority import rank, to_record, with_priority
    from train.push import load_model, push, select

    found = read_documents(options.inputs, options.text_column)
    server = connect() if options.project is not None else None
    project = server.get_project(options.project) if server else None
    model = load_model(options.model, project)
    schema = model.extractor.bundle.schema
    known = persist(partial(server.list_texts, options.project, schema.text_key)) if server else {}
    present = {name: digest_of(text) for name, text in known.items()}
    documents, failures, count = select(found, present, schema)
    queue = rank(model.extractor, documents, known.values(), options.top)
    records = [to_record(number, queued) for number, queued in enumerate(queue, 1)]
    for record in records:
        print(f"{record['rank']:4}  {record['priority']:.4f}  {record['id']}: {record['why']}")
    print(f"{len(queue)} of {len(documents)} articles; {count} more are in the project already")
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        write_lines(records, options.output)
        print(f"queue -> {options.output}")
    if server and options.push:
        pushed = push(server, options.project, schema, map(with_priority, queue), model)
        failures.extend(pushed.failures)
        print(f"{pushed.sent} articles sent: {server.url}/projects/{options.project}")
    return _report(failures)


def _report(failures: Sequence[Failure]) -> int:
    """The exit code, once what couldn't become a task is said."""
    for failure in failures:
        print(f"studio: {failure.id}: {failure.reason}; {failure.hint}", file=sys.stderr)
    return 1 if failures else 0


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise StudioError(f"{path}: not UTF-8; save it as UTF-8") from None


def _show(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{len(names)}{': ' if names else ''}{', '.join(names[:SHOWN])}{more}"


def _fraction(value: str) -> float:
    fraction = float(value)
    if not 0 <= fraction < 1:
        raise argparse.ArgumentTypeError("must be at least 0 and below 1")
    return fraction


def _count(value: str) -> int:
    count = int(value)
    if count < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return count


if __name__ == "__main__":
    sys.exit(main())
