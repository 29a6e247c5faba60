"""The training config: a YAML file, composed from infer's settings, with `section.key=value` overrides.

Every key is checked: an unknown or ill-typed one raises ConfigError with its path and what is allowed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, Field, ValidationError

from infer.config import DecodingSettings, ModelSettings, Settings, WindowSettings
from train.policy import check_policy


class ConfigError(ValueError):
    """The config can't be used; the message names file, key path and what is allowed."""


class DataSettings(Settings):
    """What to learn from, and how to read it."""

    labeling_config: Path = Path("annotations/labeling_config.xml")
    train: Path = Path("annotations/train.json")
    heldout: Path = Path("annotations/heldout.json")
    annotators: Annotated[str, BeforeValidator(check_policy)] = "latest"
    dev_fraction: float = Field(0.1, gt=0, lt=1)
    limit: int | None = Field(None, ge=2, description="use so many training articles, drawn by the seed")


class FitSettings(Settings):
    """Optimisation."""

    epochs: int = Field(6, ge=1)
    min_steps: int = Field(400, ge=0, description="go on for at least so many steps")
    batch_size: int = Field(4, ge=1, description="documents a step and process")
    head_epochs: int = Field(6, ge=0, description="of the heads alone, before the encoder is touched")
    learning_rate: float = Field(2e-4, gt=0)
    head_learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    warmup: float = Field(0.1, ge=0, lt=1, description="share of the steps")
    dropout: float = Field(0.0, ge=0, lt=1, description="inside the encoder")
    event_weight: float = Field(0.3, ge=0, description="of the event loss beside the span loss")
    patience: int = Field(3, ge=1, description="dev rounds without a better dev score before stopping")
    max_windows: int = Field(16, ge=1, description="windows of one document in one step")
    precision: Literal["auto", "float32", "bfloat16"] = "auto"


class TargetSettings(Settings):
    """How sure an answer has to be; thresholds are chosen on dev, by label and by event."""

    target_precision: float | None = Field(None, gt=0, lt=1, description="none: best F1 of events, all spans")
    below: Literal["drop", "mark"] = Field("drop", description="what becomes of a less sure span")


class TrainConfig(Settings):
    """A whole recipe."""

    backbone: str = "models/rubert-mini"
    seed: int = 13
    data: DataSettings = DataSettings()
    unit: Literal["auto", "word", "piece"] = "auto"
    pooling: Literal["first", "mean"] = "first"
    windows: WindowSettings = WindowSettings()
    fit: FitSettings = FitSettings()
    decoding: TargetSettings = TargetSettings()

    def model_settings(
        self, unit: Literal["word", "piece"], overlapping: bool, half_pairs: bool
    ) -> ModelSettings:
        """What travels in the model folder, given what the annotations turned out to need."""
        decoding = DecodingSettings(overlapping=overlapping, half_pairs=half_pairs)
        return ModelSettings(unit=unit, pooling=self.pooling, windows=self.windows, decoding=decoding)


def load_config(path: Path, overrides: Sequence[str] = ()) -> TrainConfig:
    """The config of a YAML file with overrides like `fit.epochs=3` put over it. Raises ConfigError."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such config; the shipped ones are in configs/") from None
    except OSError as error:
        raise ConfigError(f"{path}: can't be read as a config ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not readable as YAML ({' '.join(str(error).split())})") from None
    values = {} if values is None else values
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: expected keys and values, found {type(values).__name__}")
    for override in overrides:
        _apply(values, override)
    try:
        return TrainConfig.model_validate(values)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(path, detail) for detail in error.errors())) from None


def _apply(values: dict[str, Any], override: str) -> None:
    key, sign, value = override.partition("=")
    if not sign or not key:
        raise ConfigError(f"{override!r}: an override looks like fit.epochs=3")
    *sections, name = key.split(".")
    for section in sections:
        inner = values.setdefault(section, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"{override!r}: {section} is a value, not a section")
        values = inner
    try:
        values[name] = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"{override!r}: {' '.join(str(error).split())}") from None


def _explain(path: Path, detail: Any) -> str:
    """One pydantic error as a sentence with the key's path and, for a misspelt key, the right ones."""
    location = [str(part) for part in detail["loc"]]
    key = ".".join(location) or "(whole file)"
    if detail["type"] == "extra_forbidden":
        section: Any = TrainConfig
        for part in location[:-1]:
            section = section.model_fields[part].annotation
        return f"{path}: unknown key {key}; allowed there: {', '.join(section.model_fields)}"
    message = detail["msg"].removeprefix("Value error, ")
    return f"{path}: {key}: {message} (found {detail['input']!r})"
