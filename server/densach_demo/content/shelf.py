"""What lies on the demonstration's shelf, written into a folder for the library to take in."""

import zipfile
from importlib.resources import files
from pathlib import Path

import msgspec

from densach_demo.content import documents, guide, maths, recordings, worksheet


class Piece(msgspec.Struct, frozen=True):
    """A file and what a librarian would write on its card; `subject` is the library's code of one."""

    path: Path
    title: str
    subject: str
    grades: tuple[int, ...] = ()
    language: str = "vi"
    description: str = ""


def write_shelf(folder: Path) -> list[Piece]:
    """Makes every piece; without ffmpeg the film is missing and the sound is a WAV file. Takes a few seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    vietnamese, english = folder / "huong-dan-den-sach.epub", folder / "den-sach-guide.epub"
    guide.write_guide("vi", vietnamese)
    guide.write_guide("en", english)
    sheet = folder / "phieu-hoc-tap-con-lac-don.pdf"
    worksheet.write_worksheet(sheet)
    book = folder / "toan-7.epub"
    maths.write_maths(book)
    simulation = folder / "con-lac-don.zip"
    write_simulation(simulation)
    pieces = [
        Piece(vietnamese, guide.TITLES["vi"], "tin-hoc", description=guide.DESCRIPTIONS["vi"]),
        Piece(english, guide.TITLES["en"], "tin-hoc", language="en", description=guide.DESCRIPTIONS["en"]),
        Piece(book, maths.TITLE, "toan", (7,), description=maths.DESCRIPTION),
        Piece(sheet, worksheet.TITLE, "vat-ly", (11,), description="Bốn trang: mục tiêu, ba thí nghiệm, kết luận."),
        Piece(
            simulation, "Con lắc đơn", "vat-ly", (11,), description="Đổi chiều dài, góc lệch và nơi đặt con lắc rồi đo chu kì."
        ),
        Piece(recordings.write_sound(folder), recordings.SOUND_TITLE, "am-nhac", (6, 7)),
    ]
    film = recordings.write_film(folder)
    if film is not None:
        pieces.append(Piece(film, recordings.FILM_TITLE, "vat-ly", (11,), description="Hai mươi giây, mỗi chu kì hai giây."))
    return pieces


def write_catalogue(folder: Path) -> Path:
    """The 22 documents of letter 4771 as records."""
    path = folder / "van-ban-4771.csv"
    path.write_text(documents.as_csv(), encoding="utf-8")
    return path


def write_simulation(path: Path) -> None:
    """The pendulum as the ZIP a teacher would upload."""
    source = files("densach_demo.content").joinpath("pendulum")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("index.html", "pendulum.css", "pendulum.js"):
            archive.writestr(zipfile.ZipInfo(name, (2026, 9, 5, 7, 0, 0)), source.joinpath(name).read_bytes())
