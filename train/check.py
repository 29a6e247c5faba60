"""`python -m train.check ANNOTATIONS.json ...`: what the annotations hold, and what may be wrong with them.

Exit codes: 0 clean, 1 with findings, 2 could not start. The findings (see `train.audit`) are of the gold that
training uses, by the policy of --annotators; agreement and conflicts are between annotators. Names that two
files have in common are usual in news and wrong in a corpus of invented people, so a line counts them, and
they are findings only with --shared. A finding that is right as it stands is listed in `known.tsv` beside the
annotations, with tabs between its four columns
```
kind    article    string    reason
```
where the article `*` is any and the string may stand in any case. Known findings don't count; an exception
that matches nothing any more is itself a finding, once every file that it needs was given.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any

from infer.document import Document
from infer.labelstudio import LabelStudioError, read_tasks
from infer.schema import Schema, SchemaError, read_schema
from train.agreement import Agreement, agreement
from train.audit import ACROSS, KINDS, SHARED, WORD, Files, Finding, audit, stems
from train.conflicts import Conflicts, list_conflicts
from train.conflicts_page import conflict_lines, conflicts_page
from train.corpus import load_corpus
from train.links import task_links
from train.policy import adjudicator_of, check_policy
from train.report import write_json, write_text

COLUMNS = ["kind", "article", "string", "reason"]
LENGTHS = (100, 200, 400, 800)  # words; each bucket ends below the next bound
SHOWN = 20
WORST = 3  # articles whose conflicts are printed
WIDTH = 110
CHUNK = 1000  # words; diversity depends on length, so it is taken over equal parts


class KnownError(ValueError):
    """A list of known findings can't be read; the message names file, line and fix."""


@dataclass(frozen=True, slots=True)
class Known:
    """A finding that was looked at and is right as it is."""

    kind: str
    article: str
    string: str
    reason: str

    def matches(self, finding: Finding) -> bool:
        """Whether this is that finding, in whatever case its string stands."""
        same = self.kind == finding.kind and self.article in ("*", finding.article)
        return same and (stems(self.string) == stems(finding.string))


def count(documents: Sequence[Document], schema: Schema) -> dict[str, Any]:
    """What the documents hold, as plain values."""
    texts = [[word.casefold() for word in WORD.findall(document.text)] for document in documents]
    marks = [(span.label, document.quote(span)) for document in documents for span in document.spans]
    labels = Counter(label for label, _ in marks)
    events = Counter(event for document in documents for event in document.events or ("none",))
    return {
        "articles": len(documents),
        "words": sum(map(len, texts)),
        "spans": {label: labels[label] for label in schema.labels},
        "events": {event: events[event] for event in (*schema.events, "none")},
        "source": _ranked(document.meta.get("source") for document in documents),
        "region": _ranked(document.meta.get("region") for document in documents),
        "length": {_length(size): 0 for size in (0, *LENGTHS)}
        | Counter(_length(len(text)) for text in texts),
        "decade": _in_order(_decade(document.meta.get("year")) for document in documents),
        "distinct words per 1,000": diversity([word for text in texts for word in text]),
        "distinct strings": _distinct(marks, schema),
        "distinct strings, case endings aside": _distinct(
            [(label, stems(text)) for label, text in marks], schema
        ),
    }


def diversity(words: Sequence[str]) -> int:
    """Distinct words per 1,000, the mean over consecutive thousands; a shorter text is scaled up to one."""
    chunks = [words[at : at + CHUNK] for at in range(0, len(words) - CHUNK + 1, CHUNK)] or [words]
    return round(CHUNK * sum(len(set(chunk)) for chunk in chunks) / max(sum(map(len, chunks)), 1))


