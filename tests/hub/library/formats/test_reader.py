"""Every kind of file through the reading process's own entrance, and every trap."""

import io
import zipfile
from pathlib import Path

import msgspec
import pytest
from tests.hub.library import made

from densach_hub.library.formats.found import Passage, Result
from densach_hub.library.formats.order import Order
from densach_hub.library.formats.reader import read_file
from densach_hub.library.model import Creator, Heading, Kind
from densach_hub.library.reasons import REASONS, REMARKS


def read(folder: Path, name: str, body: bytes) -> tuple[Result, list[Passage]]:
    path = made.put(folder, "stored-under-a-hash", body)
    out = folder / "out"
    out.mkdir(exist_ok=True)
    result = read_file(Order(str(path), name, str(out)))
    lines = (out / "text.jsonl").read_bytes().splitlines()
    return result, [msgspec.json.decode(line, type=Passage) for line in lines]


def test_epub(tmp_path: Path) -> None:
    result, text = read(tmp_path, "b.epub", made.epub())
    found = result.found
    assert found is not None
    assert (found.kind, found.title, found.language) == (Kind.EPUB, made.TITLE, "vi")
    assert found.creators == (Creator("Nguyễn Văn Ánh"),)
    assert (found.publisher, found.published, found.topics) == ("NXB Thử", "2024-09-05", ("Toán",))
    assert found.identifiers == ("urn:isbn:9786040000000",)
    assert found.headings == (Heading("Chương một", 0), Heading("Chương hai", 1))
    assert result.has_cover
    assert (tmp_path / "out" / "cover.jpg").read_bytes().startswith(b"\xff\xd8")
    assert [(p.section, p.label) for p in text] == [(0, "Chương một"), (1, "Chương hai")]
    assert "dong thoi xet dau" in text[0].folded
    assert "Đồng thời xét dấu" in text[0].text


def test_epub_with_named_characters_and_without_navigation(tmp_path: Path) -> None:
    body = made.epub(chapters={"M&eacute;lange": "caf&eacute;&nbsp;cr&egrave;me &amp; <b>s&ocirc;ng</b> H&agrave;"}, cover=False)
    result, text = read(tmp_path, "b.epub", body)
    assert result.found is not None
    assert not result.has_cover
    assert "café crème & sông Hà" in text[0].text


def test_epub_2_with_ncx(tmp_path: Path) -> None:
    source = io.BytesIO(made.epub())
    target = io.BytesIO()
    ncx = (
        '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint><navLabel><text>Mở đầu</text></navLabel>'
        '<content src="c0.xhtml#x"/></navPoint></navMap></ncx>'
    )
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            content = old.read(info)
            if info.filename.endswith(".opf"):
                content = content.replace(b"<spine>", b'<spine toc="ncx">').replace(
                    b'<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>',
                    b'<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>',
                )
            new.writestr(info, content)
        new.writestr("OEBPS/toc.ncx", ncx)
    result, _ = read(tmp_path, "b.epub", target.getvalue())
    assert result.found is not None
    assert result.found.headings == (Heading("Mở đầu", 0),)


def test_obfuscated_fonts_are_no_lock_but_encrypted_chapters_are(tmp_path: Path) -> None:
    def locked(uri: str, algorithm: str) -> bytes:
        buffer = io.BytesIO(made.epub())
        with zipfile.ZipFile(buffer, "a") as archive:
            archive.writestr(
                "META-INF/encryption.xml",
                '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" xmlns:enc="http://www.w3.org/2001/04/xmlenc#">'
                f'<enc:EncryptedData><enc:EncryptionMethod Algorithm="{algorithm}"/><enc:CipherData>'
                f'<enc:CipherReference URI="{uri}"/></enc:CipherData></enc:EncryptedData></encryption>',
            )
        return buffer.getvalue()

    fine, _ = read(tmp_path, "b.epub", locked("OEBPS/font.otf", "http://www.idpf.org/2008/embedding"))
    assert fine.found is not None
    shut, _ = read(tmp_path, "b.epub", locked("OEBPS/c0.xhtml", "http://www.w3.org/2001/04/xmlenc#aes256-cbc"))
    assert shut.problem == "library.encrypted"


def test_pdf(tmp_path: Path) -> None:
    result, text = read(tmp_path, "a.pdf", made.pdf())
    found = result.found
    assert found is not None
    assert (found.kind, found.title, found.pages, found.published) == (Kind.PDF, "Hướng dẫn", 2, "2024")
    assert found.creators == (Creator("Trần Thị Bình"),)
    assert result.has_cover
    assert [(p.section, p.text) for p in text] == [(0, "Trang mot noi ve den"), (1, "Trang hai noi ve sach giao khoa")]
    assert found.remark is None


