"""Articles written with inline markup, to Label Studio tasks: `python -m train.markup FILE... > tasks.json`.

The corpus in `annotations/` was written this way before it went through a Label Studio server:
```
%%% train-a-001
source: newspaper
region: Тульская область
year: 2019
events: visit, agreement

Делегация [[PARTNER|провинции Хэнань]] прибыла в Тулу.
```
Anything in the header but `events` goes into the task's data. Offsets are those of the text without markup.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from infer.document import Document, Span
from infer.labelstudio import to_task
from infer.schema import Schema, read_schema

ARTICLE = re.compile(r"^%%% *(\S+)[^\S\n]*\n", re.MULTILINE)
MARK = re.compile(r"\[\[(\w+)\|(.+?)\]\]", re.DOTALL)


class MarkupError(ValueError):
    """The file is not in the markup; the message names file and article."""


def read_articles(path: Path, schema: Schema) -> Iterator[Document]:
    """The annotated articles of a file. Raises MarkupError for labels or events not in the schema."""
    before, *parts = ARTICLE.split(path.read_text(encoding="utf-8"))
    if before.strip():
        raise MarkupError(f"{path}: text before the first %%% line")
    for name, article in zip(parts[::2], parts[1::2], strict=True):
        header, separator, body = article.partition("\n\n")
        if not separator:
            raise MarkupError(f"{path}, {name}: no empty line between header and text")
        meta = {
            key.strip(): value.strip()
            for key, _, value in (line.partition(":") for line in header.splitlines())
        }
        events = {event.strip() for event in meta.pop("events", "").split(",")} - {""}
        text, spans = parse(body.strip("\n"))
        unknown = (events - set(schema.events)) | ({span.label for span in spans} - set(schema.labels))
        if unknown or "[[" in text:
            raise MarkupError(
                f"{path}, {name}: {', '.join(sorted(unknown)) or 'unclosed [['} is not in the schema"
            )
        yield Document(
            name, text, spans, tuple(event for event in schema.events if event in events), meta=meta
        )


def parse(marked: str) -> tuple[str, tuple[Span, ...]]:
    """The text without markup, and the spans in it."""
    parts: list[str] = []
    spans = []
    length = position = 0
    for mark in MARK.finditer(marked):
        parts += [marked[position : mark.start()], mark[2]]
        start = length + mark.start() - position
        length = start + len(mark[2])
        spans.append(Span(start, length, mark[1]))
        position = mark.end()
    return "".join([*parts, marked[position:]]), tuple(spans)


def main(arguments: list[str] | None = None) -> int:
    """Write the tasks of all files to standard output as one JSON list."""
    parser = argparse.ArgumentParser(prog="python -m train.markup", description=(__doc__ or "").split(":")[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--labeling-config", type=Path, default=Path("annotations/labeling_config.xml"))
    options = parser.parse_args(arguments)
    try:
        schema = read_schema(options.labeling_config)
        tasks = [
            to_task(article, schema) for path in options.files for article in read_articles(path, schema)
        ]
    except (MarkupError, ValueError, OSError) as error:
        print(f"markup: {error}", file=sys.stderr)
        return 2
    json.dump(tasks, sys.stdout, ensure_ascii=False, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
