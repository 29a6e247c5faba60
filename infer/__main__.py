"""`python -m infer INPUT...`: extract from files and folders into tables.

Exit codes: 0 done; 1 done, but some inputs failed (see failures.jsonl); 2 could not start.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(prog="python -m infer", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help="files or folders of articles")
    parser.add_argument(
        "--model", type=Path, default=Path("runs/latest/model"), help="model folder (%(default)s)"
    )
    parser.add_argument(
        "--output", type=Path, default=Path("runs/extractions"), help="folder for results (%(default)s)"
    )
    parser.add_argument(
        "--device", default="auto", help="cpu, cuda or cuda:N; auto takes a GPU if there is one"
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = build_parser().parse_args(arguments)
    # Imported here so that --help answers at once.
    from tqdm import tqdm

    from infer.bundle import BundleError
    from infer.config import RunSettings
    from infer.document import Document
    from infer.extractor import DeviceError, Extractor
    from infer.memory import keep_memory
    from infer.reading import Failure, InputError, read_documents
    from infer.writing import open_writer

    keep_memory()
    try:
        items = read_documents(options.inputs)
        extractor = Extractor.load(options.model, RunSettings(device=options.device))
    except (BundleError, DeviceError, InputError) as error:
        print(f"infer: {error}", file=sys.stderr)
        return 2
    with open_writer(options.output) as writer:

        def documents() -> Iterator[Document]:
            for item in items:
                if isinstance(item, Failure):
                    writer.write(item)
                else:
                    yield item

        for document in tqdm(extractor.extract_many(documents()), unit=" articles", disable=None):
            writer.write(document)
    print(f"{writer.written} articles -> {options.output / 'extractions.jsonl'}")
    if writer.failed:
        print(f"{writer.failed} inputs failed -> {options.output / 'failures.jsonl'}", file=sys.stderr)
    return 1 if writer.failed else 0


if __name__ == "__main__":
    sys.exit(main())
