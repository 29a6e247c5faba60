"""Calibrated probabilities: a monotone map from the model's own probability to the share that is right.

On the logit scale the map is a line with a rising slope (Platt scaling; with intercept 0, temperature
scaling), so it keeps the order, stays in (0, 1) and can be inverted. 0 and 1 stay what they are.
"""

from __future__ import annotations

from math import exp, log

from infer.config import Calibration


def calibrate(probability: float, calibration: Calibration | None) -> float:
    """The calibrated probability of a model's own; without a calibration they are the same."""
    if calibration is None or not 0 < probability < 1:
        return probability
    return sigmoid(calibration.slope * logit(probability) + calibration.intercept)


def uncalibrate(probability: float, calibration: Calibration | None) -> float:
    """The model's own probability of a calibrated one: the inverse of `calibrate`."""
    if calibration is None or not 0 < probability < 1:
        return probability
    return sigmoid((logit(probability) - calibration.intercept) / calibration.slope)


def logit(probability: float) -> float:
    """The log-odds of a probability in (0, 1)."""
    return log(probability) - log(1 - probability)


def sigmoid(value: float) -> float:
    """The probability of log-odds, without overflow."""
    return 1 / (1 + exp(-value)) if value >= 0 else exp(value) / (1 + exp(value))
