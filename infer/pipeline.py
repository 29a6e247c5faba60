"""Parts made on a Ray cluster, with Ray Data: readers hand them over, extractors write them.

A part is sent to an extractor as a pickle and never leaves the cluster so. What a reader has read is kept in
Ray's object store while extractors are busy, and no reader runs far ahead of them. When a machine dies, Ray
gives its readers' and extractors' work to others.
"""

from __future__ import annotations

import io
import pickle
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, islice
from pathlib import Path
from socket import gethostname
from typing import Any

from infer.bundle import BundleError
from infer.config import RunSettings
from infer.document import Document
from infer.engine import EngineError
from infer.extractor import DeviceError, Extractor
from infer.failure import Failure
from infer.memory import keep_memory
from infer.parts import ITEMS, Block, name_mark, name_part, write_items
from infer.progress import Progress
from infer.storage import Store

Columns = Mapping[str, Sequence[Any]]  # rows as Ray Data hands them over; there is one row in each here
ADVICE = "what is done is kept, and the same command goes on"
BUFFER = 2**16  # bytes after which a reader hands over what it has: a part, or some that are short


def fill_parts(
    store: Store, blocks: Sequence[Block], kept: Iterable[str], model: Path, settings: RunSettings
) -> None:
    """Make the parts that are not among those `kept`. Raises EngineError when the cluster gives up."""
    open_blocks = [block for block in blocks if name_mark(block.name) not in kept]
    if not open_blocks:
        return
    there: dict[str, set[int]] = defaultdict(set)
    for name in kept:
        block, _, digits = name.removesuffix(".jsonl").partition("-")
        if digits:
            there[block].add(int(digits))
    totals: dict[str, int] = {}
    progress = Progress(sum(block.size for block in open_blocks))
    try:
        for row in _answer(store, [(block, there[block.name]) for block in open_blocks], model, settings):
            if row["error"]:
                raise EngineError(f"a worker on {row['error']}; {ADVICE}")
            block, number, articles = row["block"], int(row["number"]), int(row["articles"])
            for _ in range(articles):
                progress.advance(int(row["size"]) // articles)
            there[block].add(number)
            if row["last"]:
                totals[block] = number
            if len(there[block]) == totals.get(block):
                with store.writing(f"parts/{name_mark(block)}"):
                    pass
    finally:
        progress.close()
    if any(len(there[block.name]) != totals.get(block.name) for block in open_blocks):
        raise EngineError(f"the cluster left parts out; {ADVICE}")


def _answer(
    store: Store, work: Sequence[tuple[Block, set[int]]], model: Path, settings: RunSettings
) -> Iterator[Mapping[str, Any]]:
    """What the workers say of each part, in the order in which they are done. Raises EngineError."""
    from ray import cluster_resources
    from ray.data import ActorPoolStrategy, TaskPoolStrategy, from_items
    from ray.exceptions import RayError

    on_gpu = settings.device == "cuda"
    cores = max(1, int(cluster_resources().get("CPU", 1)))
    workers = int(cluster_resources()["GPU"]) if on_gpu else cores
    blocks = from_items([{"work": pickle.dumps(item)} for item in work], override_num_blocks=len(work))
    # A reader asks for no core: it mostly waits for the extractors, which may have taken all of them.
    parts = blocks.map_batches(
        read_parts,
        batch_size=1,
        fn_kwargs={"items": ITEMS},
        num_cpus=0,
        compute=TaskPoolStrategy(size=min(cores, len(work))),
    )
    answers = parts.map_batches(
        Worker,
        batch_size=1,
        fn_constructor_args=(str(model.absolute()), settings, store),
        num_cpus=1,
        num_gpus=1 if on_gpu else None,
        compute=ActorPoolStrategy(
            min_size=1, max_size=workers, initial_size=workers, max_tasks_in_flight_per_actor=2
        ),
    )
    try:
        yield from answers.iter_rows()
    except RayError as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise EngineError(f"the cluster gave up ({said[-1]}); {ADVICE}") from error


def read_parts(row: Columns, items: int) -> Iterator[Columns]:
    """Parts of a block, `items` documents and failures each: those that are missing, and the last one."""
    block, there = pickle.loads(row["work"][0])
    documents = block.read()
    part = list(islice(documents, items))
    for number in count(1):
        following = list(islice(documents, items))
        if number not in there or not following:
            content = pickle.dumps(part if number not in there else None)
            yield {"block": [block.name], "number": [number], "last": [not following], "part": [content]}
        if not following:
            break
        part = following


class Worker:
    """An extractor on the cluster, with the model loaded once.

    It answers with a part's place and size, or with what keeps it from working: an exception would be tried
    again and again by Ray, and told with pages of traceback.
    """

    def __init__(self, model: str, settings: RunSettings, store: Store) -> None:
        keep_memory()
        self._store, self._error = store, ""
        try:
            self._extractor = Extractor.load(model, settings)
        except (BundleError, DeviceError, EngineError) as error:
            self._error = (
                f"{gethostname()} can't load the model ({error}); it has to be at the same path there"
            )

    def __call__(self, row: Columns) -> Columns:
        """Write a part, unless it is there already."""
        block, number, part = row["block"][0], row["number"][0], pickle.loads(row["part"][0])
        sizes: list[int] = []

        def note(item: Document | Failure) -> None:
            if isinstance(item, Document):
                sizes.append(2 * len(item.text))  # a Russian letter is two bytes

        if part is not None and not self._error:
            lines = io.StringIO()
            write_items(lines, iter(part), self._extractor, note)
            try:
                with self._store.writing(f"parts/{name_part(block, number)}") as stream:
                    stream.write(lines.getvalue().encode())
            except OSError as error:
                self._error = f"{gethostname()} can't write to {self._store.path} ({error.strerror or error})"
        place = {name: row[name] for name in ("block", "number", "last")}
        return {**place, "articles": [len(sizes)], "size": [sum(sizes)], "error": [self._error]}
