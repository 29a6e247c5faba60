"""How long a run is and where its dev scores fall; that it learns is tested in test_train_command.py."""

from __future__ import annotations

from math import ceil
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from train.config import FitSettings, TrainConfig
from train.fit import ROUND, _arguments


@given(st.integers(1, 2000), st.integers(1, 12), st.integers(0, 600))
@example(754, 6, 400)  # the shipped articles
@example(45, 6, 400)
@example(32, 12, 0)
def test_rounds_are_whole_epochs_and_make_up_the_run(examples: int, epochs: int, least: int) -> None:
    config = TrainConfig(fit=FitSettings(epochs=epochs, min_steps=least))
    arguments = _arguments(config, Path("checkpoints"), examples)
    epoch = ceil(examples / config.fit.batch_size)
    asked = max(epochs * epoch, least)
    assert arguments.eval_steps == arguments.save_steps
    assert arguments.eval_steps % epoch == 0  # a resumed run knows the order of whole epochs only
    assert arguments.max_steps % arguments.eval_steps == 0  # the last step has a dev score
    assert arguments.eval_steps >= min(ROUND, arguments.max_steps)
    assert asked <= arguments.max_steps < asked + epoch + arguments.eval_steps
