"""A run of the command: inputs to parts, parts to files, and a manifest of what was done.

`manifest.json` in the output folder holds the format version, the inputs with size and time of change, the
model's fingerprint, the options, the counts, and of what each format was written. A second run with the same
of all that finds everything there; one that was killed goes on after its last complete part; a change in
inputs, model or options does again what it touches. Invariant: what is written depends on inputs, model and
options, not on how often the run was stopped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal

from infer.bundle import fingerprint_of
from infer.config import RunSettings
from infer.document import Document
from infer.extractor import Extractor
from infer.files import replacing
from infer.normal import Normalizer, read_aliases
from infer.parts import FORMAT, Block, Parts, State, digest_of, plan_blocks
from infer.progress import Progress
from infer.reading import Failure, InputError, list_files
from infer.records import rename
from infer.storage import is_address
from infer.writing import name_files, write_formats, write_lines


@dataclass(frozen=True, slots=True)
class Options:
    """What the command was asked for."""

    inputs: Sequence[str]
    model: Path
    output: str | Path  # a cluster (see `cluster`) takes an address, too
    formats: Sequence[str] = ("jsonl",)
    device: str = "auto"
    engine: Literal["auto", "torch", "onnx"] = "torch"
    text_column: str | None = None
    aliases: Path | None = None
    force: bool = False  # do again what is there already


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run has come to."""

    articles: int
    failures: int
    written: tuple[str, ...]  # formats written now, as against found there
    remarks: tuple[str, ...]


def run(options: Options, stdin: BinaryIO | None = None) -> Outcome:
    """Do what of the run is not done yet.

    Raises BundleError, DeviceError, EngineError or InputError before anything is written, LockError when
    another run is writing there, and OSError when the folder can't be written to.
    """
    if is_address(options.output):
        raise InputError(f"{options.output}: only --engine ray writes to an address; give a folder")
    # Before the model, which takes its time: what was mistyped is said at once.
    listed = list_files(options.inputs, options.output)
    aliases = open_aliases(options.aliases) if options.aliases else {}
    extractor = Extractor.load(options.model, RunSettings(device=options.device, engine=options.engine))
    schema, fingerprint = extractor.bundle.schema, fingerprint_of(options.model)
    settings = {"fingerprint": fingerprint, "engine": extractor.engine.name}
    blocks = plan_blocks(listed, options.text_column, settings, stdin)
    content = digest_of([[block.name for block in blocks], aliases])
    output = Path(options.output)
    parts = Parts(output / "parts")
    with parts.lock():
        old = _read_manifest(output)
        written: dict[str, str] = {
            format: of
            for format, of in old.get("written", {}).items()
            if all((output / name).exists() for name in name_files(format))
        }
        missing = [format for format in options.formats if options.force or written.get(format) != content]
        if missing or old.get("content") != content:
            written = {format: of for format, of in written.items() if format not in missing}
            # Described twice, so that it need not be held in memory all the while.
            _write_manifest(output, describe(options, settings, blocks) | {"written": written})
            parts.keep([] if options.force else blocks)
            _fill(parts, blocks, extractor)
            counts = _write_failures(parts, blocks, output)
            normalizer = Normalizer(aliases)
            remarks = write_formats(
                missing,
                output,
                lambda: (rename(extraction, normalizer) for extraction in parts.extractions(blocks)),
                schema,
                f"vizitka-{fingerprint}",
            )
            written |= dict.fromkeys(missing, content)
            manifest = describe(options, settings, blocks) | {"written": written}
            _write_manifest(output, manifest | counts | {"content": content})
        else:
            counts, remarks = {name: old[name] for name in ("articles", "failures")}, []
    remarks += [
        f"extractions.{format} is from an earlier run; add --format {format} to renew it"
        for format, of in written.items()
        if of != content
    ]
    return Outcome(counts["articles"], counts["failures"], tuple(missing), tuple(remarks))


def _fill(parts: Parts, blocks: Sequence[Block], extractor: Extractor) -> None:
    open_blocks = [block for block in blocks if not parts.is_done(block)]
    progress = Progress(sum(block.size for block in open_blocks))

    def report(item: Document | Failure) -> None:
        if isinstance(item, Document):
            progress.advance(2 * len(item.text))  # a Russian letter is two bytes

    done = 0
    try:
        for block in open_blocks:
            parts.fill(block, extractor, report)
            done += block.size
            progress.settle(done)
    finally:
        progress.close()


def _write_failures(parts: Parts, blocks: Sequence[Block], folder: Path) -> dict[str, int]:
    """`failures.jsonl`, or none; and the counts of articles and failures."""
    failures = list(parts.failures(blocks))
    if failures:
        write_lines(failures, folder / "failures.jsonl")
    else:
        (folder / "failures.jsonl").unlink(missing_ok=True)
    return {"articles": parts.count(blocks) - len(failures), "failures": len(failures)}


def describe(options: Options, settings: Mapping[str, Any], blocks: Sequence[Block]) -> dict[str, Any]:
    """What the manifest says before anything is done."""
    return {
        "format": FORMAT,
        "model": {"folder": str(options.model), **settings},
        "options": {
            "text_column": options.text_column,
            "aliases": None if options.aliases is None else str(options.aliases),
        },
        "inputs": {file.name: _describe_file(file) for block in blocks for file in block.files},
    }


def _describe_file(file: State) -> str:
    return f"{file.size} bytes, {datetime.fromtimestamp(file.modified // 10**9, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest, empty when there is none or none that can be used; all is written again then."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return manifest if isinstance(manifest, dict) and manifest.get("format") == FORMAT else {}


def _write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    with (
        replacing(folder / "manifest.json") as partial,
        partial.open("w", encoding="utf-8", errors="surrogateescape") as file,
    ):
        json.dump(manifest, file, ensure_ascii=False, indent=2)  # not one string: it lists every input
        file.write("\n")


def open_aliases(path: Path) -> dict[str, str]:
    """Names for entities by their forms. Raises InputError."""
    try:
        return read_aliases(path)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; --aliases takes a csv file of forms and keys") from None
    except ValueError as error:
        raise InputError(str(error)) from None
