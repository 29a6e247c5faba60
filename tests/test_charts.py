"""Charts as SVG: well-formed whatever the names, every point inside the axes, every line in the legend."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Line, draw_lines, percent_axis, step_axis

SHARE = st.floats(0, 1)
SVG = "{http://www.w3.org/2000/svg}"


def _parse(drawing: str) -> ElementTree.Element:
    return ElementTree.fromstring(f"<figure>{drawing}</figure>")


@given(st.lists(st.tuples(SHARE, SHARE), min_size=1, max_size=20), st.text("<&>\"'a", max_size=5))
def test_points_stay_inside_and_names_are_text(points: list[tuple[float, float]], name: str) -> None:
    lines = [Line(name, points, 0, [1.0] * len(points)), Line("b", points, 9, dot=points[0])]
    root = _parse(draw_lines(lines, percent_axis("x"), percent_axis("y"), diagonal=True))
    assert [item.text or "" for item in root.iter("li")] == ["", ""]
    assert [(item[0].tail or "") for item in root.iter("li")] == [name, "b"]
    dots = list(root.iter("circle"))
    assert len(dots) == len(points) + 1
    for dot in dots:
        assert LEFT <= float(dot.attrib["cx"]) <= WIDTH - RIGHT
        assert TOP <= float(dot.attrib["cy"]) <= HEIGHT - BOTTOM
    assert dots[-1].attrib["class"] == "c1"  # colours start again


def test_corners_lie_where_the_axes_say() -> None:
    drawing = draw_lines([Line("a", [(0, 0), (1, 1)], 0)], percent_axis("x"), percent_axis("y"))
    line = next(item for item in _parse(drawing).iter("polyline") if item.attrib["class"] == "line c0")
    low, high = (tuple(map(float, place.split(","))) for place in line.attrib["points"].split())
    assert low == (LEFT, HEIGHT - BOTTOM)
    assert high == (WIDTH - RIGHT, TOP)


def test_heavier_points_have_larger_dots() -> None:
    drawing = draw_lines([Line("a", [(0, 0), (1, 1)], 0, [1, 4])], percent_axis("x"), percent_axis("y"))
    small, large = (float(dot.attrib["r"]) for dot in _parse(drawing).iter("circle"))
    assert large == pytest.approx(2 * small)  # the area tells the weight


@given(st.floats(0, 1e7))
def test_step_axis_has_few_round_ticks_and_reaches_the_last_step(last: float) -> None:
    ticks = [value for value, _ in step_axis("step", last).ticks]
    assert ticks[0] == 0
    assert ticks[-1] >= last - 1
    assert 2 <= len(ticks) <= 6
    assert str(int(ticks[1])).rstrip("0") in ("1", "2", "5")
