"""Dates as they stand on pages and in tables."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infer.dates import parse_date


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2018-03-12", "2018-03-12"),
        ("2018-03-12T23:59:00+03:00", "2018-03-12"),
        ("2018-03-12 10:00", "2018-03-12"),
        ("20180312", "2018-03-12"),
        ("2018/3/2", "2018-03-02"),
        ("2018-03", "2018-03"),
        ("2018", "2018"),
        ("12.03.2018", "2018-03-12"),
        ("12.03.2018 г.", "2018-03-12"),
        ("10:30, 12.03.2018", "2018-03-12"),
        ("1/2/18", "2018-02-01"),
        ("1.2.98", "1998-02-01"),
        ("03.2018", "2018-03"),
        ("12 марта 2018 г.", "2018-03-12"),
        ("Понедельник, 2 Мая 2018 года, 10:00", "2018-05-02"),
        ("сент. 2018", "2018-09"),
        (1520812800, "2018-03-12"),
        (1520812800000, "2018-03-12"),
        (2018, "2018"),
        (20180305, "2018-03-05"),
        ("1520812800", "2018-03-12"),
        ("1520812800000", "2018-03-12"),
        ("Mon, 05 Mar 2018 10:00:00 +0300", "2018-03-05"),
        ("5 Mar 2018", "2018-03-05"),
        ("2 May 2018", "2018-05-02"),
        ("14 September 2018", "2018-09-14"),
        ("12.05.69", "1969-05-12"),
        (date(2018, 3, 12), "2018-03-12"),
        (datetime(2018, 3, 12, 10), "2018-03-12"),
    ],
)
def test_what_people_write_is_read(value: object, expected: str) -> None:
    assert parse_date(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        *(
            "",
            " ",
            "вчера",
            "31.02.2018",
            "2018-13",
            "3.18",
            "192.168.10.12",
            "магазин 2018",
            "market 2018",
            "0",
            "402801234567",
        ),
        *(None, True, 7, float("nan"), float("inf"), 1e300, [], "12.03.2018" + " " * 100 + "x"),
    ],
)
def test_what_is_no_date_is_none(value: object) -> None:
    assert parse_date(value) is None


@given(st.dates(date(1000, 1, 1)))
def test_its_own_answer_reads_the_same(day: date) -> None:
    for form in (day.isoformat(), f"{day:%d.%m.}{day.year}", day.isoformat()[:7]):
        answer = parse_date(form)
        assert answer is not None
        assert day.isoformat().startswith(answer)
        assert parse_date(answer) == answer


@given(st.text(max_size=30) | st.floats() | st.integers())
def test_nothing_raises(value: object) -> None:
    answer = parse_date(value)
    assert answer is None or parse_date(answer) == answer
