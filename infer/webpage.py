"""A saved web page, reduced to its article by trafilatura; title, date, address and source go to meta."""

from __future__ import annotations

from typing import BinaryIO

from infer.document import Document
from infer.encoding import read_text
from infer.failure import ReadError, foreign_parser

HINT = "save the article's text as .txt"


def read_page(name: str, stream: BinaryIO) -> Document:
    """The article of a page. Raises ReadError."""
    import trafilatura  # slow to import, and needed for saved pages only
    from lxml import etree
    from trafilatura.settings import Document as TrafilaturaDocument

    html, meta = read_text(stream)
    with foreign_parser("the page can't be parsed", HINT):
        parser = etree.HTMLParser(encoding="utf-8")
        etree.fromstring(html.encode(), parser)
        if parser.error_log.filter_from_fatals():  # the parser stops there without a word to its caller
            raise ReadError("the page's tags are nested too deep", HINT)
        page = trafilatura.bare_extraction(html, include_comments=False, with_metadata=True)
    if not isinstance(page, TrafilaturaDocument) or not page.text:
        raise ReadError("no article found in the page", HINT)
    facts = {
        "title": page.title,
        "date": page.date,
        "url": page.url,
        "source": page.sitename or page.hostname,
    }
    return Document(name, page.text, meta={**meta, **{key: value for key, value in facts.items() if value}})
