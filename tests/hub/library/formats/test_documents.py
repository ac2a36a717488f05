"""Office and ODF documents: chapters, slides, sheets; plain text in the letters Vietnamese was written in."""

import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from tests.hub.library import made, made_formats
from tests.hub.library.formats.reading import found_in, read

from densach_hub.library.formats.letters import decode, is_text, vietnamese
from densach_hub.library.model import Creator, Heading, Kind

WORDS = "Trường trung học cơ sở: học sinh đọc sách, nghỉ hè, vượt khó, những quyển vở ướt"


def test_word_in_chapters_by_its_headings(tmp_path: Path) -> None:
    found, text = found_in(tmp_path, "a.docx", made_formats.packed(made_formats.docx_files()))
    assert (found.kind, found.title, found.creators) == (Kind.DOCUMENT, "Giáo án", (Creator("Lê Văn C"),))
    assert found.topics == ("toán", "lớp 6")
    assert found.headings == (Heading("Mục tiêu", 1, 0), Heading("Tiến trình", 2, 1))
    assert [(p.section, p.label) for p in text] == [(0, None), (1, "Mục tiêu"), (2, "Tiến trình")]
    assert "cộng phân số" in text[1].text
    assert "Khởi động" in text[2].text
    assert (tmp_path / "out" / "cover.jpg").exists()


def test_slides_in_the_order_they_are_shown(tmp_path: Path) -> None:
    found, text = found_in(tmp_path, "a.pptx", made_formats.pptx())
    assert (found.title, found.creators, found.pages) == ("Bài giảng Sinh học", (), 2)
    assert [(p.section, p.label) for p in text] == [(0, "Quang hợp"), (1, "Kết luận")]
    assert "hấp thụ ánh sáng" in text[0].text


def test_sheets_without_the_hidden_ones(tmp_path: Path) -> None:
    found, text = found_in(tmp_path, "a.xlsx", made_formats.xlsx())
    assert (found.pages, found.media_type.endswith("sheet")) == (1, True)
    assert [(p.label, p.text) for p in text] == [("Điểm", "Họ tên Nguyễn An 9.5 giỏi")]


def test_opendocument_in_chapters_pages_and_sheets(tmp_path: Path) -> None:
    found, text = found_in(tmp_path, "a.odt", made_formats.odt())
    assert (found.title, found.headings) == ("Tên ODF", (Heading("Chương I", 0, 0), Heading("Mục 1", 1, 1)))
    assert text[0].text == "Chương I Nước Việt Nam"
    page = '<draw:page><draw:frame presentation:class="title"><text:p>Tựa</text:p></draw:frame><text:p>Nội dung</text:p>'
    page += "<presentation:notes><text:p>chỉ cho giáo viên</text:p></presentation:notes></draw:page>"
    found, text = found_in(tmp_path, "a.odp", made_formats.odf("presentation", page))
    assert (found.pages, text[0].label, text[0].text) == (1, "Tựa", "Tựa Nội dung")
    rows = '<table:table table:name="Lớp 6A"><table:table-row><table:table-cell><text:p>An</text:p></table:table-cell>'
    rows += "</table:table-row></table:table>"
    found, text = found_in(tmp_path, "a.ods", made_formats.odf("spreadsheet", rows))
    assert (found.pages, text[0].label, text[0].text) == (1, "Lớp 6A", "An")


@pytest.mark.parametrize(
    ("name", "body", "problem"),
    [
        ("locked.docx", b"\xd0\xcf\x11\xe0" + b"\0" * 1000 + "EncryptedPackage".encode("utf-16-le"), "library.encrypted"),
        ("locked.odt", made_formats.odf("text", "", locked=True), "library.encrypted"),
        ("bomb.docx", made.zip_bomb().replace(b"index.html", b"xl/work.bo"), "library.zip-bomb"),
        ("half.xlsx", made_formats.xlsx()[:300], "library.damaged"),
        ("empty.odt", made_formats.packed({"mimetype": "application/vnd.oasis.opendocument.text"}), "library.missing-part"),
    ],
)
def test_documents_that_cannot_be_read(tmp_path: Path, name: str, body: bytes, problem: str) -> None:
    result, _ = read(tmp_path, name, body)
    assert result.problem == problem, result


def test_a_document_asks_for_nothing_outside(tmp_path: Path) -> None:
    files = made_formats.docx_files()
    evil = '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
    body = str(files["word/document2.xml"]).replace('<?xml version="1.0"?>', evil).replace("Khởi động", "Khởi &b;&f; động")
    _, text = read(tmp_path, "a.docx", made_formats.packed({**files, "word/document2.xml": body}))
    words = " ".join(p.text for p in text)
    assert "aaaa" not in words
    assert "root:" not in words


def test_a_large_sheet_is_read_a_row_at_a_time(tmp_path: Path) -> None:
    rows = "".join(f'<row><c t="inlineStr"><is><t>ô {n}</t></is></c></row>' for n in range(60_000))
    source = BytesIO(made_formats.xlsx())
    with zipfile.ZipFile(source) as archive:
        files: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
    sheet = f'<worksheet xmlns="{made_formats.S}"><sheetData>{rows}</sheetData></worksheet>'
    _, text = read(tmp_path, "a.xlsx", made_formats.packed({**files, "xl/worksheets/sheet1.xml": sheet}))
    assert text[-1].text.endswith("ô 59999")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1258"])
def test_letters_of_plain_text(tmp_path: Path, encoding: str) -> None:
    body = as_1258(WORDS) if encoding == "cp1258" else WORDS.encode(encoding)
    assert decode(body) == WORDS
    found, text = found_in(tmp_path, "a.txt", body)
    assert (found.media_type, text[0].text) == ("text/plain", WORDS)


def test_tcvn3_is_believed_when_its_words_are_vietnamese() -> None:
    body = b"Tr\xad\xeang trung h\xe4c c\xac s\xeb: h\xe4c sinh \xae\xe4c s\xb8ch, ngh\xd8 h\xcc"
    assert decode(body) == "Trường trung học cơ sở: học sinh đọc sách, nghỉ hè"
    french = "élève, français, été, garçon, où, château, naïf, Noël".encode("cp1252")
    assert decode(french) == "élève, français, été, garçon, où, château, naïf, Noël"


def test_programs_are_no_text() -> None:
    assert not is_text(bytes(range(256)) * 8)
    assert not is_text(b"")
    assert vietnamese("Straße Łódź œuvre smørrebrød") < 0.3


def as_1258(text: str) -> bytes:
    """Windows-1258 spells tones apart from their vowels."""
    import unicodedata

    tones = {"\u0300", "\u0301", "\u0303", "\u0309", "\u0323"}
    out = []
    for letter in text:
        spread = unicodedata.normalize("NFD", letter)
        bare = unicodedata.normalize("NFC", "".join(mark for mark in spread if mark not in tones))
        out.append(bare + "".join(mark for mark in spread if mark in tones))
    return "".join(out).encode("cp1258")
