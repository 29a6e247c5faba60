"""Dates as people and pages write them, to ISO 8601."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

MONTHS = (  # Russian in any case, English as RSS has it or whole
    "янв[а-я]*|jan(?:uary)?",
    "фев[а-я]*|feb(?:ruary)?",
    "мар[а-я]*|mar(?:ch)?",
    "апр[а-я]*|apr(?:il)?",
    "ма[йя][а-я]*|may",
    "июн[а-я]*|june?",
    "июл[а-я]*|july?",
    "авг[а-я]*|aug(?:ust)?",
    "сен[а-я]*|sep(?:tember)?",
    "окт[а-я]*|oct(?:ober)?",
    "ноя[а-я]*|nov(?:ember)?",
    "дек[а-я]*|dec(?:ember)?",
)
LONGEST = 60  # characters; what is longer is a text
_ISO = re.compile(r"(\d{4})(?:[-./](\d{1,2})(?:[-./](\d{1,2}))?)?(?:[t\s].*)?", re.DOTALL)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:t.*)?", re.DOTALL)
_NUMERIC = re.compile(r"(?<![\d.])(\d{1,2})[./-](\d{1,2})[./-](\d{4}|\d\d)(?!\d)")
_NUMERIC_MONTH = re.compile(r"(\d{1,2})[./-](\d{4})")
_NAMED = re.compile(rf"(?:(?<!\d)(\d{{1,2}})\s+)?\b({'|'.join(MONTHS)})\.?,?\s+(\d{{4}})(?!\d)")
_EPOCH = re.compile(r"\d{10}|\d{13}")  # seconds or milliseconds since 1970, of this century


def parse_date(value: object) -> str | None:
    """`YYYY-MM-DD`, or `YYYY-MM` or `YYYY` where no more is said; None for what is no date.

    Reads ISO dates, with a time too, day before month («01.02.2018»), month names (Russian, and
    English as RSS has them) and seconds since 1970. A time is left out, and its zone with it.
    """
    if isinstance(value, date):
        return value.isoformat()[:10]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _from_number(value)
    text = value.strip().lower() if isinstance(value, str) else ""
    if len(text) > LONGEST:
        return None
    if _EPOCH.fullmatch(text):
        return _from_number(int(text))
    if match := _COMPACT.fullmatch(text) or _ISO.fullmatch(text):
        return _join(match[1], match[2], match[3])
    if match := _NUMERIC.search(text):
        year = match[3] if len(match[3]) == 4 else ("20" if match[3] < "40" else "19") + match[3]
        return _join(year, match[2], match[1])
    if match := _NUMERIC_MONTH.fullmatch(text):
        return _join(match[2], match[1], None)
    if match := _NAMED.search(text):
        month = next(number for number, name in enumerate(MONTHS, 1) if re.match(name, match[2]))
        return _join(match[3], str(month), match[1])
    return None


def _from_number(value: float) -> str | None:
    if 1900 <= value < 2100 and value == int(value):
        return str(int(value))
    if 19000101 <= value < 21000101 and value == int(value):  # 20180305
        return parse_date(str(int(value)))
    try:
        # Before 1990 it is rather a count of something; past 3000 the unit is milliseconds.
        moment = datetime.fromtimestamp(value / 1000 if value > 3e10 else value, UTC)
    except (OverflowError, OSError, ValueError):
        return None
    return moment.date().isoformat() if 1990 <= moment.year < 2100 else None


def _join(year: str, month: str | None, day: str | None) -> str | None:
    if month is None:
        return year if day is None and "1000" <= year < "2100" else None
    try:
        whole = date(int(year), int(month), int(day or 1))
    except ValueError:
        return None
    return whole.isoformat() if day else whole.isoformat()[:7]
