"""Catalogue files read and written: MARC with its usual lies, tables by their headings, Calibre, what is only almost a file."""

import io
import sqlite3
import tracemalloc
import unicodedata
from contextlib import closing, suppress
from pathlib import Path

import pymarc
import pytest
import xlsxwriter
from tests.hub.library import catalogues

from densach_core.errors import BadInput
from densach_core.text import Text
from densach_core.web.site import languages
from densach_hub.library.exchange.columns import EXPORTED, field_of
from densach_hub.library.exchange.doors import EXPORTS, open_source
from densach_hub.library.exchange.line import Line
from densach_hub.library.model import Creator, Form, Item, State
from densach_hub.library.store import record_of
from densach_hub.web_rooms import every_room

REAL = Path(__file__).parents[4] / "shared" / "data" / "marc"
FILES = sorted(REAL.glob("*")) if REAL.is_dir() else []
WHOLE = Item(
    id="abc123", work_id="w", edition_id="e", form=Form.LISTED, state=State.READY, added_at=1, added_by="t", changed_at=1,
    title="Dế Mèn phiêu lưu ký", subtitle="truyện dài", description="Một chú dế, =1+1", subject="ngu-van",
    topics=("dế", "bạn bè"),
    creators=(Creator("Tô Hoài"), Creator("Nguyễn A", "translator"), Creator("Ai đó", "other")), grade_from=6, grade_to=7,
    publisher="NXB Kim Đồng", published="2019", language="vi", identifiers=("ISBN 9780306406157",), rights="Giữ bản quyền",
    source="http://hub.lan/x", material="story", curriculum="GDPT 2018", audience="pupils", level="thcs", ddc="895.9223",
    cutter="T450H", series="Tủ sách vàng", series_number="3", collections=("Kho mở", "Quà tặng"), place="Hà Nội",
    statement="Tái bản lần 5", extent="199 tr", licence="CC BY", copies=12,
)  # fmt: skip


def lines(folder: Path, name: str, body: bytes) -> list[Line]:
    path = folder / name
    path.write_bytes(body)
    return list(open_source(path).lines)


def no_files(_it: Item) -> list[tuple[str, Path]]:
    return []


def english(text: Text) -> str:
    return text.msgid


@pytest.mark.parametrize("format_name", [name for name in EXPORTS if name != "calibre"])
def test_what_goes_out_comes_back(tmp_path: Path, format_name: str) -> None:
    file = io.BytesIO()
    EXPORTS[format_name].write([WHOLE, WHOLE], file, english, no_files)
    found = lines(tmp_path, "export", file.getvalue())
    assert len(found) == 2
    assert found[0].own == "abc123"
    record = found[0].record
    assert record is not None
    for name in record.__struct_fields__:
        if name != "key":
            assert getattr(record, name) == getattr(record_of(WHOLE), name), name


def test_our_marc_is_read_by_others() -> None:
    file = io.BytesIO()
    EXPORTS["marc"].write([WHOLE], file, english, no_files)
    record = next(iter(pymarc.MARCReader(file.getvalue())))
    assert record is not None
    assert record["245"]["a"] == "Dế Mèn phiêu lưu ký"
    assert record["490"]["v"] == "3"


def test_headings_of_an_export_are_known_in_both_languages() -> None:
    say = languages(every_room()).say
    for name, text in EXPORTED.items():
        assert field_of(text.msgid) == name
        assert field_of(say(text, "vi")) == name
    assert field_of("Nhan đề (*)") == "title"


def test_a_formula_goes_out_as_text(tmp_path: Path) -> None:
    file = io.BytesIO()
    evil = Item(**{**{name: getattr(WHOLE, name) for name in WHOLE.__struct_fields__}, "title": "=HYPERLINK(1)"})
    EXPORTS["csv"].write([evil], file, english, no_files)
    assert b",'=HYPERLINK(1)," in file.getvalue()
    found = lines(tmp_path, "a.csv", file.getvalue())[0].record
    assert found is not None
    assert found.title == "=HYPERLINK(1)"


def test_marc8_is_vietnamese(tmp_path: Path) -> None:
    record = lines(tmp_path, "a.mrc", catalogues.marc8())[0].record
    assert record is not None
    assert record.creators[0].name.startswith("Tô Hoà")
    assert record.title.startswith("Đư")


