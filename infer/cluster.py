"""The same run on a Ray cluster: `python -m infer INPUT... --engine ray --output DIR`.

    blocks ─ readers (tasks) ─ parts of ITEMS documents ─ extractors (actors, one model each) ─ DIR/parts
    DIR/parts ─ this process, once all are there ─ DIR/extractions/00001.jsonl ..., DIR/failures.jsonl

Files are listed here and read by the workers, so inputs, model folder and DIR have to be at the same paths
(or addresses) on every machine. A part holds the documents that it would hold in a local run, under the
same name, so either kind of run goes on from the parts of the other. Invariants: a part is complete or
absent; one that is written twice, because a machine died or was thought dead, is the same; the records are
those of the local run, ids made unique alike.
"""

from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from itertools import count, takewhile
from pathlib import Path
from typing import Any

from infer.bundle import describe as describe_model
from infer.bundle import fingerprint_of
from infer.config import RunSettings
from infer.engine import EngineError, pick_engine
from infer.extractor import DeviceError
from infer.listing import STDIN, InputError, list_files
from infer.normal import Normalizer
from infer.parts import (
    FORMAT,
    Block,
    Parts,
    digest_of,
    name_part,
    parse_extractions,
    parse_failures,
    plan_blocks,
)
from infer.pipeline import BUFFER, fill_parts
from infer.records import rename, to_line
from infer.run import Options, Outcome, describe, open_aliases
from infer.shards import FORMATS, write_shards
from infer.storage import AddressError, Store, is_address


def run(options: Options) -> Outcome:
    """Do what of the run is not done yet.

    Raises BundleError, DeviceError, EngineError or InputError before anything is written, LockError when
    another run is writing there, EngineError when the cluster gives up, OSError when DIR can't be written to.
    """
    _check(options)
    listed = [
        # A worker has a working folder of its own.
        (name, file.absolute() if isinstance(file, Path) else file)
        for name, file in list_files(options.inputs, options.output)
    ]
    aliases = open_aliases(options.aliases) if options.aliases else {}
    schema, _, _ = describe_model(options.model)
    try:
        store = Store.at(options.output)
    except AddressError as error:
        raise InputError(str(error)) from None
    run_settings = _settle(options, gpus=int(_connect().get("GPU", 0)))
    settings = {"fingerprint": fingerprint_of(options.model), "engine": _name_engine(run_settings)}
    blocks = plan_blocks(listed, options.text_column, settings)
    content = digest_of([[block.name for block in blocks], aliases])
    with _lock(options.output):
        found = store.list("parts")
        old = _read_manifest(store)
        written: dict[str, str] = old.get("shards", {})
        missing = [format for format in options.formats if options.force or written.get(format) != content]
        if missing or old.get("content") != content:
            written = {format: of for format, of in written.items() if format not in missing}
            manifest = describe(options, settings, blocks)
            _write_manifest(store, manifest | {"shards": written})
            kept = _keep(store, found, [] if options.force else blocks)
            fill_parts(store, blocks, kept, options.model, run_settings)
            failures: list[Mapping[str, str]] = []
            normalizer = Normalizer(aliases)
            extractions = parse_extractions(_part_failures(_read_lines(store, blocks), failures))
            records = (rename(extraction, normalizer).record for extraction in extractions)
            counts = {"articles": write_shards(missing, store, records, schema), "failures": len(failures)}
            _write_failures(store, failures)
            written |= dict.fromkeys(missing, content)
            _write_manifest(store, manifest | counts | {"content": content, "shards": written})
        else:
            counts = {name: old[name] for name in ("articles", "failures")}
    remarks = (
        f"extractions/*.{format} are from an earlier run; add --format {format} to renew them"
        for format, of in written.items()
        if of != content
    )
    return Outcome(counts["articles"], counts["failures"], tuple(missing), tuple(remarks))


def _check(options: Options) -> None:
    """Raise EngineError or InputError for what a cluster can't do."""
    for format in options.formats:
        if format not in FORMATS:
            raise EngineError(
                f"engine ray writes {' and '.join(FORMATS)}; for {format} give the same command afterwards "
                "without --engine ray, on one machine: nothing is extracted again"
            )
    if STDIN in options.inputs:
        raise InputError("standard input can't be read by a cluster; put it in a file that all machines see")


