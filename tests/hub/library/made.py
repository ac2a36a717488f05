"""Tiny real files, made by the tests themselves: one per kind and one per trap."""

import io
import struct
import wave
import zipfile
import zlib
from pathlib import Path

from PIL import Image

CONTAINER = (
    '<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
TITLE = "Đại số 10: phương trình"
CHAPTERS = {
    "Chương một": "Phương trình bậc hai có dạng ax² + bx + c = 0. Đồng thời xét dấu của biệt thức.",
    "Chương hai": "Hệ phương trình và cách giải. École, straße, cœur, Łódź là những từ khó tìm.",
}


def epub(
    title: str = TITLE,
    chapters: dict[str, str] | None = None,
    *,
    head: str = "",
    body: str = "",
    metadata: str = "",
    files: dict[str, bytes] | None = None,
    cover: bool = True,
) -> bytes:
    """An EPUB 3. `head` and `body` are raw XHTML put into every chapter; `files` further entries."""
    texts = chapters if chapters is not None else CHAPTERS
    names = [f"c{n}.xhtml" for n in range(len(texts))]
    items = "".join(f'<item id="c{n}" href="{name}" media-type="application/xhtml+xml"/>' for n, name in enumerate(names))
    items += "".join(f'<item id="f{n}" href="{name}" media-type="{kind_of(name)}"/>' for n, name in enumerate(files or {}))
    if cover:
        items += '<item id="cover" href="cover.png" media-type="image/png" properties="cover-image"/>'
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(names)))
    links = "".join(f'<li><a href="{name}">{label}</a></li>' for name, label in zip(names, texts, strict=True))
    opf = (
        '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">urn:isbn:9786040000000</dc:identifier>'
        f'<dc:title>{title}</dc:title><dc:creator id="a">Nguyễn Văn Ánh</dc:creator><dc:language>vi</dc:language>'
        f"<dc:publisher>NXB Thử</dc:publisher><dc:date>2024-09-05</dc:date><dc:subject>Toán</dc:subject>{metadata}</metadata>"
        f'<manifest>{items}<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/></manifest>'
        f"<spine>{spine}</spine></package>"
    )
    nav = (
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><head><title>nav</title></head>'
        f'<body><nav epub:type="toc"><ol>{links}</ol></nav></body></html>'
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("mimetype"), "application/epub+zip")
        archive.writestr(entry("META-INF/container.xml"), CONTAINER)
        archive.writestr(entry("OEBPS/book.opf"), opf)
        archive.writestr(entry("OEBPS/nav.xhtml"), nav)
        for name, (label, text) in zip(names, texts.items(), strict=True):
            archive.writestr(entry(f"OEBPS/{name}"), page(label, text, head=head, body=body))
        if cover:
            archive.writestr(entry("OEBPS/cover.png"), png())
        for name, content in (files or {}).items():
            archive.writestr(entry(f"OEBPS/{name}"), content)
    return buffer.getvalue()


def entry(name: str) -> zipfile.ZipInfo:
    """Dated 1980, so that the same book is the same bytes."""
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def page(label: str, text: str, *, head: str = "", body: str = "") -> str:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>{label}</title>{head}'
        f"</head><body><h1>{label}</h1><p>{text}</p>{body}</body></html>"
    )


def kind_of(name: str) -> str:
    kinds = {"js": "text/javascript", "svg": "image/svg+xml", "css": "text/css", "png": "image/png", "woff2": "font/woff2"}
    return kinds.get(name.rsplit(".", 1)[-1], "application/xhtml+xml")


def pdf(pages: list[str] | None = None, title: str = "Hướng dẫn", author: str = "Trần Thị Bình") -> bytes:
    """A PDF 1.4 with text in Helvetica (letters of Latin 1 only)."""
    texts = pages if pages is not None else ["Trang mot noi ve den", "Trang hai noi ve sach giao khoa"]
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids = []
    for text in texts:
        stream = f"BT /F1 24 Tf 72 700 Td ({text}) Tj ET".encode("latin-1", "replace")
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>"
            % len(objects)
        )
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), len(kids))
    info = {"Title": title, "Author": author, "CreationDate": "D:20240915080000Z"}
    objects.append(b"<< " + b" ".join(b"/%s %s" % (k.encode(), _pdf_text(v)) for k, v in info.items()) + b" >>")
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(objects), start)
    return bytes(out)


def _pdf_text(text: str) -> bytes:
    return b"<" + (b"\xfe\xff" + text.encode("utf-16-be")).hex().encode() + b">"


def png(width: int = 60, height: int = 80, colour: str = "#1d4a92") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "PNG")
    return buffer.getvalue()


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((160, 120), 60).convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()


def box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", len(body) + 8, name) + body


def mp4(title: str = "Thí nghiệm", seconds: int = 90, *, video: bool = True, cut: int = 0, filler: int = 64) -> bytes:
    """An MP4 whose header is right and whose media is filler; `cut` takes bytes off its end."""
    mvhd = box(b"mvhd", b"\0" * 12, struct.pack(">II", 1000, seconds * 1000), b"\0" * 80)
    hdlr = box(b"hdlr", b"\0" * 8, b"vide" if video else b"soun", b"\0" * 12)
    stsd = box(b"stsd", b"\0" * 8, box(b"avc1" if video else b"mp4a", b"\0" * 8))
    trak = box(b"trak", box(b"mdia", hdlr, box(b"minf", box(b"stbl", stsd))))
    data = box(b"data", struct.pack(">II", 1, 0), title.encode())
    meta = box(b"meta", b"\0" * 4, box(b"hdlr", b"\0" * 24), box(b"ilst", box(b"\xa9nam", data)))
    whole = box(b"ftyp", b"isom\0\0\0\0isommp42") + box(b"moov", mvhd, trak, box(b"udta", meta)) + box(b"mdat", b"\0" * filler)
    return whole[: len(whole) - cut]


