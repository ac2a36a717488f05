"""More tiny files made by the tests: Office and ODF with headings, comics, links, subtitles, chapters, lessons."""

import io
import struct
import zipfile
from collections.abc import Mapping
from pathlib import PurePosixPath

from tests.hub.library import made

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
A = "http://schemas.openxmlformats.org/drawingml/2006/main"
P = "http://schemas.openxmlformats.org/presentationml/2006/main"
S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
LINKS = "http://schemas.openxmlformats.org/package/2006/relationships"
ODF = "urn:oasis:names:tc:opendocument:xmlns"


def packed(files: Mapping[str, str | bytes], *, stored: bool = False) -> bytes:
    """A ZIP of these entries, the same bytes each time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, body in files.items():
            info = made.entry(name)
            info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            archive.writestr(info, body)
    return buffer.getvalue()


def links(*targets: tuple[str, str, str]) -> str:
    """Relationships: (id, kind, target)."""
    inner = "".join(f'<Relationship Id="{i}" Type="{R}/{kind}" Target="{target}"/>' for i, kind, target in targets)
    return f'<Relationships xmlns="{LINKS}">{inner}</Relationships>'


def core(title: str = "Giáo án", author: str = "Lê Văn C") -> str:
    return (
        '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>{title}</dc:title><dc:creator>{author}</dc:creator><cp:keywords>toán; lớp 6</cp:keywords></cp:coreProperties>"
    )


def docx_files() -> dict[str, str | bytes]:
    def paragraph(text: str, style: str = "") -> str:
        named = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
        return f"<w:p>{named}<w:r><w:t>{text}</w:t></w:r></w:p>"

    body = paragraph("Lời nói đầu") + paragraph("Mục tiêu", "Heading1") + paragraph("Học sinh biết cộng phân số.")
    body += paragraph("Tiến trình", "cp2") + f"<w:tbl><w:tr><w:tc>{paragraph('Khởi động')}</w:tc></w:tr></w:tbl>"
    styles = (
        f'<w:styles xmlns:w="{W}"><w:style w:styleId="cp2"><w:name w:val="Đề mục riêng"/><w:pPr><w:outlineLvl w:val="1"/></w:pPr>'
        "</w:style></w:styles>"
    )
    return {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": links(("r1", "officeDocument", "word/document2.xml")),
        "word/document2.xml": f'<?xml version="1.0"?><w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>',
        "word/styles.xml": styles,
        "word/vbaProject.bin": b"\xd0\xcf\x11\xe0 a macro nobody runs",
        "docProps/core.xml": core(),
        "docProps/thumbnail.jpeg": made.jpeg(),
    }


def pptx() -> bytes:
    def slide(title: str, text: str) -> str:
        return (
            f'<p:sld xmlns:p="{P}" xmlns:a="{A}"><p:cSld><p:spTree>'
            '<p:sp><p:nvSpPr><p:nvPr><p:ph type="title"/></p:nvPr></p:nvSpPr>'
            f"<p:txBody><a:p><a:r><a:t>{title}</a:t></a:r></a:p></p:txBody></p:sp>"
            f"<p:sp><p:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp></p:spTree></p:cSld></p:sld>"
        )

    return packed(
        {
            "[Content_Types].xml": "<Types/>",
            "ppt/presentation.xml": f'<p:presentation xmlns:p="{P}" xmlns:r="{R}"><p:sldIdLst><p:sldId id="256" r:id="b"/>'
            '<p:sldId id="257" r:id="a"/></p:sldIdLst></p:presentation>',
            "ppt/_rels/presentation.xml.rels": links(("a", "slide", "slides/slide1.xml"), ("b", "slide", "slides/slide10.xml")),
            "ppt/slides/slide1.xml": slide("Kết luận", "Cảm ơn các em"),
            "ppt/slides/slide10.xml": slide("Quang hợp", "Lá cây hấp thụ ánh sáng"),
            "docProps/core.xml": core("Bài giảng Sinh học", ""),
        }
    )


def xlsx() -> bytes:
    return packed(
        {
            "[Content_Types].xml": "<Types/>",
            "xl/workbook.xml": f'<workbook xmlns="{S}" xmlns:r="{R}"><sheets><sheet name="Điểm" sheetId="1" r:id="a"/>'
            '<sheet name="Ẩn" sheetId="2" state="hidden" r:id="b"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": links(
                ("a", "worksheet", "worksheets/sheet1.xml"), ("b", "worksheet", "/xl/worksheets/2.xml")
            ),
            "xl/sharedStrings.xml": f'<sst xmlns="{S}"><si><t>Họ tên</t></si>'
            "<si><r><t>Nguyễn </t></r><r><t>An</t></r></si></sst>",
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{S}"><sheetData><row><c t="s"><v>0</v></c><c t="s"><v>1</v></c>'
            '<c><v>9.5</v></c><c t="inlineStr"><is><t>giỏi</t></is></c><c t="s"><v>99</v></c></row></sheetData></worksheet>',
            "xl/worksheets/2.xml": f'<worksheet xmlns="{S}"><sheetData><row><c><v>secret</v></c></row></sheetData></worksheet>',
        }
    )


def odf(kind: str, inner: str, *, locked: bool = False) -> bytes:
    names = " ".join(f'xmlns:{name}="{ODF}:{full}:1.0"' for name, full in (
        ("office", "office"), ("text", "text"), ("draw", "drawing"), ("presentation", "presentation"), ("table", "table"),
    ))  # fmt: skip
    secret = '<m:file-entry m:full-path="content.xml"><m:encryption-data/></m:file-entry>' if locked else ""
    return packed(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "content.xml": f"<office:document-content {names}><office:body>{inner}</office:body></office:document-content>",
            "META-INF/manifest.xml": f'<m:manifest xmlns:m="{ODF}:manifest:1.0">{secret}</m:manifest>',
            "meta.xml": '<o:m xmlns:o="x"><dc:title xmlns:dc="http://purl.org/dc/elements/1.1/">Tên ODF</dc:title></o:m>',
        }
    )


def odt() -> bytes:
    return odf(
        "text",
        '<text:h text:outline-level="1">Chương I</text:h><text:p>Nước <text:span>Việt Nam</text:span></text:p>'
        '<text:h text:outline-level="2">Mục 1</text:h><text:p>Địa lý</text:p>',
    )


def comic(names: tuple[str, ...] = ("Trang 10.png", "trang 2.png", "Trang 1.png"), info: str = "") -> bytes:
    colours = ("#a00000", "#00a000", "#0000a0", "#a0a000", "#00a0a0")
    files: dict[str, str | bytes] = {name: made.png(200, 300, colours[n % 5]) for n, name in enumerate(names)}
    files["__MACOSX/._Trang 1.png"] = b"no picture"
    files["Thumbs.db"] = b"\xd0\xcf\x11\xe0"
    if info:
        files["ComicInfo.xml"] = f"<ComicInfo>{info}</ComicInfo>"
    return packed(files)


SRT = """1
00:00:01,000 --> 00:00:03,500
<font color="red">Xin chào</font> <i>các em</i>

