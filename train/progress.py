"""What a person sees while a model trains: a bar on a terminal, and one line a dev round everywhere."""

from __future__ import annotations

from typing import Any

from tqdm import tqdm
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments


class Progress(TrainerCallback):
    """Replaces the Trainer's raw logs. Only the main process speaks."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._loss = float("nan")

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Open the bar, at the step where a resumed run goes on."""
        hidden = None if state.is_world_process_zero else True  # None: shown on a terminal only
        self._bar = tqdm(total=state.max_steps, initial=state.global_step, unit=" steps", disable=hidden)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.update(state.global_step - self._bar.n)

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        """Remember the round's loss."""
        self._loss = float((given.get("logs") or {}).get("loss", self._loss))

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        """Print the round's line."""
        if state.is_world_process_zero:
            metrics = given["metrics"]
            names = [name for name in ("spans", "events", "score") if f"eval_{name}" in metrics]
            scores = "  ".join(f"{name} {metrics[f'eval_{name}']:.3f}" for name in names)
            tqdm.write(f"epoch {state.epoch:4.1f}  loss {self._loss:.3f}  dev: {scores}")

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.close()