def webm(title: str = "Quay chậm", seconds: float = 12.5) -> bytes:
    def element(name: int, body: bytes) -> bytes:
        length = (name.bit_length() + 7) // 8
        return name.to_bytes(length, "big") + (0x0100000000000000 | len(body)).to_bytes(8, "big") + body

    info = element(0x2AD7B1, (1_000_000).to_bytes(3, "big")) + element(0x4489, struct.pack(">d", seconds * 1000))
    info += element(0x7BA9, title.encode())
    track = element(0xAE, element(0x83, b"\x01") + element(0x86, b"V_VP9"))
    segment = element(0x1549A966, info) + element(0x1654AE6B, track) + element(0x1F43B675, b"")
    return element(0x1A45DFA3, element(0x4282, b"webm")) + element(0x18538067, segment)


def mp3(title: str = "Bài hát", artist: str = "Đội văn nghệ", seconds: int = 10) -> bytes:
    def frame(name: bytes, text: str) -> bytes:
        body = b"\x01" + text.encode("utf-16")
        return name + struct.pack(">I", len(body)) + b"\0\0" + body

    tags = frame(b"TIT2", title) + frame(b"TPE1", artist)
    size = len(tags)
    syncsafe = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + syncsafe + tags + (b"\xff\xfb\x90\0" + b"\0" * 413) * (seconds * 38)


def ogg(title: str = "Đọc truyện", seconds: int = 7) -> bytes:
    def ogg_page(granule: int, body: bytes) -> bytes:
        return b"OggS\0\0" + struct.pack("<qIII", granule, 1, 0, 0) + b"\x01" + bytes([min(len(body), 255)]) + body

    comment = f"TITLE={title}".encode()
    head = b"OpusHead\x01\x01\0\0" + struct.pack("<I", 48000) + b"\0\0\0"
    tags = b"OpusTags" + struct.pack("<I", 4) + b"test" + struct.pack("<I", 1) + struct.pack("<I", len(comment)) + comment
    return ogg_page(0, head) + ogg_page(0, tags) + ogg_page(seconds * 48000, b"\0" * 20)


def wav(seconds: int = 2) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(b"\x80" * 8000 * seconds)
    return buffer.getvalue()


def flac(seconds: int = 3) -> bytes:
    info = b"\x10\0\x10\0" + b"\0" * 6 + ((44100 << 44) | (seconds * 44100)).to_bytes(8, "big") + b"\0" * 16
    return b"fLaC\x80\0\0\x22" + info


def simulation(
    title: str = "Con lắc", page_: str | None = None, *, folder: str = "", files: dict[str, str] | None = None
) -> bytes:
    html = page_ or f"<!doctype html><html lang='vi'><head><title>{title}</title></head><body><p>Kéo con lắc</p></body></html>"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{folder}index.html", html)
        for name, content in (files or {}).items():
            archive.writestr(f"{folder}{name}", content)
    return buffer.getvalue()


def docx(text: str = "Kế hoạch bài dạy môn Tin học") -> bytes:
    w = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(
            "word/document.xml",
            f'<w:document xmlns:w="{w}"><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>',
        )
        archive.writestr(
            "docProps/core.xml",
            '<cp xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Giáo án</dc:title><dc:creator>Lê Văn C</dc:creator></cp>',
        )
    return buffer.getvalue()


def odt(text: str = "Biên bản họp tổ") -> bytes:
    space = "urn:oasis:names:tc:opendocument:xmlns"
    names = f'xmlns:office="{space}:office:1.0" xmlns:text="{space}:text:1.0"'
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("content.xml", f"<office:d {names}><text:p><text:span>{text}</text:span></text:p></office:d>")
    return buffer.getvalue()


def zip_bomb() -> bytes:
    """Says that it unpacks to 3 GB: 3 entries of zeros, deflated, the same stream each."""
    size = 1024**3
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = b"\0" * (1 << 20)
    stream = b"".join(packer.compress(block) for _ in range(8)) + packer.flush()
    out = io.BytesIO()
    places = []
    for n in range(3):
        places.append(out.tell())
        name = b"index.html" if n == 0 else b"z%d" % n
        out.write(struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 8, 0, 0, 0, len(stream), size, len(name), 0) + name + stream)
    start = out.tell()
    for n, place in enumerate(places):
        name = b"index.html" if n == 0 else b"z%d" % n
        out.write(
            struct.pack(
                "<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, 0, len(stream), size, len(name), 0, 0, 0, 0, 0, place
            )
            + name
        )
    end = out.tell()
    out.write(struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 3, 3, end - start, start, 0))
    return out.getvalue()


def zip_outside() -> bytes:
    """An EPUB with an entry that would be written two folders up."""
    buffer = io.BytesIO(epub())
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("../../etc/cron.d/evil", "* * * * * root true")
    return buffer.getvalue()


def put(folder: Path, name: str, body: bytes) -> Path:
    path = folder / name
    path.write_bytes(body)
    return path
