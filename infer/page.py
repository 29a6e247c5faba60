"""`extractions.html`: records as one page that an analyst opens, searches, filters and reads.

The page is `page.template.html` with the style, the script and one block of JSON, an article a line, put into
it. The script: `page.model.js` filters, `page.overview.js` and `page.article.js` show, `page.js` binds them.
Invariants: records are read in one pass and none is kept; the page asks nothing of any network, its policy
lets no script or style run but its own; whatever an article holds is shown as text; offsets in the page are
UTF-16 units, as JavaScript counts.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from datetime import date
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

SCRIPTS = ("page.model.js", "page.overview.js", "page.article.js", "page.js")  # page.js starts it all
_ISO_DAY = re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})")
_RUSSIAN_DAY = re.compile(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})")
_WEB = re.compile(r"https?://", re.IGNORECASE)
_WIDE = re.compile("[\U00010000-\U0010ffff]")  # two UTF-16 units each
_SURROGATE = re.compile("[\ud800-\udfff]")  # alone it has no UTF-8


def write_page(records: Iterable[Mapping[str, Any]], path: Path) -> None:
    """Write the page of extraction records, in their order; `path` appears when it is complete."""
    style = _read("page.css")
    script = "\n".join(map(_read, SCRIPTS))
    before, after = (
        Template(part).substitute(style=style, script=script, policy=_policy(style, script))
        for part in _read("page.template.html").split("$articles")
    )
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("w", encoding="utf-8", newline="") as page:
        page.write(before)
        for position, record in enumerate(records):
            page.write((",\n" if position else "") + _to_json(_to_article(record)))
        page.write(after)
    partial.replace(path)


def _read(name: str) -> str:
    return files("infer").joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """A Content-Security-Policy: this style, this script, nothing from anywhere."""
    hashes = (b64encode(sha256(part.encode()).digest()).decode() for part in (style, script))
    allowed = "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:".format(
        *hashes
    )
    return f"{allowed}; base-uri 'none'; form-action 'none'"


def _to_article(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the page keeps of a record."""
    meta = {key: str(record["meta"].get(key) or "").strip() for key in ("title", "date", "url", "source")}
    wide = [found.start() for found in _WIDE.finditer(record["text"])]
    return {
        "id": record["id"],
        "text": record["text"],
        "title": meta["title"],
        "date": _find_day(meta["date"]),
        "url": meta["url"] if _WEB.match(meta["url"]) else "",
        "source": meta["source"],
        "events": record["events"],
        "scores": record["event_scores"],
        "spans": [
            {
                "start": span["start"] + bisect_left(wide, span["start"]),
                "end": span["end"] + bisect_left(wide, span["end"]),
                "label": span["label"],
                "normal": span["normal"] or span["text"],
                "score": span["score"],
            }
            for span in record["spans"]
        ],
    }


def _find_day(text: str) -> str:
    """The day that a date or a timestamp begins with, as YYYY-MM-DD; empty when there is none."""
    found = _ISO_DAY.match(text) or _RUSSIAN_DAY.match(text)
    try:
        return (
            date(**{key: int(value) for key, value in found.groupdict().items()}).isoformat() if found else ""
        )
    except ValueError:  # the 31st of June
        return ""


def _to_json(value: object) -> str:
    """JSON that is safe inside a script element: nothing in it can end the element or begin a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return _SURROGATE.sub("\ufffd", text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))
