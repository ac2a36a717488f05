"""The demonstration's shelf: files that other programs open, texts that are found, the 22 documents."""

import io
import shutil
import subprocess
import wave
import zipfile
from pathlib import Path

import pypdfium2
import pytest
from lxml import etree
from PIL import Image

from densach_demo.content import documents, guide, markdown, maths, recordings, worksheet
from densach_demo.content.shelf import write_shelf, write_simulation


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_guide_is_an_epub_with_every_chapter(tmp_path: Path, language: str) -> None:
    path = tmp_path / "guide.epub"
    guide.write_guide(language, path)  # type: ignore[arg-type]
    with zipfile.ZipFile(path) as book:
        first = book.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        assert book.read("mimetype") == b"application/epub+zip"
        package = etree.fromstring(book.read("OEBPS/book.opf"))
        hrefs = [str(item.get("href")) for item in package.iter("{*}item")]
        names = set(book.namelist())
        assert {f"OEBPS/{href}" for href in hrefs} <= names
        assert len(list(package.iter("{*}itemref"))) == 7
        for href in hrefs:
            if href.endswith((".xhtml", ".ncx")):
                etree.fromstring(book.read(f"OEBPS/{href}"))
        assert Image.open(io.BytesIO(book.read("OEBPS/cover.png"))).size == (600, 800)


def test_the_same_guide_is_the_same_file(tmp_path: Path) -> None:
    one, two = tmp_path / "1.epub", tmp_path / "2.epub"
    guide.write_guide("vi", one)
    guide.write_guide("vi", two)
    assert one.read_bytes() == two.read_bytes()


def test_the_book_of_mathematics_has_its_chapters(tmp_path: Path) -> None:
    maths.write_maths(tmp_path / "toan-7.epub")
    with zipfile.ZipFile(tmp_path / "toan-7.epub") as book:
        pages = [name for name in book.namelist() if name.endswith(".xhtml")]
        for name in pages:
            etree.fromstring(book.read(name))
        assert any("Tổng ba góc của một tam giác" in book.read(name).decode() for name in pages)


def test_the_words_of_the_worksheet_are_in_it(tmp_path: Path) -> None:
    path = tmp_path / "sheet.pdf"
    worksheet.write_worksheet(path)
    sheet = pypdfium2.PdfDocument(path)
    try:
        assert len(sheet) == 4
        assert sheet.get_metadata_dict()["Title"] == worksheet.TITLE
        text = sheet[0].get_textpage().get_text_range()
        assert "đo được chu kì của con lắc đơn" in " ".join(text.split())
        white = Image.new("RGB", (10, 10), "white")
        assert sheet[0].render(scale=0.2).to_pil().convert("RGB").getcolors(100_000) != white.getcolors()
    finally:
        sheet.close()


def test_another_program_reads_the_worksheet(tmp_path: Path) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not installed")
    path = tmp_path / "sheet.pdf"
    worksheet.write_worksheet(path)
    said = subprocess.run(["pdftotext", str(path), "-"], capture_output=True, text=True, check=True)
    assert "Phiếu học tập: Con lắc đơn" in said.stdout
    assert not said.stderr


def test_without_ffmpeg_there_is_still_a_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    path = recordings.write_sound(tmp_path)
    assert path.suffix == ".wav"
    with wave.open(str(path)) as sound:
        assert sound.getnframes() / sound.getframerate() == pytest.approx(9.0, abs=0.1)
    assert recordings.write_film(tmp_path) is None


def test_the_shelf_with_everything(tmp_path: Path) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    pieces = write_shelf(tmp_path)
    assert {piece.path.suffix for piece in pieces} == {".epub", ".pdf", ".zip", ".mp3", ".mp4"}
    film = next(piece.path for piece in pieces if piece.path.suffix == ".mp4").read_bytes()
    assert film.index(b"moov") < film.index(b"mdat"), "the index comes first, so that the film can be wound"


def test_the_simulation_runs_nothing_inline(tmp_path: Path) -> None:
    write_simulation(tmp_path / "pendulum.zip")
    with zipfile.ZipFile(tmp_path / "pendulum.zip") as package:
        page = package.read("index.html").decode()
    assert "<script src=" in page
    assert " style=" not in page
    assert "onclick" not in page


def test_the_22_documents_in_the_order_of_the_letter() -> None:
    found = documents.legal_documents()
    assert [document.order for document in found] == list(range(1, 23))
    assert len({document.number for document in found}) == 22
    replaced = {document.number: document.by for document in found if document.state == "replaced"}
    assert replaced["24/2018/TT-BGDĐT"].startswith("25/2024/TT-BGDĐT")
    assert all(document.confidence for document in found if document.state != "unknown")
    assert documents.as_csv().count("4771/BGDĐT-CNTT") == 22


def test_markdown_of_the_guide() -> None:
    text = "## Một\n\n- **đậm** và `mã`\n- hai & ba\n\n| a | b |\n|---|---|\n| 1 | 2 |"
    assert markdown.to_xhtml(text) == (
        "<h2>Một</h2>\n<ul><li><strong>đậm</strong> và <code>mã</code></li><li>hai &amp; ba</li></ul>\n"
        "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>"
    )
