"""PDF through PDFium: metadata, text per page, first page as the cover. PDFium may crash on hostile files: separate process."""

import ctypes
import re
from typing import Any

import pypdfium2 as pdfium
from pypdfium2 import raw

from densach_hub.library.formats.found import Found, Source, Unreadable
from densach_hub.library.formats.workshop import COVER_WIDTH, Workshop
from densach_hub.library.model import Creator, Heading, Kind

MEDIA_TYPE = "application/pdf"
MOST_PAGES = 5_000
MOST_HEADINGS = 500
_NO_TITLE = re.compile(r"^(untitled|microsoft word - .*|.*\.(docx?|indd|tex|pdf|qxd|pmd))$", re.IGNORECASE)


class Pdf:
    def fits(self, source: Source) -> bool:
        return b"%PDF-" in source.head[:1024]

    def read(self, source: Source, workshop: Workshop) -> Found:
        try:
            document = pdfium.PdfDocument(source.path)
        except pdfium.PdfiumError as error:
            code = "library.encrypted" if "password" in str(error).lower() else "library.damaged"
            raise Unreadable(code, str(error)) from error
        try:
            return self._read(document, source, workshop)
        except pdfium.PdfiumError as error:
            raise Unreadable("library.damaged", str(error)) from error
        finally:
            document.close()

    def _read(self, document: Any, source: Source, workshop: Workshop) -> Found:
        pages = len(document)
        if pages == 0:
            raise Unreadable("library.no-pages")
        headings = _headings(document, pages)
        labels = {heading.section: heading.label for heading in reversed(headings)}
        for number in range(min(pages, MOST_PAGES)):
            self._page(document, number, labels.get(number), workshop)
        said = {key: value.strip() for key, value in document.get_metadata_dict(skip_empty=True).items()}
        title = said.get("Title")
        remark = None if _ends_well(source) else "library.maybe-incomplete"
        return Found(
            kind=Kind.PDF,
            media_type=MEDIA_TYPE,
            suffixes=(".pdf",),
            title=title if title and not _NO_TITLE.match(title) else None,
            creators=tuple(Creator(name.strip()) for name in re.split(r"[;]", said.get("Author", "")) if name.strip())[:20],
            language=_language(document),
            published=_year(said.get("CreationDate", "")),
            topics=tuple(word.strip() for word in re.split(r"[;,]", said.get("Keywords", "")) if word.strip())[:20],
            description=said.get("Subject"),
            pages=pages,
            headings=tuple(headings),
            remark=remark or ("library.no-text" if workshop.passages == 0 else None),
        )

    def _page(self, document: Any, number: int, label: str | None, workshop: Workshop) -> None:
        try:
            page = document[number]
        except pdfium.PdfiumError:
            return
        try:
            text = page.get_textpage()
            workshop.text(number, label, text.get_text_bounded().replace("\ufffe", ""))
            text.close()
            if number == 0 and page.get_width() > 0:
                scale = min(3.0, COVER_WIDTH / page.get_width())
                bitmap = page.render(scale=scale)
                workshop.cover_image(bitmap.to_pil())
        finally:
            page.close()


def _ends_well(source: Source) -> bool:
    """Whether the end marker is where it must be; a half-copied file that PDFium could rebuild has none."""
    with source.path.open("rb") as file:
        file.seek(max(0, source.size - 2048))
        return b"%%EOF" in file.read()


def _headings(document: Any, pages: int) -> list[Heading]:
    found: list[Heading] = []
    try:
        for mark in document.get_toc(max_depth=6):
            target = mark.get_dest()
            index = target.get_index() if target is not None else None
            title = mark.get_title().strip()
            if index is not None and 0 <= index < pages and title:
                found.append(Heading(title[:200], index, mark.level))
            if len(found) >= MOST_HEADINGS:
                break
    except pdfium.PdfiumError:
        pass
    return found


def _language(document: Any) -> str | None:
    size = raw.FPDFCatalog_GetLanguage(document, None, 0) if hasattr(raw, "FPDFCatalog_GetLanguage") else 0
    if size <= 2 or size > 200:
        return None
    buffer = ctypes.create_string_buffer(size)
    raw.FPDFCatalog_GetLanguage(document, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), size)
    return buffer.raw.decode("utf-16-le", "ignore").rstrip("\0") or None


def _year(stamp: str) -> str | None:
    """`D:20240915…` → 2024."""
    match = re.match(r"(?:D:)?(\d{4})", stamp)
    return match[1] if match else None
