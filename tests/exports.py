"""Label Studio exports made in code, small enough to train on in a test."""

from __future__ import annotations

import json
from pathlib import Path

from infer.document import Document, Span
from infer.labelstudio import to_task
from infer.schema import Schema


def make_export(folder: Path, name: str, schema: Schema, count: int, start: int = 0) -> Path:
    """Short annotated articles that even the tiny model can learn: marked words are always the same ones."""
    partners, officials, sectors = ("Фуяо", "Хэйлунцзян", "Калуге"), ("Островский", "Шарма"), ("туризма",)
    tasks = []
    for number in range(start, start + count):
        partner, official = partners[number % 2], officials[number % 2]
        visit = number % 3 > 0
        words = [
            *(("Делегация", partner) if visit else ("Компания", f"«{partner}»")),
            "встретился" if visit else "подписала",
            official,
            *("о развитии", sectors[0]),
            f"{number % 7} 2018",
        ]
        text = " ".join(words) + "."
        spans = tuple(
            Span(text.index(word), text.index(word) + len(word), label)
            for word, label in ((partner, "PARTNER"), (official, "OFFICIAL"), (sectors[0], "SECTOR"))
        )
        events = ("visit",) if visit else ("agreement",)
        tasks.append(to_task(Document(f"{name}-{number}", text, spans, events), schema))
    path = folder / f"{name}.json"
    path.write_text(json.dumps(tasks, ensure_ascii=False), encoding="utf-8")
    return path