def test_marc_that_lies_about_lengths_is_read(tmp_path: Path) -> None:
    good = catalogues.marc("1", "Một", "Tác giả")
    lying = b"99999" + good[5:]
    shifted = good[:12] + b"00000" + good[17:]
    mislabelled = good[:9] + b" " + good[10:]
    found = lines(tmp_path, "a.mrc", good + b"\r\n" + lying + shifted + mislabelled + good[:40])
    titles = [(one.record.title if one.record else None, one.code) for one in found]
    expected = [("Một", None), ("Một", "import.marc-length"), ("Một", None), ("Một", "import.marc-encoding")]
    assert titles == [*expected, (None, "import.marc-truncated")]


@pytest.mark.parametrize("body", [b"\x1d\x1d\x1d", b"00026nam a2200025   4500\x1e\x1d", b"12345" + b"\xff" * 5000, b"00100" * 30])
def test_rubbish_is_a_row_or_a_refusal(tmp_path: Path, body: bytes) -> None:
    with suppress(BadInput):
        assert all(one.record is None and one.code for one in lines(tmp_path, "a.mrc", body))


def test_real_records_are_read() -> None:
    for path in FILES:
        found = list(open_source(path).lines)
        assert found, path.name
        assert all(one.record is not None for one in found), path.name


