"""One small file for each trap, through the reading process as the hub starts it: a reason each time, in time, within memory."""

import io
import re
import struct
import time
import zipfile
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests.hub.library import catalogues, made, made_formats

from densach_core.errors import BadInput
from densach_hub.library.exchange.reading import reading
from densach_hub.library.extraction import Extractor
from densach_hub.library.import_words import CODES
from densach_hub.library.reasons import REASONS

LONGEST_S = 30.0
MOST_KB = 500 * 1024
FINE = "fine"
LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {after} "{f"&{before};" * 10}">' for before, after in zip("abcdefgh", "bcdefghi", strict=True)
) + "]>"  # fmt: skip
OUTSIDE = '<!DOCTYPE x [<!ENTITY i SYSTEM "file:///etc/passwd"><!ENTITY j SYSTEM "http://127.0.0.1:9/">]>'


def zipped(files: dict[str, bytes], *, change: Callable[[zipfile.ZipInfo], None] = lambda _: None, level: int = 9) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, body in files.items():
            info = made.entry(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            change(info)
            archive.writestr(info, body)
    return buffer.getvalue()


def unzipped(body: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def with_part(body: bytes, pattern: str, change: Callable[[bytes], bytes]) -> bytes:
    """A package in which the parts so called are changed."""
    return zipped({n: change(b) if re.search(pattern, n) else b for n, b in unzipped(body).items()})


def locked(body: bytes) -> bytes:
    """Every entry says that it is encrypted."""

    def lock(match: re.Match[bytes]) -> bytes:
        at = 6 if match[0].startswith(b"PK\x03\x04") else 8
        whole = bytearray(match[0])
        whole[at] |= 1
        return bytes(whole)

    return re.sub(rb"PK(?:\x03\x04.{4}|\x01\x02.{8})", lock, body, flags=re.DOTALL)


def png(width: int, height: int) -> bytes:
    """A picture that is a few bytes here and gigabytes unpacked."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 10_000_000)) + chunk(b"IEND", b"")


def pdf_bomb() -> bytes:
    """A page whose stream is 300 MB of drawing, packed three times over."""
    stream = b"0 0 m 1 1 l S " * 1_000_000 * 20
    for _ in range(3):
        stream = zlib.compress(stream, 9)
    filters = b"[/FlateDecode/FlateDecode/FlateDecode]"
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 100000 100000]/Contents 4 0 R>>",
        b"<</Length %d/Filter%s>>stream\n%s\nendstream" % (len(stream), filters, stream),
    ]  # fmt: skip
    body, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(body))
        body += b"%d 0 obj%s\nendobj\n" % (number, part)
    table = b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    return body + table + b"trailer<</Root 1 0 R/Size 5>>\nstartxref\n%d\n%%%%EOF" % len(body)


def pdf_in_a_circle() -> bytes:
    catalogue = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    return catalogue + b"2 0 obj<</Type/Pages/Kids[2 0 R 2 0 R]/Count 9>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"


def symlink(info: zipfile.ZipInfo) -> None:
    info.create_system, info.external_attr = 3, 0o120777 << 16


def deep(tag: str, depth: int) -> bytes:
    return (f"<{tag}>" * depth + "x" + f"</{tag}>" * depth).encode()


def docx(inner: bytes) -> bytes:
    files = {name: body.encode() if isinstance(body, str) else body for name, body in made_formats.docx_files().items()}
    return zipped({**files, "word/document2.xml": inner})


W = f'<w:document xmlns:w="{made_formats.W}"><w:body>'.encode()
TRAPS: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "empty": ("a.epub", lambda: b"", "library.empty"),
    "rubbish behind PK": ("a.epub", lambda: b"PK\x03\x04" + b"rac " * 500, "library.damaged"),
    "letters P and K": ("a.epub", lambda: b"PK rac " * 500, "library.only-text"),
    "a ZIP of something": ("a.epub", lambda: zipped({"ghi-chu.txt": b"x"}), "library.unknown-zip"),
    "an empty ZIP": ("a.epub", lambda: b"PK\x05\x06" + b"\0" * 18, "library.unknown-zip"),
    "an error page as PDF": ("a.pdf", lambda: b"<!doctype html><html><body>404</body></html>", "library.only-text"),
    "text as a film": ("a.mp4", lambda: "Không có phim".encode(), "library.only-text"),
    "text as ZIM": ("a.zim", lambda: b"ZIM", "library.only-text"),
    "an old document of nothing": ("a.doc", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rac", "library.damaged"),
    "locked EPUB": ("a.epub", lambda: locked(made.epub()), "library.encrypted"),
    "locked comic": ("a.cbz", lambda: locked(made_formats.comic()), "library.encrypted"),
    "locked lesson": ("a.zip", lambda: locked(made_formats.lesson()), "library.encrypted"),
    "EPUB without its package": ("a.epub", lambda: zipped(
        {n: b for n, b in unzipped(made.epub()).items() if not n.endswith(".opf")}), "library.missing-part"),
    "EPUB without chapters": ("a.epub", lambda: with_part(
        made.epub(), r"\.opf$", lambda b: re.sub(rb"<itemref[^>]*>", b"", b)), "library.no-chapters"),
    "lesson without pages": ("a.zip", lambda: zipped({"imsmanifest.xml": b"<manifest/>"}), "library.missing-part"),
    "a ZIP in a ZIP": ("a.zip", lambda: zipped({"a.zip": made_formats.lesson()}), "library.nested-zip"),
    "path out": ("a.epub", lambda: zipped({**unzipped(made.epub()), "../../etc/cron.d/x": b"x"}), "library.zip-path"),
    "absolute name": ("a.cbz", lambda: zipped({"/etc/passwd.jpg": made.jpeg()}), "library.zip-path"),
    "drive letter": ("a.cbz", lambda: zipped({"C:/a.jpg": made.jpeg()}), "library.zip-path"),
    "many entries": ("a.cbz", lambda: zipped({f"{n}.jpg": b"" for n in range(20_001)}, level=0), "library.zip-too-many"),
    "ZIP bomb": ("a.epub", lambda: zipped({**unzipped(made.epub()), "bomb": bytes(300_000_000)}, level=1), "library.zip-bomb"),
    "part too large": ("a.epub", lambda: with_part(
        made.epub(), r"\.opf$", lambda b: b + b" " * 40_000_000), "library.part-too-large"),
    "PNG bomb": ("a.png", lambda: png(60_000, 60_000), "library.picture-too-large"),
    "PNG bomb as cover": ("a.cbz", lambda: zipped({"1.png": png(60_000, 60_000)}), "library.damaged"),
    "PDF in a circle": ("a.pdf", pdf_in_a_circle, FINE),
    "PDF bomb": ("a.pdf", pdf_bomb, "library.reader-out-of-memory"),
    "entities in a package": ("a.epub", lambda: with_part(
        made.epub(), r"\.opf$", lambda b: re.sub(rb"(<\?xml[^>]*>)?", rb"\1" + LAUGHS.encode(), b, count=1)
        .replace(b"</dc:title>", b"&i;</dc:title>")), "library.no-chapters"),
    "entities from outside": ("a.docx", lambda: docx(OUTSIDE.encode() + W + b"<w:p><w:r><w:t>&i;&j;</w:t></w:r></w:p>"
        b"</w:body></w:document>"), FINE),
    "entities in a document": ("a.docx", lambda: docx(LAUGHS.encode() + W + b"<w:p><w:r><w:t>&i;</w:t></w:r></w:p>"
        b"</w:body></w:document>"), FINE),
    "a deep document": ("a.docx", lambda: docx(W + deep("w:p", 200_000) + b"</w:body></w:document>"), FINE),
    "a deep chapter": ("a.epub", lambda: with_part(made.epub(), r"\.x?html$", lambda b: deep("div", 200_000)), FINE),
    "a deep manifest": ("a.zip", lambda: with_part(
        made_formats.lesson(), "(?i)imsmanifest", lambda b: deep("item", 100_000)), "library.missing-part"),
}  # fmt: skip


@pytest.fixture
async def extractor(tmp_path: Path) -> AsyncIterator[Extractor]:
    async with Extractor(tmp_path / "scratch", wall_seconds=LONGEST_S * 3) as opened:
        yield opened


async def outcome(extractor: Extractor, folder: Path, name: str, body: bytes) -> str:
    """The code; and how long it took of the process's own time, what memory it took at most."""
    path = made.put(folder, "stored", body)
    begun = time.monotonic()
    async with extractor.read(path, name) as read:
        result = read.result
        process = extractor._process
        if process is not None:
            status = Path(f"/proc/{process.pid}/status").read_text()
            peak = int(re.search(r"VmHWM:\s+(\d+)", status)[1])  # type: ignore[index]
            assert peak < MOST_KB, (name, peak)
    assert time.monotonic() - begun < LONGEST_S
    assert result.problem is None or result.problem in REASONS, result
    return FINE if result.found is not None else str(result.problem)


async def test_every_trap_has_its_reason_and_hurts_nobody(extractor: Extractor, tmp_path: Path) -> None:
    told = {}
    for trap, (name, body, expected) in TRAPS.items():
        found = await outcome(extractor, tmp_path, name, body())
        if trap == "PDF bomb" and found == "library.reader-crashed":
            continue  # it asked for all its memory at once: nobody saw it grow
        if found != expected:
            told[trap] = (expected, found)
    assert told == {}


@pytest.mark.parametrize("encoding", ["cp437", "viscii", "utf-8", "cp1258"])
async def test_names_in_old_letters(extractor: Extractor, tmp_path: Path, encoding: str) -> None:
    """Old programs write names in their own table and do not say which."""
    raw = {"viscii": b"Trang \xb0\xa4\xd5.jpg", "cp1258": b"Trang \xf0\xe2\xfe.jpg"}.get(encoding)
    name = raw or "Trang đầu é.jpg".encode("utf-8" if encoding == "utf-8" else "cp437", "replace").replace(b"?", b"_")
    body = zipped({"x" * len(name): made.jpeg(), "b.jpg": made.jpeg()}).replace(b"x" * len(name), name)
    assert await outcome(extractor, tmp_path, "a.cbz", body) == FINE


async def test_links_in_a_package_are_bytes_and_lead_nowhere(extractor: Extractor, tmp_path: Path) -> None:
    body = zipped({"index.html": b"/etc/passwd"}, change=symlink)
    assert await outcome(extractor, tmp_path, "a.zip", body) == FINE
    async with extractor.read(made.put(tmp_path, "stored", body), "a.zip") as read:
        assert b"root:" not in (read.folder / "text.jsonl").read_bytes()


def sheet_bomb() -> bytes:
    rows = b"<row><c t='inlineStr'><is><t>Nhan de</t></is></c></row>"
    rows += b"<row><c t='inlineStr'><is><t>" + b"x" * 100_000 + b"</t></is></c></row>"
    files = {n: b for n, b in unzipped(made_formats.xlsx()).items() if "sheet1" not in n}
    start = f'<worksheet xmlns="{made_formats.S}"><sheetData>'.encode()
    return zipped({**files, "xl/worksheets/sheet1.xml": start + rows + b"<row/>" * 40_000_000}, level=1)


def wide_sheet() -> bytes:
    files = {n: b for n, b in unzipped(made_formats.xlsx()).items() if "sheet1" not in n}
    cells = b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    return zipped({**files, "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{made_formats.S}"><sheetData>'.encode() + cells
                   + b"</sheetData></worksheet>"})  # fmt: skip


CATALOGUES: dict[str, tuple[Callable[[], bytes], set[str]]] = {
    "sheet bomb": (sheet_bomb, {"import.out-of-memory", "import.no-header", "import.not-readable", "import.reader-crashed"}),
    "two cells far apart": (wide_sheet, {"import.out-of-memory", "import.not-readable", "import.reader-crashed"}),
    "XML of entities": (lambda: f"{LAUGHS}<collection><record><leader>&i;</leader></record></collection>".encode(), {FINE}),
    "XML from outside": (lambda: f"{OUTSIDE}<collection><record>&i;&j;</record></collection>".encode(), {FINE}),
    "deep XML": (lambda: deep("record", 100_000), {FINE}),
    "one field for ever": (lambda: catalogues.marc("1", "x")[:-1] + b"y" * 80_000_000, {FINE, "import.not-readable"}),
    "half a workbook": (lambda: made_formats.xlsx()[:700], {"import.not-readable"}),
    "no catalogue": (lambda: bytes(range(256)) * 50, {"import.encoding", "import.no-header"}),
}


@pytest.mark.parametrize("name", CATALOGUES)
async def test_catalogues_cannot_hurt_the_hub(tmp_path: Path, name: str) -> None:
    body, expected = CATALOGUES[name]
    path = made.put(tmp_path, "catalogue", body())
    begun = time.monotonic()
    try:
        async with reading(path) as source:
            lines = await source.take(1_000)
            status = Path(f"/proc/{source.process_id}/status").read_text()
            match = re.search(r"VmHWM:\s+(\d+)", status)
            assert match is None or int(match[1]) < MOST_KB
            assert all("root:" not in repr(line) for line in lines)
        found = FINE
    except BadInput as problem:
        found = problem.code
        assert found in CODES
    assert found in expected, found
    assert time.monotonic() - begun < LONGEST_S
