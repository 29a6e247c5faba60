from __future__ import annotations

import io
import zipfile
from pathlib import Path

import docx
import pypdf
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from infer.document import Document
from infer.reading import Failure, read_file


def read(tmp_path: Path, name: str, raw: bytes) -> Document | Failure:
    path = tmp_path / name
    path.write_bytes(raw)
    (item,) = read_file(name, path)
    return item


def failure(item: Document | Failure) -> Failure:
    assert isinstance(item, Failure)
    assert item.hint
    return item


# --- docx


def to_docx(*blocks: str | list[list[str]], xml: str = "") -> bytes:
    """A document of paragraphs and tables, and raw XML after them."""
    document = docx.Document()
    for block in blocks:
        if isinstance(block, str):
            document.add_paragraph(block)
        else:
            table = document.add_table(len(block), len(block[0]))
            for row, cells in zip(table.rows, block, strict=True):
                for cell, text in zip(row.cells, cells, strict=True):
                    cell.text = text
    if xml:
        body = document.element.body
        body.insert(len(body) - 1, parse_xml(xml))
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def test_paragraphs_and_cells_come_in_order_with_newlines(tmp_path: Path) -> None:
    raw = to_docx("Визит", "Мэр\tКалуги\nприбыл", [["Партнёр", "Провинция"], ["№", "🤝"]], "", "Конец")
    text = "Визит\nМэр\tКалуги\nприбыл\nПартнёр\nПровинция\n№\n🤝\n\nКонец"
    assert read(tmp_path, "a.docx", raw) == Document("a.docx", text)


def test_merged_cells_are_read_once(tmp_path: Path) -> None:
    document = docx.Document()
    table = document.add_table(1, 3)
    table.cell(0, 0).merge(table.cell(0, 2)).text = "Мэр"
    out = io.BytesIO()
    document.save(out)
    found = read(tmp_path, "a.docx", out.getvalue())
    assert isinstance(found, Document)
    assert found.text == "Мэр"


@pytest.mark.parametrize(
    "inner",
    [
        "<w:p><w:ins><w:r><w:t>вставка</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText>нет</w:delText></w:r></w:del></w:p>",
        "<w:sdt><w:sdtContent><w:p><w:r><w:t>вставка</w:t></w:r></w:p></w:sdtContent></w:sdt>",
        '<w:p><w:pPr><w:tabs><w:tab w:val="left" w:pos="1"/></w:tabs></w:pPr>'
        "<w:r><w:t>вставка</w:t></w:r></w:p>",
        '<w:p><w:hyperlink w:anchor="a"><w:r><w:t>вставка</w:t></w:r></w:hyperlink></w:p>',
    ],
    ids=["tracked", "content control", "tab stop", "link"],
)
def test_text_inside_words_own_wrappers_is_read(tmp_path: Path, inner: str) -> None:
    xml = f"<w:sdt {nsdecls('w')}><w:sdtContent>{inner}</w:sdtContent></w:sdt>"
    assert read(tmp_path, "a.docx", to_docx("Мэр", xml=xml)) == Document("a.docx", "Мэр\nвставка")


def test_a_document_without_text_is_a_failure(tmp_path: Path) -> None:
    assert failure(read(tmp_path, "a.docx", to_docx("", " "))).reason == "the document has no text"


def test_broken_documents_are_failures(tmp_path: Path) -> None:
    raw = to_docx("Мэр")
    assert "Office" in failure(read(tmp_path, "a.docx", raw[: len(raw) // 2])).reason
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("word/document.xml", "<w")
    assert failure(read(tmp_path, "a.docx", out.getvalue())).reason.startswith("not a readable Word document")
    assert "password" in failure(read(tmp_path, "a.docx", b"\xd0\xcf\x11\xe0" + bytes(999))).reason


def test_an_entity_bomb_is_a_failure_or_nothing(tmp_path: Path) -> None:
    raw = to_docx("Мэр")
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            if name == "word/document.xml":
                entities = '<!ENTITY a "ааааааааааааааааааа">' + "".join(
                    f'<!ENTITY {b} "{f"&{a};" * 20}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
                )
                part = (
                    part.decode()
                    .replace("<w:document ", f"<!DOCTYPE x [{entities}]><w:document ", 1)
                    .encode()
                )
                part = part.replace("Мэр".encode(), b"&i;")
            new.writestr(name, part)
    found = read(tmp_path, "a.docx", out.getvalue())
    assert isinstance(found, Failure) or len(found.text) < 1000


# --- pdf


def to_pdf(*pages: str) -> bytes:
    """A small PDF, a line of Latin text on each page."""
    writer = pypdf.PdfWriter()
    for text in pages:
        page = writer.add_blank_page(200, 200)
        font = pypdf.generic.DictionaryObject(
            {
                pypdf.generic.NameObject("/Type"): pypdf.generic.NameObject("/Font"),
                pypdf.generic.NameObject("/Subtype"): pypdf.generic.NameObject("/Type1"),
                pypdf.generic.NameObject("/BaseFont"): pypdf.generic.NameObject("/Helvetica"),
            }
        )
        fonts = pypdf.generic.DictionaryObject({pypdf.generic.NameObject("/F1"): font})
        page[pypdf.generic.NameObject("/Resources")] = pypdf.generic.DictionaryObject(
            {pypdf.generic.NameObject("/Font"): fonts}
        )
        stream = pypdf.generic.DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 10 100 Td ({text}) Tj ET".encode())
        page[pypdf.generic.NameObject("/Contents")] = writer._add_object(stream)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def encrypt(raw: bytes, user: str, algorithm: str) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(raw))
    writer.encrypt(user, "owner", algorithm=algorithm)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_pages_are_joined_by_newlines(tmp_path: Path) -> None:
    assert read(tmp_path, "a.PDF", to_pdf("Kaluga", "Suhl")) == Document("a.PDF", "Kaluga\nSuhl")


def test_a_scan_is_a_failure_that_says_so(tmp_path: Path) -> None:
    found = failure(read(tmp_path, "a.pdf", to_pdf("", " ")))
    assert found.reason == "the PDF has no text, it may be a scan"
    assert "OCR" in found.hint


def test_an_encrypted_pdf_is_a_failure_unless_anyone_may_read_it(tmp_path: Path) -> None:
    raw = to_pdf("Kaluga")
    assert (
        failure(read(tmp_path, "a.pdf", encrypt(raw, "secret", "RC4-128"))).reason == "the PDF is encrypted"
    )
    assert read(tmp_path, "a.pdf", encrypt(raw, "", "RC4-128")) == Document("a.pdf", "Kaluga")


def test_broken_pdfs_are_failures(tmp_path: Path) -> None:
    raw = to_pdf("Kaluga")
    for broken in (b"", b"%PDF-1.7\n", raw[:100], bytes(1000)):
        assert failure(read(tmp_path, "a.pdf", broken)).reason.startswith("not a readable PDF")


def test_too_long_a_pdf_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infer.office.TEXT_LIMIT", 10)
    assert "too long" in failure(read(tmp_path, "a.pdf", to_pdf("Kaluga", "Arkhangelsk"))).reason
