"""Annotations to Documents, and which documents are kept apart for dev.

Invariants: no document is in both parts of a split, nor are near-duplicates (reprints of one release);
the same seed gives the same split; everything not used is a Problem.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GroupShuffleSplit

from infer.document import Document
from infer.labelstudio import LabelStudioError, Problem, read_tasks
from infer.schema import Schema
from train.policy import check_adjudicator, choose

NEAR_DUPLICATE = 0.5  # Jaccard of word 4-grams; unrelated articles of the genre stay below 0.1


@dataclass(frozen=True, slots=True)
class Corpus:
    """The documents of an export, and what of it is not among them."""

    documents: list[Document]
    problems: list[Problem]


def load_corpus(path: Path, schema: Schema, policy: str = "latest") -> Corpus:
    """Documents of a Label Studio export. Raises LabelStudioError, also when nothing in it is usable."""
    tasks, problems = read_tasks(path, schema)
    check_adjudicator(tasks, policy, str(path))
    documents: dict[str, Document] = {}
    for task in tasks:
        chosen = choose(task, schema, policy)
        if chosen.remark:
            problems.append(Problem(path.name, task.id, chosen.remark))
        for (
            document
        ) in chosen.documents:  # by `all`, a's second annotation is a@2, which may be a task as well
            if documents.setdefault(document.id, document) is not document:
                reason = f"its annotation goes by the id {document.id}, which is taken; it is left out"
                problems.append(Problem(path.name, task.id, reason))
    if not documents:
        reasons = "; ".join(str(problem) for problem in problems[:3])
        raise LabelStudioError(f"{path}: no usable annotated task ({reasons or 'the file is empty'})")
    return Corpus(list(documents.values()), problems)


def strip(documents: Sequence[Document]) -> list[Document]:
    """The same texts without their annotation: what an extractor may see."""
    return [replace(document, spans=(), events=()) for document in documents]


def near_duplicates(texts: Sequence[str], threshold: float = NEAR_DUPLICATE) -> list[int]:
    """A group number for each text; near-duplicates, also by way of a third text, share one."""
    vectorizer = CountVectorizer(ngram_range=(4, 4), binary=True, dtype=np.int32, token_pattern=r"\w+")
    try:
        shingles = vectorizer.fit_transform(texts)
    except ValueError:  # no text has four words
        return list(range(len(texts)))
    shared = (shingles @ shingles.T).tocoo()
    sizes = np.asarray(shingles.sum(axis=1)).ravel()
    jaccard = shared.data / (sizes[shared.row] + sizes[shared.col] - shared.data)
    shared.data = (jaccard >= threshold).astype(np.int32)
    shared.eliminate_zeros()
    groups: list[int] = connected_components(shared, directed=False)[1].tolist()
    return groups


def split_dev(
    documents: Sequence[Document], fraction: float, seed: int
) -> tuple[list[Document], list[Document]]:
    """Training and dev documents; near-duplicates fall on one side. Raises ValueError below two groups."""
    groups = near_duplicates([document.text for document in documents])
    if len(set(groups)) < 2:
        raise ValueError(
            "at least two different annotated articles are needed: one to learn from, one for dev"
        )
    splitter = GroupShuffleSplit(n_splits=1, test_size=fraction, random_state=seed)
    train, dev = next(splitter.split(documents, groups=groups))
    return [documents[i] for i in train], [documents[i] for i in dev]