2
00:01:05,000 --> 00:01:09,000
Hôm nay ta học về <script>alert(1)</script> quang hợp
{\\an8}ở cây xanh & lá
"""


def mp3_with_chapters(titles: tuple[str, ...] = ("Mở đầu", "Phần hai"), seconds: int = 10) -> bytes:
    def frame(name: bytes, body: bytes) -> bytes:
        return name + struct.pack(">I", len(body)) + b"\0\0" + body

    def text(said: str) -> bytes:
        return b"\x01" + said.encode("utf-16")

    tags = frame(b"TIT2", text("Dế Mèn phiêu lưu ký")) + frame(b"TALB", text("Truyện Tô Hoài"))
    for number, title in enumerate(titles):
        times = struct.pack(">IIII", number * 4000, (number + 1) * 4000, 0xFFFFFFFF, 0xFFFFFFFF)
        tags += frame(b"CHAP", b"ch%d\0" % number + times + frame(b"TIT2", text(title)))
    size = bytes(len(tags) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + size + tags + (b"\xff\xfb\x90\0" + b"\0" * 413) * (seconds * 38)


def mp4_with_text(lines: tuple[str, ...] = ("Xin chào", "Tạm biệt"), *, chapters: bool = False) -> bytes:
    """A film with a track of words (two seconds each): subtitles, or the chapters of the film's track."""
    box = made.box
    words = [struct.pack(">H", len(line.encode())) + line.encode() for line in lines]
    head = box(b"ftyp", b"isom\0\0\0\0isommp42")
    place = len(head) + 8

    def trak(number: int, handler: bytes, sample: bytes, tables: bytes = b"", more: bytes = b"") -> bytes:
        tkhd = box(b"tkhd", b"\0" * 12, struct.pack(">I", number), b"\0" * 64)
        mdhd = box(b"mdhd", b"\0" * 12, struct.pack(">II", 1000, 4000), struct.pack(">H", 0x5925), b"\0\0")
        hdlr = box(b"hdlr", b"\0" * 8, handler, b"\0" * 12)
        stsd = box(b"stsd", b"\0" * 8, box(sample, b"\0" * 8))
        return box(b"trak", tkhd, more, box(b"mdia", mdhd, hdlr, box(b"minf", box(b"stbl", stsd, tables))))

    tables = box(b"stts", struct.pack(">IIII", 0, 1, len(words), 2000))
    tables += box(b"stsc", struct.pack(">IIIII", 0, 1, 1, len(words), 1))
    tables += box(b"stsz", struct.pack(">III", 0, 0, len(words)), *[struct.pack(">I", len(word)) for word in words])
    tables += box(b"stco", struct.pack(">III", 0, 1, place))
    named = box(b"tref", box(b"chap", struct.pack(">I", 2))) if chapters else b""
    mvhd = box(b"mvhd", b"\0" * 12, struct.pack(">II", 1000, 4000), b"\0" * 80)
    moov = box(b"moov", mvhd, trak(1, b"vide", b"avc1", more=named), trak(2, b"sbtl", b"tx3g", tables))
    return head + box(b"mdat", *words) + moov


