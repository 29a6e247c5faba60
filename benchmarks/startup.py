"""`python -m benchmarks.startup MODEL`: seconds from the prompt to help, and to the first record.

Each command is started anew so many times, with its files in the system's cache; medians are printed, of wall
time and of processor time, which is what to read where others use the machine. A first record is one article
of the inbox, read, extracted and written by `python -m infer`. The export that ONNX Runtime needs is made by
the start that is not counted, since a model is exported once.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

ARTICLE = Path("annotations/inbox/2004-12-kaluga-suhl.txt")


def main() -> None:
    """Time every command and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.startup")
    parser.add_argument("model", type=Path, metavar="MODEL", help="a model folder")
    parser.add_argument("--times", type=int, default=5, help="starts of each command (%(default)s)")
    options = parser.parse_args()
    print(f"{'seconds, median':36}{'wall':>8}{'processor':>11}")
    with tempfile.TemporaryDirectory() as folder:
        record = ["infer", str(ARTICLE), "--force", "--output", folder, "--model", str(options.model)]
        for command in (
            ["infer", "--help"],
            ["train", "--help"],
            [*record, "--engine", "onnx"],
            [*record, "--engine", "torch"],
        ):
            wall, processor = map(median, zip(*time_starts(command, options.times), strict=True))
            name = " ".join(command if command[-1] == "--help" else ["infer ARTICLE", *command[-2:]])
            print(f"{name:36}{wall:8.2f}{processor:11.2f}", flush=True)


def time_starts(command: Sequence[str], times: int) -> list[tuple[float, float]]:
    """Wall and processor seconds of so many starts of a module, after one that is not counted."""
    found = []
    for _ in range(times + 1):
        wall, before = time.perf_counter(), os.times()
        subprocess.run([sys.executable, "-m", *command], stdout=subprocess.DEVNULL, check=True)
        after = os.times()
        processor = after.children_user + after.children_system
        processor -= before.children_user + before.children_system
        found.append((time.perf_counter() - wall, processor))
    return found[1:]


if __name__ == "__main__":
    main()
