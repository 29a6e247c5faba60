"""The text of a .docx or .pdf file: its paragraphs, or its pages, joined by newlines."""

from __future__ import annotations

import logging
from typing import BinaryIO

from infer.document import Document
from infer.encoding import TEXT_LIMIT
from infer.failure import ReadError, foreign_parser
from infer.packed import check_office

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"


def read_docx(name: str, stream: BinaryIO) -> Document:
    """Paragraphs and table cells in the order of the page. Raises ReadError."""
    check_office(stream)
    with foreign_parser("not a readable Word document", "open it in Word and save it again as .docx"):
        import docx

        body = docx.Document(stream).element.body
        # The elements themselves: python-docx's paragraphs leave out tracked insertions and content controls.
        paragraphs: list[str] = []
        for element in body.iter(f"{WORD}p", f"{WORD}t", f"{WORD}tab", f"{WORD}br", f"{WORD}cr"):
            if element.tag == f"{WORD}p":
                paragraphs.append("")
            elif next(element.iterancestors(FALLBACK), None) is not None:
                continue  # the same text once more, for older programs
            elif element.tag == f"{WORD}t":
                paragraphs[-1] += element.text or ""
            elif element.getparent().tag == f"{WORD}r":  # elsewhere a tab is the setting of a tab stop
                paragraphs[-1] += "\t" if element.tag == f"{WORD}tab" else "\n"
    return _to_document(
        name, paragraphs, "the document has no text", "leave it out, or save its text as .txt"
    )


def read_pdf(name: str, stream: BinaryIO) -> Document:
    """The text of all pages, lines as they are on the page. Raises ReadError."""
    with foreign_parser("not a readable PDF", "open it, print it to a new PDF, or save its text as .txt"):
        import pypdf
        from pypdf.errors import DependencyError

        logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it reports every small fault of a file
        reader = pypdf.PdfReader(stream)
        try:
            locked = reader.is_encrypted and not reader.decrypt("")
        except DependencyError:  # newer ciphers need the package cryptography
            locked = True
        if locked:
            raise ReadError("the PDF is encrypted", "save it without a password, or its text as .txt")
        pages: list[str] = []
        for page in reader.pages:
            pages.append(page.extract_text())
            if sum(map(len, pages)) > TEXT_LIMIT:
                raise ReadError("the PDF is too long for one text", "split it into articles")
    return _to_document(
        name, pages, "the PDF has no text, it may be a scan", "run text recognition (OCR) over it"
    )


def _to_document(name: str, parts: list[str], reason: str, hint: str) -> Document:
    text = "\n".join(parts)
    if not text.strip():
        raise ReadError(reason, hint)
    return Document(name, text)
