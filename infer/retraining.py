"""Retraining beside a model in service, and the swap when the new one is not worse.

Commands run one after another in processes of their own, until one ends with an exit code above 1. They have
to leave in `{run}`, a fresh folder,

    model/                  the new model
    metrics.json            its held-out scores
    current/metrics.json    those of the model in service, on the same held-out articles

Worse is a lower sum of strict span F1 and event F1 (both micro). Invariants: one training at a time; the
model in service answers all the while; a training that fails, or ends worse, changes nothing, `runs/latest`
included.
"""

from __future__ import annotations

import json
import logging
import os
import shlex
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock, Thread
from typing import Any, TextIO

from infer.bundle import BundleError
from infer.worker import Worker

COMMANDS = (
    ("{python}", "-m", "train.studio", "pull", "--project", "{project}"),
    ("{python}", "-m", "train", "--output", "{run}"),
    ("{python}", "-m", "train.evaluate", "{model}", "--output", "{run}/current"),
)
WITH_REMARKS = 1  # exit code of the project's commands for "done, but": an audit's findings, say
LOG_NAME = "retraining.log"
TAIL = 5  # lines of a failed command's output that are shown
PATIENCE = 10.0  # seconds that a command has to end when told to

log = logging.getLogger(__name__)


class RetrainingError(Exception):
    """A training has come to nothing; the message says why."""


@dataclass(frozen=True, slots=True)
class Training:
    """The newest training: where it stands, or how it ended."""

    state: str = "idle"  # then running, at last swapped, kept (the new model was worse) or failed
    project: int | None = None
    run: str = ""
    command: str = ""  # the one that runs, or was the last to
    line: str = ""  # the last that it said
    started: str = ""  # ISO 8601, UTC
    finished: str = ""
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # F1 of `current` and `new`
    message: str = "no training since the start"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


