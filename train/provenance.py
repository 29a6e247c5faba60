"""Where scores come from: data, versions and machine, as `manifest.json` holds them.

Nothing here names the host, its user or a folder, so a run folder can be published as it is.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from infer.document import Document

PACKAGES = ("torch", "transformers", "tokenizers", "datasets", "scikit-learn", "numpy", "pymorphy3")
CPUINFO = Path("/proc/cpuinfo")


def environment() -> dict[str, Any]:
    """What the scores may depend on besides data and config."""
    return {
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "machine": machine(),
    }


def machine() -> dict[str, Any]:
    """Processor, cores, memory and graphics card."""
    import torch

    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": _memory_gb(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def processor() -> str:
    """The processor's name, or its architecture where the system doesn't tell."""
    if CPUINFO.is_file():
        names = re.search(r"^model name\s*:\s*(.+)$", CPUINFO.read_text(errors="replace"), re.MULTILINE)
        if names:
            return names[1].strip()
    if platform.system() == "Darwin":
        asked = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return platform.machine()


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError, AttributeError):  # not a POSIX system
        return None


def digest(path: Path) -> str:
    """SHA-256 of a data file, to tell whether two runs saw the same."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digest_backbone(backbone: str) -> str | None:
    """SHA-256 of the weights in a backbone's folder; None where it is a hub name, or has no safetensors."""
    weights = sorted(Path(backbone).glob("*.safetensors"))
    found = hashlib.sha256()
    for path in weights:
        found.update(path.read_bytes())
    return found.hexdigest() if weights else None


def describe(documents: Sequence[Document]) -> dict[str, Any]:
    """How much there is of what: documents, characters, spans by label, events by type."""
    return {
        "documents": len(documents),
        "characters": sum(len(document.text) for document in documents),
        "spans": dict(Counter(span.label for document in documents for span in document.spans)),
        "events": dict(Counter(event for document in documents for event in document.events)),
    }
