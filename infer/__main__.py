"""`python -m infer INPUT...`: extract from files and folders into tables.

Exit codes: 0 done; 1 done, but some inputs failed (see failures.jsonl); 2 could not start, or could not
write; 130 stopped with Ctrl-C. The same command goes on where a run stopped.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from infer.writing import FORMATS, name_files


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m infer",
        description=(__doc__ or "").split("\n")[0],
        epilog="A run that was stopped goes on with the same command.",
    )
    add = parser.add_argument
    add(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="files, folders or patterns of articles; - is standard input",
    )
    add("--model", type=Path, default=Path("runs/latest/model"), help="model folder (%(default)s)")
    add(
        "--output",
        type=_place,
        default=Path("runs/extractions"),
        metavar="DIR",
        help="folder for results (%(default)s); with --engine ray also an address as s3://bucket/results",
    )
    add(
        "--format",
        nargs="+",
        action="extend",
        choices=FORMATS,
        metavar="FORMAT",
        help=f"one or more of {', '.join(FORMATS)} (jsonl); write it after the inputs",
    )
    add("--text-column", metavar="NAME", help="the column of tables that holds the articles (guessed)")
    add(
        "--aliases",
        type=Path,
        metavar="FILE",
        help="csv of form,key: your names for entities, before all others",
    )
    add("--device", default="auto", help="cpu, cuda or cuda:N; auto takes a GPU if there is one")
    add(
        "--engine",
        choices=("auto", "torch", "onnx", "ray", "ray:torch", "ray:onnx"),
        default="auto",
        metavar="ENGINE",
        help="torch, onnx or auto (default); onnx is ONNX Runtime with int8, faster on a CPU; auto takes it "
        "where it is installed and there is no GPU; ray, ray:torch and ray:onnx run on a Ray cluster, see "
        "docs/cluster.md",
    )
    add("--force", action="store_true", help="start over, whatever the output folder holds")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    given = build_parser().parse_args(arguments)
    try:
        return _run(given)
    except KeyboardInterrupt:
        print(f"\ninfer: stopped; {_advice(given)}", file=sys.stderr)
        return 130


def _run(given: argparse.Namespace) -> int:
    # Imported here so that --help answers at once.
    from infer.bundle import BundleError
    from infer.engine import EngineError
    from infer.extractor import DeviceError
    from infer.memory import keep_memory
    from infer.parts import LockError
    from infer.reading import InputError
    from infer.run import Options, run

    keep_memory()
    on_cluster = given.engine.startswith("ray")
    options = Options(
        inputs=given.inputs,
        model=given.model,
        output=given.output,
        formats=given.format or ["jsonl"],
        device=given.device,
        engine=given.engine.removeprefix("ray").removeprefix(":") or "auto",
        text_column=given.text_column,
        aliases=given.aliases,
        force=given.force,
    )
    try:
        if on_cluster:
            from infer import cluster

            outcome = cluster.run(options)
        else:
            outcome = run(options, sys.stdin.buffer if "-" in given.inputs else None)
    except (BundleError, DeviceError, EngineError, InputError, LockError) as error:
        print(f"infer: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        place, reason = error.filename or given.output, error.strerror or error
        print(f"infer: can't write {place} ({reason}); mend that, then {_advice(given)}", file=sys.stderr)
        return 2
    if not outcome.written:
        print("everything is there already; --force does it again")
    for format in options.formats:
        first, *others = [f"extractions/*.{format}"] if on_cluster else name_files(format)
        print(f"{_count(outcome.articles, 'article')} -> {', '.join([f'{given.output}/{first}', *others])}")
    for remark in outcome.remarks:
        print(f"infer: {remark}", file=sys.stderr)
    if outcome.failures:
        print(
            f"{_count(outcome.failures, 'input')} failed -> {given.output}/failures.jsonl",
            file=sys.stderr,
        )
    return 1 if outcome.failures else 0


def _place(given: str) -> str | Path:
    """Where to write, as it was given: an address is no path."""
    from infer.storage import is_address

    return given if is_address(given) else Path(given)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _advice(given: argparse.Namespace) -> str:
    if "-" in given.inputs:
        return "start again (standard input can't be read twice)"
    return f"the same command{' without --force' if given.force else ''} goes on from here"


if __name__ == "__main__":
    sys.exit(main())
