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
from typing import Any

from infer.config import RunSettings
from infer.document import Document
from infer.engine import EngineError
from infer.extractor import Extractor
from infer.failure import Failure
from infer.memory import keep_memory
from infer.parts import ITEMS, Block, name_mark, name_part, write_items
from infer.progress import Progress
from infer.storage import Store

Columns = Mapping[str, Sequence[Any]]  # rows as Ray Data hands them over; there is one row in each here
BUFFER = 2**20  # bytes that a reader collects before it hands them over: a part or so


def fill_parts(
    store: Store, blocks: Sequence[Block], kept: Iterable[str], model: Path, settings: RunSettings
) -> None:
    """Make the parts that are not among those `kept`. Raises EngineError when the cluster gives up."""
    open_blocks = [block for block in blocks if name_mark(block.name) not in kept]
    if not open_blocks:
        return
    from ray.exceptions import RayError

    there: dict[str, set[int]] = defaultdict(set)
    for name in kept:
        block, _, number = name.removesuffix(".jsonl").partition("-")
        if number:
            there[block].add(int(number))
    totals: dict[str, int] = {}
    progress = Progress(sum(block.size for block in open_blocks))
    try:
        for row in _answer(store, [(block, there[block.name]) for block in open_blocks], model, settings):
            block, number, articles = row["block"], int(row["number"]), int(row["articles"])
            for _ in range(articles):
                progress.advance(int(row["size"]) // articles)
            there[block].add(number)
            if row["last"]:
                totals[block] = number
            if len(there[block]) == totals.get(block):
                with store.writing(f"parts/{name_mark(block)}"):
                    pass
    except RayError as error:
        cause = str(getattr(error, "cause", None) or error).strip().splitlines()
        raise EngineError(
            f"the cluster gave up ({cause[-1] if cause else type(error).__name__}); what is done is kept, "
            "and the same command goes on"
        ) from error
    finally:
        progress.close()
    if any(len(there[block.name]) != totals.get(block.name) for block in open_blocks):
        raise EngineError("the cluster left parts out; the same command makes them")


def _answer(
    store: Store, work: Sequence[tuple[Block, set[int]]], model: Path, settings: RunSettings
) -> Iterator[Mapping[str, Any]]:
    """What the workers say of each part, in the order in which they are done with them."""
    from ray import cluster_resources
    from ray.data import ActorPoolStrategy, from_items

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
        concurrency=min(cores, len(work)),
        scheduling_strategy="SPREAD",
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
    yield from answers.iter_rows()


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
    """An extractor on the cluster, with the model loaded once; answers with what was done."""

    def __init__(self, model: str, settings: RunSettings, store: Store) -> None:
        keep_memory()
        self._extractor, self._store = Extractor.load(model, settings), store

    def __call__(self, row: Columns) -> Columns:
        """Write a part and give its place and size; nothing is written where it is there already."""
        block, number, part = row["block"][0], row["number"][0], pickle.loads(row["part"][0])
        sizes: list[int] = []

        def note(item: Document | Failure) -> None:
            if isinstance(item, Document):
                sizes.append(2 * len(item.text))  # a Russian letter is two bytes

        if part is not None:
            lines = io.StringIO()
            write_items(lines, iter(part), self._extractor, note)
            with self._store.writing(f"parts/{name_part(block, number)}") as stream:
                stream.write(lines.getvalue().encode())
        place = {name: row[name] for name in ("block", "number", "last")}
        return {**place, "articles": [len(sizes)], "size": [sum(sizes)]}
