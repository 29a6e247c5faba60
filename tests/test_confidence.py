"""The calibration map: rising, inside (0, 1), invertible."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from infer.confidence import calibrate, logit, sigmoid, uncalibrate
from infer.config import Calibration

lines = st.builds(Calibration, slope=st.floats(0.05, 10), intercept=st.floats(-10, 10))
probabilities = st.floats(1e-4, 1 - 1e-4)


@given(lines, probabilities, probabilities)
def test_the_map_rises(line: Calibration, left: float, right: float) -> None:
    assume(left < right)
    assert calibrate(left, line) <= calibrate(right, line)


@given(st.builds(Calibration, slope=st.floats(0.05, 2), intercept=st.floats(-5, 5)), probabilities)
def test_the_map_stays_inside_and_can_be_inverted(line: Calibration, probability: float) -> None:
    calibrated = calibrate(probability, line)
    assert 0 < calibrated < 1
    assert uncalibrate(calibrated, line) == pytest.approx(probability, abs=1e-6)


@given(probabilities)
def test_the_line_as_made_changes_nothing(probability: float) -> None:
    assert calibrate(probability, Calibration()) == pytest.approx(probability, rel=1e-9)


@pytest.mark.parametrize("certain", [0.0, 1.0])
def test_certainty_is_left_alone(certain: float) -> None:
    line = Calibration(slope=0.3, intercept=-2)
    assert calibrate(certain, line) == uncalibrate(certain, line) == certain


def test_worked_values() -> None:
    assert calibrate(0.9, Calibration(slope=0.5)) == pytest.approx(0.75)  # odds 9 to 3
    assert calibrate(0.5, Calibration(intercept=logit(0.2))) == pytest.approx(0.2)
    assert (sigmoid(1000), sigmoid(-1000)) == (1.0, 0.0)


@pytest.mark.parametrize("slope", [0.0, -1.0])
def test_a_falling_line_is_refused(slope: float) -> None:
    with pytest.raises(ValidationError, match="slope"):
        Calibration(slope=slope)