def test_marcxml_opens_no_entity_and_keeps_what_came_before_a_break(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("geheim")
    head = f'<?xml version="1.0"?><!DOCTYPE c [<!ENTITY s SYSTEM "file://{secret}"><!ENTITY a "b&s;">]><collection>'
    record = '<record><datafield tag="245" ind1=" " ind2=" "><subfield code="a">Sách &s; hay</subfield></datafield></record>'
    found = lines(tmp_path, "a.xml", f"{head}{record}<record><datafield".encode())
    assert found[-1].code == "import.xml-broken"
    assert "geheim" not in str(found)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_a_table_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    found = lines(tmp_path, "a.csv", catalogues.table().encode(encoding))
    first, nameless, third, fourth = found
    assert (nameless.number, nameless.code) == (3, "import.no-title")
    assert first.record is not None
    assert (first.record.title, first.record.subject, first.record.copies) == ("Dế Mèn phiêu lưu ký", "ngu-van", 12)
    assert (first.record.material, first.record.grade_from) == ("story", 6)
    assert third.record is not None
    assert (third.code, third.detail) == ("import.copies", "mười")
    assert third.record.identifiers == ("ISBN 9780306406157",)
    assert fourth.record is not None
    assert fourth.record.title == "Một; hai"


def test_the_old_code_page_of_windows(tmp_path: Path) -> None:
    text = "Nhan đề,Tác giả\r\nDế Mèn,Tô Hoài\r\n"
    decomposed = "".join(_apart(letter) for letter in text)
    record = lines(tmp_path, "a.csv", decomposed.encode("cp1258"))[0].record
    assert record is not None
    assert (record.title, record.creators[0].name) == ("Dế Mèn", "Tô Hoài")


def _apart(letter: str) -> str:
    """Windows-1258 has ê and ơ as letters, the five tones as marks after them."""
    try:
        letter.encode("cp1258")
    except UnicodeEncodeError:
        whole = unicodedata.normalize("NFD", letter)
        tone = next(mark for mark in whole if mark in "\u0300\u0301\u0303\u0309\u0323")
        return unicodedata.normalize("NFC", whole.replace(tone, "")) + tone
    return letter


def test_columns_may_stand_anywhere_and_nameless_ones_are_told(tmp_path: Path) -> None:
    body = io.BytesIO()
    with xlsxwriter.Workbook(body) as book:
        sheet = book.add_worksheet("Danh mục")
        sheet.write_row(2, 1, ["THƯ VIỆN TRƯỜNG"])
        sheet.write_row(4, 1, ["Màu bìa", "TÁC GIẢ", "Tên sách", "Năm xuất bản"])
        sheet.write_row(5, 1, ["đỏ", "Nguyễn Du; Trần A", "Truyện Kiều", 2015])
        sheet.write_formula(6, 3, '="Sách "&"tính"', None, "Sách tính")
    path = tmp_path / "a.xlsx"
    path.write_bytes(body.getvalue())
    source = open_source(path)
    assert source.ignored == ("Màu bìa",)
    first, second = list(source.lines)
    assert first.record is not None
    assert (first.number, first.record.title, first.record.published) == (6, "Truyện Kiều", "2015")
    assert [one.name for one in first.record.creators] == ["Nguyễn Du", "Trần A"]
    assert second.record is not None
    assert second.record.title == "Sách tính"


def test_a_table_without_headings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as problem:
        lines(tmp_path, "a.csv", b"a,b\n1,2\n")
    assert problem.value.code == "import.no-header"
    for body in (b"", b"PK\x03\x04rubbish"):
        with pytest.raises(BadInput):
            lines(tmp_path, "b.xlsx", body)


def calibre(folder: Path) -> Path:
    book = folder / "To Hoai" / "De Men (1)"
    book.mkdir(parents=True)
    (book / "De Men - To Hoai.epub").write_bytes(b"epub")
    with closing(sqlite3.connect(folder / "metadata.db")) as c:
        for statement in (
            "CREATE TABLE books (id INTEGER, title TEXT, path TEXT, pubdate TEXT, series_index REAL, uuid TEXT)",
            "CREATE TABLE authors (id INTEGER, name TEXT)", "CREATE TABLE books_authors_link (book INTEGER, author INTEGER)",
            "CREATE TABLE tags (id INTEGER, name TEXT)", "CREATE TABLE books_tags_link (book INTEGER, tag INTEGER)",
            "CREATE TABLE series (id INTEGER, name TEXT)", "CREATE TABLE books_series_link (book INTEGER, series INTEGER)",
            "CREATE TABLE publishers (id INTEGER, name TEXT)",
            "CREATE TABLE books_publishers_link (book INTEGER, publisher INTEGER)",
            "CREATE TABLE languages (id INTEGER, lang_code TEXT)",
            "CREATE TABLE books_languages_link (book INTEGER, lang_code INTEGER)",
            "CREATE TABLE comments (book INTEGER, text TEXT)",
            "CREATE TABLE identifiers (book INTEGER, type TEXT, val TEXT)",
            "CREATE TABLE data (book INTEGER, format TEXT, name TEXT)",
            "INSERT INTO books VALUES (1, 'Dế Mèn', 'To Hoai/De Men (1)', '2019-01-01', 2.0, 'u-1')",
            "INSERT INTO books VALUES (2, 'Ngoài', '../..', '0101', 1, 'u-2')",
            "INSERT INTO authors VALUES (1, 'Tô Hoài')", "INSERT INTO books_authors_link VALUES (1, 1)",
            "INSERT INTO series VALUES (1, 'Tủ sách')", "INSERT INTO books_series_link VALUES (1, 1)",
            "INSERT INTO comments VALUES (1, '<p>Hay &amp; vui</p>')", "INSERT INTO languages VALUES (1, 'vie')",
            "INSERT INTO books_languages_link VALUES (1, 1)", "INSERT INTO identifiers VALUES (1, 'isbn', '0306406152')",
            "INSERT INTO data VALUES (1, 'EPUB', 'De Men - To Hoai'), (2, 'EPUB', '../../etc/passwd')",
        ):  # fmt: skip
            c.execute(statement)
        c.commit()
    return folder


def test_a_calibre_library_is_read_without_being_touched(tmp_path: Path) -> None:
    folder = calibre(tmp_path / "calibre")
    before = sorted(folder.rglob("*"))
    inside, outside = list(open_source(folder).lines)
    assert inside.record is not None
    assert (inside.record.language, inside.record.series, inside.record.series_number) == ("vi", "Tủ sách", "2")
    assert (inside.record.description, inside.record.identifiers) == ("Hay & vui", ("ISBN 9780306406157",))
    assert [path.name for path in inside.files] == ["De Men - To Hoai.epub"]
    assert (outside.files, outside.code) == ((), "import.file-missing")
    assert sorted(folder.rglob("*")) == before


def test_calibre_folders_without_their_database(tmp_path: Path) -> None:
    folder = tmp_path / "c" / "A" / "B (1)"
    folder.mkdir(parents=True)
    (folder / "b.pdf").write_bytes(b"%PDF")
    (folder / "metadata.opf").write_text(
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:opf="http://www.idpf.org/2007/opf">'
        '<metadata><dc:title>Sách</dc:title><dc:creator opf:role="aut">Ai</dc:creator><dc:language>vie</dc:language>'
        '<dc:identifier opf:scheme="uuid">u</dc:identifier><meta name="calibre:series" content="Bộ"/></metadata></package>'
    )
    (line,) = open_source(tmp_path / "c").lines
    assert line.record is not None
    assert (line.record.title, line.record.key, line.record.series) == ("Sách", "calibre:u", "Bộ")
    assert line.record.creators == (Creator("Ai"),)


def test_a_long_file_is_never_held_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.mrc"
    path.write_bytes(b"".join(catalogues.marc(str(n), f"Sách {n}") for n in range(200)) * 20)
    tracemalloc.start()
    assert sum(1 for _ in open_source(path).lines) == 4000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 1024 * 1024