@pytest.mark.parametrize(
    ("name", "body", "kind", "title", "duration_ms"),
    [
        ("f.mp4", made.mp4(), Kind.VIDEO, "Thí nghiệm", 90_000),
        ("f.m4a", made.mp4(video=False), Kind.AUDIO, "Thí nghiệm", 90_000),
        ("f.webm", made.webm(), Kind.VIDEO, "Quay chậm", 12_500),
        ("f.mp3", made.mp3(), Kind.AUDIO, "Bài hát", 9_903),
        ("f.ogg", made.ogg(), Kind.AUDIO, "Đọc truyện", 7_000),
        ("f.wav", made.wav(), Kind.AUDIO, None, 2_000),
        ("f.flac", made.flac(), Kind.AUDIO, None, 3_000),
        ("f.jpg", made.jpeg(), Kind.IMAGE, None, None),
        ("f.png", made.png(), Kind.IMAGE, None, None),
        ("f.zip", made.simulation(), Kind.SIMULATION, "Con lắc", None),
        ("f.zip", made.simulation(folder="con-lac/"), Kind.SIMULATION, "Con lắc", None),
        ("f.docx", made.docx(), Kind.DOCUMENT, "Giáo án", None),
        ("f.odt", made.odt(), Kind.DOCUMENT, None, None),
        ("f.txt", "Thơ: đèn và sách".encode(), Kind.DOCUMENT, None, None),
        ("f.rtf", b"{\\rtf1 x}", Kind.DOCUMENT, None, None),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)
def test_kinds(tmp_path: Path, name: str, body: bytes, kind: Kind, title: str | None, duration_ms: int | None) -> None:
    result, _ = read(tmp_path, name, body)
    assert result.found is not None, result
    assert (result.found.kind, result.found.title, result.found.duration_ms) == (kind, title, duration_ms)
    assert result.found.remark is None


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("a.zip", made.simulation(), "keo con lac"),
        ("a.docx", made.docx(), "ke hoach bai day mon tin hoc"),
        ("a.odt", made.odt(), "bien ban hop to"),
        ("a.txt", "Thơ: đèn và sách".encode(), "tho: den va sach"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)
def test_words_inside_are_searchable(tmp_path: Path, name: str, body: bytes, words: str) -> None:
    _, text = read(tmp_path, name, body)
    assert words in " ".join(p.folded for p in text)


@pytest.mark.parametrize(
    ("name", "body", "problem"),
    [
        ("empty.pdf", b"", "library.empty"),
        ("noise.pdf", bytes(range(256)) * 8, "library.unknown-kind"),
        ("bomb.zip", made.zip_bomb(), "library.zip-bomb"),
        ("bomb.epub", made.zip_bomb(), "library.zip-bomb"),
        ("out.epub", made.zip_outside(), "library.zip-path"),
        ("half.epub", made.epub()[:900], "library.damaged"),
        ("half.zip", made.simulation()[:150], "library.damaged"),
        ("half.mp4", made.mp4(filler=5000, cut=2500), "library.truncated"),
        ("early.mp4", made.mp4()[:60], "library.truncated"),
        ("half.jpg", made.jpeg()[:-3000], "library.truncated"),
        ("bad.pdf", b"%PDF-1.7\n" + b"garbage " * 100, "library.damaged"),
        ("nothing.epub", made.epub(chapters={}), "library.no-chapters"),
        (
            "plain.zip",
            made.simulation(folder="a/", files={"../b/x.txt": "x"}).replace(b"index.html", b"index.htmx"),
            "library.zip-path",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_traps_become_a_reason(tmp_path: Path, name: str, body: bytes, problem: str) -> None:
    result, _ = read(tmp_path, name, body)
    assert result.found is None
    assert result.problem == problem
    assert problem in REASONS


def test_a_picture_that_calls_itself_pdf_is_a_picture_with_a_remark(tmp_path: Path) -> None:
    result, _ = read(tmp_path, "bai-giang.pdf", made.jpeg())
    assert result.found is not None
    assert (result.found.kind, result.found.remark) == (Kind.IMAGE, "library.name-differs")
    assert "library.name-differs" in REMARKS


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"\xff\xd8\xff no picture", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n no picture", "image/png"),
        (b"%PDF-1.7 no document", "application/pdf"),
        (b"MZ\x90\x00\x03\x00", "application/x-msdownload"),
        (b"Rar!\x1a\x07\x00 no archive", "application/vnd.rar"),
        (b"\x00\x01\x02", None),
    ],
)
def test_what_cannot_be_read_is_named_by_its_bytes(tmp_path: Path, body: bytes, media_type: str | None) -> None:
    result, _ = read(tmp_path, "a.pdf", body)
    assert result.found is None
    assert result.media_type == media_type


def test_half_copied_pdf_that_can_be_rebuilt_says_so(tmp_path: Path) -> None:
    whole = made.pdf()
    result, _ = read(tmp_path, "a.pdf", whole[: whole.rindex(b"xref")])
    if result.found is None:
        assert result.problem == "library.damaged"
    else:
        assert result.found.remark == "library.maybe-incomplete"


def test_a_locked_pdf(tmp_path: Path) -> None:
    body = (
        made.pdf()
        .replace(
            b"/Root 1 0 R",
            b"/Root 1 0 R /Encrypt << /Filter /Standard /V 1 /R 2 /O <" + b"28" * 32 + b"> /U <" + b"11" * 32 + b"> /P -4 >>",
        )
        .replace(b"/Info", b"/ID [<00><00>] /Info")
    )
    result, _ = read(tmp_path, "a.pdf", body)
    assert result.problem == "library.encrypted"


def test_xml_entities_are_not_expanded(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>'
    body = io.BytesIO(made.epub())
    with zipfile.ZipFile(body) as archive:
        files = {info.filename: archive.read(info) for info in archive.infolist()}
    files["OEBPS/c0.xhtml"] = (
        bomb + '<html xmlns="http://www.w3.org/1999/xhtml"><body><p>chữ &b; &c; hết</p></body></html>'
    ).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    _, text = read(tmp_path, "a.epub", out.getvalue())
    assert "aaaa" not in text[0].text
    assert "root:" not in text[0].text
    assert text[0].text.startswith("chữ")


def test_long_chapters_are_cut_into_passages(tmp_path: Path) -> None:
    _, text = read(tmp_path, "a.epub", made.epub(chapters={"Dài": "từ " * 5000}))
    assert len(text) > 3
    assert max(len(p.text) for p in text) <= 4000