def nero_chapters(titles: tuple[str, ...]) -> bytes:
    """The box of Nero's chapters, ten seconds each."""
    listed = b"".join(struct.pack(">QB", n * 100_000_000, len(title.encode())) + title.encode() for n, title in enumerate(titles))
    return made.box(b"chpl", b"\x01\0\0\0\0\0\0\0", bytes([len(titles)]), listed)


def audiobook(names: tuple[str, ...] = ("10 Kết.mp3", "2 Giữa.mp3", "1 Đầu.mp3"), *, stored: bool = True) -> bytes:
    return packed({name: made.mp3(title=PurePosixPath(name).stem, seconds=4 + n) for n, name in enumerate(names)}, stored=stored)


LESSON_PAGE = """<!doctype html><html><head><title>Bài học</title><meta charset="utf-8"></head><body><p id="o">đang mở</p>
<p>Đồng dao và ca dao</p><script>
function find(w) { var n = 0; while (w.API == null && w.parent != null && w.parent != w && n++ < 20) w = w.parent; return w.API; }
var API = find(window.START === "parent" ? window.parent : window);
var said = [];
said.push("init=" + API.LMSInitialize(""));
said.push("entry=" + API.LMSGetValue("cmi.core.entry"));
said.push("status=" + API.LMSGetValue("cmi.core.lesson_status"));
said.push("suspend=" + API.LMSGetValue("cmi.suspend_data"));
said.push("score=" + API.LMSGetValue("cmi.core.score.raw"));
said.push("total=" + API.LMSGetValue("cmi.core.total_time"));
document.getElementById("o").textContent = said.join(" ");
function work() {
  var out = [];
  out.push(API.LMSSetValue("cmi.core.score.raw", "85"));
  out.push(API.LMSSetValue("cmi.core.lesson_status", "completed"));
  out.push(API.LMSSetValue("cmi.suspend_data", "trang=3;chữ=đ"));
  out.push(API.LMSSetValue("cmi.core.session_time", "00:01:30"));
  out.push(API.LMSSetValue("cmi.core.exit", "suspend"));
  out.push(API.LMSSetValue("cmi.core.student_id", "x") + API.LMSGetLastError());
  out.push(API.LMSSetValue("cmi.core.score.raw", "viele") + API.LMSGetLastError());
  out.push(API.LMSCommit(""));
  document.getElementById("o").textContent = "worked=" + out.join(",");
}
function finish() { document.getElementById("o").textContent = "finish=" + API.LMSFinish(""); }
</script></body></html>"""


def manifest(resources: str, items: str, *, title: str = "Ca dao lớp 6") -> str:
    return (
        '<?xml version="1.0"?><manifest identifier="m" xmlns="http://www.imsproject.org/xsd/imscp_rootv1p1p2" '
        'xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_rootv1p2"><metadata><schema>ADL SCORM</schema>'
        "<schemaversion>1.2</schemaversion></metadata>"
        f'<organizations default="o"><organization identifier="o"><title>{title}</title>{items}</organization></organizations>'
        f"<resources>{resources}</resources></manifest>"
    )


def lesson(page: str = LESSON_PAGE, *, folder: str = "", files: dict[str, str | bytes] | None = None, parts: int = 1) -> bytes:
    resources = "".join(
        f'<resource identifier="r{n}" type="webcontent" adlcp:scormtype="sco" href="BAI/Index{n}.html?lang=vi"/>'
        for n in range(parts)
    )
    items = "".join(f'<item identifier="i{n}" identifierref="r{n}"><title>Phần {n + 1}</title></item>' for n in range(parts))
    pages: dict[str, str | bytes] = {f"{folder}bai/index{n}.html": page for n in range(parts)}
    return packed({f"{folder}ImsManifest.xml": manifest(resources, items), **pages, **(files or {})})