def parse_known(text: str, name: str) -> list[Known]:
    """The exceptions of a `known.tsv`. Raises KnownError."""
    first, *lines = text.splitlines() or [""]
    columns = f"{', '.join(COLUMNS)}, with tabs between them"
    if first.split("\t") != COLUMNS:
        raise KnownError(f"{name}: the first line must be {columns}")
    known = []
    for number, line in enumerate(lines, 2):
        cells = [cell.strip() for cell in line.split("\t")]
        if not line.strip():
            continue
        if len(cells) != len(COLUMNS) or not all(cells):
            raise KnownError(f"{name}, line {number}: needs {columns}, none of them empty")
        if cells[0] not in KINDS or cells[0] == "stale":
            kinds = ", ".join(kind for kind in KINDS if kind != "stale")
            raise KnownError(f"{name}, line {number}: there is no kind {cells[0]!r}; use one of {kinds}")
        known.append(Known(*cells))
    return known


def settle(found: Sequence[Finding], known: Sequence[Known], files: Files) -> list[Finding]:
    """The findings that are not known, and the known ones that are stale.

    An exception is judged only when its article was read; one that needs several files, when several were.
    """
    articles = {document.id for documents in files.values() for document in documents} | {"*"}
    stale = [
        Finding("stale", "known.tsv", entry.article, entry.string, f"{entry.kind}: {entry.reason}")
        for entry in known
        if entry.article in articles
        and (len(files) > 1 or entry.kind not in ACROSS)
        and not any(entry.matches(finding) for finding in found)
    ]
    return [finding for finding in found if not any(entry.matches(finding) for entry in known)] + stale


