"""Calibrated probabilities: from the model's own probability to the share of answers that are right.

The map is a line on the logit scale, slope above 0 (Platt scaling; with intercept 0, temperature scaling).
So it is monotone, keeps (0, 1) and can be inverted; 0 and 1 stay what they are.
"""

from __future__ import annotations

from math import exp, log

from infer.config import Calibration


def calibrate(probability: float, calibration: Calibration) -> float:
    """The calibrated probability of a model's own."""
    if not 0 < probability < 1:
        return probability
    return sigmoid(calibration.slope * logit(probability) + calibration.intercept)


def uncalibrate(probability: float, calibration: Calibration) -> float:
    """The model's own probability of a calibrated one: the inverse of `calibrate`."""
    if not 0 < probability < 1:
        return probability
    return sigmoid((logit(probability) - calibration.intercept) / calibration.slope)


def logit(probability: float) -> float:
    """The log-odds of a probability in (0, 1)."""
    return log(probability) - log(1 - probability)


def sigmoid(log_odds: float) -> float:
    """The probability of log-odds, without overflow."""
    return 1 / (1 + exp(-log_odds)) if log_odds >= 0 else exp(log_odds) / (1 + exp(log_odds))
