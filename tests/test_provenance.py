"""Provenance tells what scores depend on, and nothing that names the machine or its user."""

from __future__ import annotations

import getpass
import json
import platform
from pathlib import Path

from infer.document import Document, Span
from train.provenance import describe, environment, processor


def test_environment_names_versions_and_hardware_only() -> None:
    found = environment()
    assert found["packages"]["torch"]
    assert found["machine"]["cores"] >= 1
    assert found["machine"]["memory_gb"] > 0
    text = json.dumps(found)
    assert platform.node() not in text.split('"')
    assert str(Path.cwd()) not in text
    assert str(Path.home()) not in text.split('"')
    assert getpass.getuser() not in text.split('"')


def test_processor_has_a_name() -> None:
    assert processor().strip()


def test_counts() -> None:
    documents = [
        Document("a", "абв", (Span(0, 1, "PARTNER"), Span(1, 2, "PARTNER")), ("visit",)),
        Document("b", "я", (Span(0, 1, "SECTOR"),), ("visit",)),
    ]
    assert describe(documents) == {
        "documents": 2,
        "characters": 4,
        "spans": {"PARTNER": 2, "SECTOR": 1},
        "events": {"visit": 2},
    }
