"""Typed settings of a model and of a run.

`ModelSettings` is decided in training and travels in the model folder: predicting with other windows or
another pooling would be another model. `RunSettings` belongs to one run on one machine and never does.
Everything is frozen and forbids unknown keys, so that a misspelt one is an error that names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Settings(BaseModel):
    """Frozen, with unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WindowSettings(Settings):
    """How a document is cut for the encoder; lengths in tokens."""

    size: int = Field(512, ge=8, description="tokens in a window, special ones included")
    overlap: int = Field(128, ge=0, description="tokens that neighbouring windows share")

    @model_validator(mode="after")
    def _overlap_below_half(self) -> WindowSettings:
        if self.overlap > self.size // 2:
            raise ValueError(f"overlap {self.overlap} must be at most half of size {self.size}")
        return self


class Calibration(Settings):
    """A line on the logit scale from the model's own probability to a calibrated one; as made, no change."""

    slope: float = Field(1.0, gt=0, description="1 over the temperature: below 1 where the model is too sure")
    intercept: float = 0.0


class DecodingSettings(Settings):
    """How logits become spans and events: the first two as the annotations are, the rest chosen on dev.

    Thresholds are of calibrated probabilities, by span label and by event type.
    """

    overlapping: bool = Field(False, description="keep spans of different labels that overlap")
    half_pairs: bool = Field(True, description="a span may hold half a pair of quotes or brackets")
    span_calibration: Calibration = Calibration()
    event_calibration: Calibration = Calibration()
    span_thresholds: Mapping[str, float] = Field(default_factory=dict, description="0 where not given")
    event_thresholds: Mapping[str, float] = Field(default_factory=dict, description="0.5 where not given")
    below: Literal["drop", "mark"] = Field("drop", description="what becomes of spans below their threshold")

    @model_validator(mode="before")
    @classmethod
    def _read_older(cls, values: Any) -> Any:
        """Model folders used to have one threshold for all labels, which was always 0."""
        if isinstance(values, Mapping) and values.get("span_threshold") == 0:
            return {key: value for key, value in values.items() if key != "span_threshold"}
        return values


class ModelSettings(Settings):
    """What has to be the same in training and in prediction."""

    unit: Literal["word", "piece"] = "word"  # what a span is made of
    pooling: Literal["first", "mean"] = "first"  # a word's vector from its pieces
    windows: WindowSettings = WindowSettings()
    decoding: DecodingSettings = DecodingSettings()


class RunSettings(Settings):
    """Where and how to run. Float32 results are the same everywhere, to float tolerance.

    bfloat16 (torch) and int8 (onnx) move probabilities by about a hundredth.
    """

    device: str = "auto"  # auto: the first GPU, else the CPU
    engine: Literal["auto", "torch", "onnx"] = "torch"  # auto: onnx on a CPU, if its extra is installed
    precision: Literal["auto", "float32", "bfloat16", "int8"] = "auto"  # auto: float32 in torch, int8 in onnx
    batch_tokens: int = Field(4096, ge=1)  # tokens, padding included, in one forward pass
    buffer_windows: int = Field(256, ge=1)  # windows collected before sorting by length

    @model_validator(mode="after")
    def _engine_has_precision(self) -> RunSettings:
        needed = {"bfloat16": "torch", "int8": "onnx"}.get(self.precision, self.engine)
        if self.engine != needed:
            raise ValueError(f"precision {self.precision} needs engine {needed}, not {self.engine}")
        return self
