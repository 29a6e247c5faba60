"""`extractions.html`: extractions as one page that an analyst opens, searches, filters and reads.

The page is `page.template.html` with the style, the script and one block of JSON, an article a line, put into
it. The script: `page.model.js` filters, `page.overview.js` and `page.article.js` show, `page.js` binds them.
Invariants: they are read in one pass and none is kept; the page asks nothing of any network, its policy
lets no script or style run but its own; whatever an article holds is shown as text; offsets in the page are
UTF-16 units, as JavaScript counts.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from bisect import bisect_left
from collections.abc import Iterable
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from infer.files import replacing
from infer.records import Extraction
from infer.tabulation import find_facts

SCRIPTS = ("page.model.js", "page.overview.js", "page.article.js", "page.js")  # page.js starts it all
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_WEB = re.compile(r"https?://", re.IGNORECASE)
_WIDE = re.compile("[\U00010000-\U0010ffff]")  # two UTF-16 units each
_SURROGATE = re.compile("[\ud800-\udfff]")  # alone it has no UTF-8


def write_page(extractions: Iterable[Extraction], path: Path) -> None:
    """Write the page of extractions, in their order; `path` appears when it is complete."""
    style = _read("page.css")
    script = "\n".join(map(_read, SCRIPTS))
    before, after = (
        Template(part).substitute(style=style, script=script, policy=_policy(style, script))
        for part in _read("page.template.html").split("$articles")
    )
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as page:
        page.write(before)
        for position, extraction in enumerate(extractions):
            page.write((",\n" if position else "") + _to_json(_to_article(extraction)))
        page.write(after)


def _read(name: str) -> str:
    return files("infer").joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """A Content-Security-Policy: this style, this script, nothing from anywhere."""
    hashes = (b64encode(sha256(part.encode()).digest()).decode() for part in (style, script))
    allowed = "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:".format(
        *hashes
    )
    return f"{allowed}; base-uri 'none'; form-action 'none'"


def _to_article(extraction: Extraction) -> dict[str, Any]:
    """What the page keeps of an extraction; a date without its day is left out."""
    record = extraction.record
    facts = {name: (value or "").strip() for name, value in find_facts(record["meta"]).items()}
    wide = [found.start() for found in _WIDE.finditer(record["text"])]
    return {
        "id": record["id"],
        "text": record["text"],
        "title": facts["title"],
        "date": facts["date"] if _DAY.fullmatch(facts["date"]) else "",
        "url": facts["url"] if _WEB.match(facts["url"]) else "",
        "source": facts["source"],
        "events": record["events"],
        "scores": record["event_scores"],
        "spans": [
            {
                "start": span["start"] + bisect_left(wide, span["start"]),
                "end": span["end"] + bisect_left(wide, span["end"]),
                "label": span["label"],
                "normal": span["normal"] or span["text"],
                "key": key or span["text"],
                "score": span["score"],
                "uncertain": span.get("uncertain", False),
            }
            for span, key in zip(record["spans"], extraction.keys, strict=True)
        ],
    }


def _to_json(value: object) -> str:
    """JSON that is safe inside a script element: nothing in it can end the element or begin a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return _SURROGATE.sub("\ufffd", text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))
