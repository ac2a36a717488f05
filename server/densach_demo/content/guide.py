"""The user guide as a book, from the pages in guide/vi and guide/en."""

from importlib.resources import files
from pathlib import Path
from typing import Literal

from densach_demo.content.cover import cover
from densach_demo.content.epub import Book, Chapter, write_epub
from densach_demo.content.markdown import title_of, to_xhtml

TITLES = {"vi": "Hướng dẫn dùng Đèn Sách", "en": "The Đèn Sách Guide"}
DESCRIPTIONS = {
    "vi": "Cho học sinh, nhân viên thư viện, nhân viên CNTT và hiệu trưởng: tìm và đọc sách, trông phòng máy, hiểu số liệu.",
    "en": "For pupils, librarian, technician and principal: finding and reading, looking after the lab, reading the figures.",
}


def write_guide(language: Literal["vi", "en"], path: Path) -> None:
    pages = sorted(files("densach_demo.content").joinpath("guide", language).iterdir(), key=lambda page: page.name)
    texts = [page.read_text("utf-8") for page in pages if page.name.endswith(".md")]
    title = TITLES[language]
    author = "Đèn Sách"
    chapters = [Chapter(title_of(text), to_xhtml(text)) for text in texts]
    subjects = ("Tin học", "Hướng dẫn") if language == "vi" else ("Informatics", "Guide")
    write_epub(Book(title, author, language, DESCRIPTIONS[language], subjects, cover(title, author), chapters), path)