class Retraining:
    """Runs the commands for a worker's model and puts what they made into service."""

    def __init__(
        self, worker: Worker, commands: Sequence[Sequence[str]] = COMMANDS, runs: Path = Path("runs")
    ) -> None:
        self.training = Training()
        self._worker, self._commands, self._runs = worker, commands, runs
        self._lock = Lock()
        self._thread: Thread | None = None
        self._process: subprocess.Popen[str] | None = None
        self._stopping = False

    def start(self, project: int) -> bool:
        """Begin to retrain from a project; False when a training is running."""
        with self._lock:
            if self.training.state == "running" or self._stopping:
                return False
            folder = self._runs / f"{time.strftime('%Y-%m-%d-%H%M%S')}-project-{project}"
            self.training = Training("running", project, str(folder), started=_now(), message="running")
            self._thread = Thread(target=self._train, args=(project, folder), name="retraining")
            self._thread.start()
            return True

    def stop(self) -> None:
        """End a running training, and wait until it has ended."""
        with self._lock:
            self._stopping = True
            if self._process:
                _signal(self._process, signal.SIGTERM)
        if self._thread:
            self._thread.join(PATIENCE)
            if self._process:
                _signal(self._process, signal.SIGKILL)
            self._thread.join()

    def _train(self, project: int, folder: Path) -> None:
        log.info("training from project %d -> %s", project, folder)
        latest = self._runs / "latest"
        before = latest.readlink() if latest.is_symlink() else None
        try:
            folder.mkdir(parents=True)
            self._execute_all(project, folder)
            state, message = self._judge(folder)
        except (RetrainingError, BundleError, OSError) as error:
            state, message = "failed", str(error)
        except Exception as error:
            log.exception("training from project %d", project)
            state, message = "failed", f"{type(error).__name__}: {error}"
        if state != "swapped":
            try:
                _point_back(latest, before, folder)
            except OSError as error:
                undo = f"point it to {before}" if before else "remove it"
                message += f"; {latest} still points to its run ({error.strerror}), {undo}"
        log.log(logging.ERROR if state == "failed" else logging.INFO, "training %s: %s", state, message)
        self.training = replace(self.training, state=state, message=message, finished=_now())

    def _execute_all(self, project: int, folder: Path) -> None:
        values = {
            "{python}": sys.executable,
            "{project}": str(project),
            "{run}": str(folder),
            "{model}": str(self._worker.served.folder),
        }
        with (folder / LOG_NAME).open("w", encoding="utf-8") as file:
            for command in self._commands:
                words = list(command)
                for name, value in values.items():
                    words = [word.replace(name, value) for word in words]
                self._execute(words, file)

    def _execute(self, words: Sequence[str], file: TextIO) -> None:
        """Run a command to its end, following what it says. Raises RetrainingError when it fails."""
        command = shlex.join(words)
        self.training = replace(self.training, command=command, line="")
        log.info("training: %s", command)
        tail: deque[str] = deque(maxlen=TAIL)
        with self._open(words) as process:
            assert process.stdout is not None
            for line in process.stdout:  # a bar's carriage returns end lines, too
                file.write(line)
                file.flush()
                if line.strip():
                    tail.append(line.strip())
                    self.training = replace(self.training, line=line.strip())
        with self._lock:
            self._process = None
        if self._stopping:
            raise RetrainingError("stopped with the service")
        said = " | ".join(tail) or "it said nothing"
        if process.returncode == WITH_REMARKS:
            log.warning("training: `%s` has remarks: %s", command, said)
        elif process.returncode:
            raise RetrainingError(f"`{command}` ended with exit code {process.returncode}: {said}")

    def _open(self, words: Sequence[str]) -> subprocess.Popen[str]:
        with self._lock:
            if self._stopping:
                raise RetrainingError("stopped with the service")
            try:
                self._process = subprocess.Popen(
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    encoding="utf-8",
                    errors="replace",
                    env=os.environ | {"PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"},
                    start_new_session=True,  # so that its own children end with it
                )
            except OSError as error:
                raise RetrainingError(f"{words[0]}: can't be started ({error.strerror})") from None
            return self._process

    def _judge(self, folder: Path) -> tuple[str, str]:
        """The state and the message that a finished training ends with; swaps the model when it may."""
        current, new = read_scores(folder / "current/metrics.json"), read_scores(folder / "metrics.json")
        self.training = replace(self.training, scores={"current": current, "new": new})
        shown = f"spans {new['spans']:.3f} after {current['spans']:.3f}, " + (
            f"events {new['events']:.3f} after {current['events']:.3f}"
        )
        if sum(new.values()) < sum(current.values()):
            return "kept", f"the new model is worse ({shown}); {self._worker.served.folder} goes on"
        served = self._worker.replace(folder / "model")
        return "swapped", f"{served.folder} ({served.version}) is in service ({shown})"


def read_scores(path: Path) -> dict[str, float]:
    """Strict F1 of spans and F1 of events in a `metrics.json`. Raises RetrainingError."""
    try:
        metrics = json.loads(path.read_text(encoding="utf-8"))
        return {group: float(metrics[group]["micro"]["f1"]) for group in ("spans", "events")}
    except FileNotFoundError:
        raise RetrainingError(
            f"{path}: the commands left no scores there; {LOG_NAME} in the run's folder has what they said"
        ) from None
    except (KeyError, TypeError, ValueError) as error:
        raise RetrainingError(f"{path}: not a metrics.json of Vizitka ({error!r})") from None


def _point_back(link: Path, target: Path | None, folder: Path) -> None:
    """Undo a link to this training's folder, and to no other; without a target there was no link."""
    if not link.is_symlink() or link.resolve() != folder.resolve():
        return
    if target is None:
        link.unlink()
    else:
        fresh = link.with_name(f"{link.name}.partial")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(target, target_is_directory=True)
        fresh.replace(link)


def _signal(process: subprocess.Popen[str], number: int) -> None:
    with suppress(ProcessLookupError):  # it may just have ended by itself
        os.killpg(process.pid, number)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