def _connect() -> Mapping[str, float]:
    """Join the cluster at RAY_ADDRESS or on this machine, or else start one here; what it has to offer.

    Raises EngineError.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        from ray.data import DataContext
    except ModuleNotFoundError as error:
        raise EngineError(
            f"engine ray: {error.name} is missing; pip install 'vizitka[cluster]' on every machine"
        ) from None
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    logging.getLogger("ray.data.exceptions").setLevel(logging.CRITICAL)  # said by us, in a sentence
    context = DataContext.get_current()
    context.enable_progress_bars = False  # there is our own
    context.target_max_block_size = BUFFER
    try:
        ray.init(ignore_reinit_error=True, include_dashboard=False, logging_level=logging.WARNING)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise EngineError(f"engine ray: no cluster ({error}); is RAY_ADDRESS right?") from None
    resources: Mapping[str, float] = ray.cluster_resources()
    return resources


def _settle(options: Options, gpus: int) -> RunSettings:
    """Where and how the workers run, of a cluster with so many GPUs. Raises DeviceError or EngineError."""
    if options.device not in ("auto", "cpu", "cuda"):
        raise DeviceError(f"device {options.device!r}: on a cluster it is auto, cpu or cuda")
    if options.device == "cuda" and not gpus:
        raise DeviceError("device 'cuda': the cluster has no GPU; use --device cpu")
    device = options.device
    if device == "auto":
        device = "cuda" if gpus and options.engine != "onnx" else "cpu"
    settings = RunSettings(device=device, engine=options.engine)
    return settings.model_copy(update={"engine": pick_engine(settings)})


def _name_engine(settings: RunSettings) -> str:
    """The name that the workers' engine has, see `Engine`."""
    return "onnx cpu int8" if settings.engine == "onnx" else f"torch {settings.device} float32"


def _lock(output: str | Path) -> AbstractContextManager[None]:
    """Keep other runs out of a folder; behind an address nothing can be locked."""
    return nullcontext() if is_address(output) else Parts(Path(output) / "parts").lock()


def _keep(store: Store, found: Iterable[str], blocks: Iterable[Block]) -> set[str]:
    """Remove the parts that belong to none of the blocks; the others."""
    wanted = {block.name for block in blocks}
    kept = set()
    for name in found:
        if name.split(".")[0].split("-")[0] in wanted and not name.endswith(".partial"):
            kept.add(name)
        elif name != "lock":
            store.delete(f"parts/{name}")
    return kept


def _read_lines(store: Store, blocks: Iterable[Block]) -> Iterator[str]:
    """The lines of all parts, in order."""
    there = store.list("parts")
    for block in blocks:
        names = (name_part(block.name, number) for number in count(1))
        for name in takewhile(there.__contains__, names):
            with io.TextIOWrapper(store.read(f"parts/{name}"), "utf-8", newline="\n") as file:
                yield from file


def _part_failures(lines: Iterable[str], failures: list[Mapping[str, str]]) -> Iterator[str]:
    """The lines without the failures, which go to the list."""
    for line in lines:
        found = list(parse_failures([line]))
        failures += found
        if not found:
            yield line


def _write_failures(store: Store, failures: Iterable[Mapping[str, str]]) -> None:
    lines = "".join(map(to_line, failures))
    if lines:
        with store.writing("failures.jsonl") as stream:
            stream.write(lines.encode())
    else:
        store.delete("failures.jsonl")


def _read_manifest(store: Store) -> dict[str, Any]:
    """The manifest, empty when there is none or none that can be used; all is written again then."""
    try:
        with store.read("manifest.json") as file:
            manifest = json.load(file)
    except (FileNotFoundError, ValueError):
        return {}
    return manifest if isinstance(manifest, dict) and manifest.get("format") == FORMAT else {}


def _write_manifest(store: Store, manifest: Mapping[str, Any]) -> None:
    text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
    with store.writing("manifest.json") as stream:
        stream.write(text.encode("utf-8", "surrogateescape"))