def count_lines(name: str, counts: Mapping[str, Any]) -> list[str]:
    """The counts of one file, for reading."""
    lines = [f"{name}: {counts['articles']} articles, {counts['words']:,} words"]
    for title, value in counts.items():
        if isinstance(value, Mapping):
            several = f" ({len(value)})" if title in ("source", "region") else ""
            line = f"{title}{several}: {', '.join(f'{key} {number}' for key, number in value.items())}"
            lines += wrap(line, WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
        elif title not in ("articles", "words"):
            lines.append(f"  {title}: {value}")
    return lines


def agreement_lines(found: Agreement) -> list[str]:
    """The agreement in one file, for reading; a dash is a measure that the data leave undefined."""
    lines = [f"  agreement on {found.tasks} articles with two or more annotators:"]
    for pair in found.pairs:
        lines.append(f"    {' and '.join(pair.annotators)}, {pair.tasks} articles:")
        lines.append(f"      strict span F1: {_measures(pair.span_f1)}")
        lines.append(f"      Cohen's kappa: {_measures(pair.event_kappa)}")
    return [*lines, f"    Krippendorff's alpha: {_measures(found.event_alpha)}"]


def finding_lines(findings: Sequence[Finding], limit: int | None) -> list[str]:
    """The findings by kind, at most `limit` of each."""
    lines = []
    for kind, title in KINDS.items():
        group = [finding for finding in findings if finding.kind == kind]
        if group:
            lines += ["", f"{title} [{kind}]: {len(group)}"]
            lines += [f"  {one.article}  {one.string}  | {one.context}" for one in group[:limit]]
        if len(group) > len(group[:limit]):
            lines.append(f"  ... and {len(group) - len(group[:limit])} more; --all prints them")
    return lines


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m train.check", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="ANNOTATIONS.json")
    parser.add_argument("--labeling-config", type=Path, default=Path("annotations/labeling_config.xml"))
    parser.add_argument("--all", action="store_true", help=f"print every finding, not {SHOWN} of a kind")
    parser.add_argument("--shared", action="store_true", help="names that two files share are findings too")
    parser.add_argument(
        "--annotators",
        type=_policy,
        default="latest",
        metavar="POLICY",
        help="whose annotation counts, as data.annotators says it (%(default)s)",
    )
    parser.add_argument(
        "--conflicts", type=Path, metavar="FILE.html", help="write a page of all conflicts there"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write counts, agreement, conflicts and findings there"
    )
    options = parser.parse_args(arguments)
    gold: dict[str, list[Document]] = {}
    problems: list[Finding] = []
    report: dict[str, Any] = {}
    conflicts: dict[str, list[Conflicts]] = {}
    links: dict[str, dict[str, str]] = {}
    try:
        schema = read_schema(options.labeling_config)
        known = _read_known(options.files)
        for path in dict.fromkeys(options.files):
            name, corpus = str(path), load_corpus(path, schema, options.annotators)
            tasks = read_tasks(path, schema)[0]
            between = agreement(tasks, schema)
            conflicts[name] = list_conflicts(tasks, schema, adjudicator_of(options.annotators))
            links[name] = task_links(path, schema, os.environ.get("LABEL_STUDIO_URL"))
            gold[name] = corpus.documents
            problems += [Finding("reading", name, one.task, one.reason, name) for one in corpus.problems]
            counts = count(corpus.documents, schema)
            report[name] = {
                "counts": counts,
                "agreement": between and between.to_dict(),
                "conflicts": [one.to_dict() for one in conflicts[name]],
            }
            lines = [*count_lines(name, counts), *(agreement_lines(between) if between else [])]
            lines += conflict_lines(conflicts[name], links[name], None if options.all else WORST)
            print("\n".join(lines), end="\n\n")
    except (SchemaError, LabelStudioError, KnownError, OSError) as error:
        print(f"check: {error}", file=sys.stderr)
        return 2
    found = [*problems, *audit(gold)]
    findings = settle(found, known, gold)
    stale = sum(finding.kind == "stale" for finding in findings)
    excused = len(found) - (len(findings) - stale)
    shared = [finding for finding in findings if finding.kind in SHARED and not options.shared]
    findings = [finding for finding in findings if finding not in shared]
    print("\n".join(finding_lines(findings, None if options.all else SHOWN)))
    if shared:
        print(f"{len(shared)} names of officials and partners stand in several files; --shared lists them")
    print(f"{len(findings) or 'No'} findings, {excused} known exceptions")
    try:
        if options.json:
            write_json(options.json, {"files": report, "findings": [asdict(one) for one in findings]})
        if options.conflicts:
            write_text(options.conflicts, conflicts_page(conflicts, links, schema))
            print(f"conflicts -> {options.conflicts}")
    except OSError as error:
        print(f"check: the findings could not be written to {error.filename}: {error}", file=sys.stderr)
        return 2
    return 1 if findings else 0


def _policy(value: str) -> str:
    try:
        return check_policy(value)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _read_known(files: Iterable[Path]) -> list[Known]:
    """The exceptions beside the files, each list once."""
    known: list[Known] = []
    for path in dict.fromkeys(file.parent / "known.tsv" for file in files):
        try:
            text = path.read_text(encoding="utf-8-sig") if path.exists() else "\t".join(COLUMNS)
        except (UnicodeDecodeError, OSError) as error:
            raise KnownError(f"{path}: can't be read as UTF-8 text ({error})") from None
        known += parse_known(text, str(path))
    return known


def _distinct(marks: Sequence[tuple[str, object]], schema: Schema) -> dict[str, int]:
    return {label: len({text for own, text in marks if own == label}) for label in schema.labels}


def _in_order(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _ranked(values: Iterable[object]) -> dict[str, int]:
    return dict(Counter(str(value or "not given") for value in values).most_common())


def _length(words: int) -> str:
    lower = max((bound for bound in LENGTHS if bound <= words), default=0)
    upper = min((bound for bound in LENGTHS if bound > words), default=None)
    return f"{lower}-{upper - 1} words" if upper else f"{lower} words and more"


def _decade(year: object) -> str:
    digits = str(year)
    return f"{digits[:3]}0s" if len(digits) == 4 and digits.isdecimal() else "not given"


def _measures(values: Mapping[str, float | None]) -> str:
    return ", ".join(f"{name} {'-' if value is None else f'{value:.3f}'}" for name, value in values.items())


if __name__ == "__main__":
    sys.exit(main())
