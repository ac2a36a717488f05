"""Writes PDF as a digitised book is made: each page a picture, with the same words under it as invisible text.

So every letter looks right without embedding fonts, and readers, search and screen readers find the words.
ISO 32000-1: text rendering mode 3 (9.3.6), ToUnicode (9.10.3).
"""

import zlib
from collections.abc import Sequence
from pathlib import Path

import msgspec
from PIL import Image, ImageDraw

from densach_demo.content.cover import INK, LAMP
from densach_demo.content.lettering import Lettering

WIDTH, HEIGHT = 1240, 1754
"""A4 at 150 dots an inch; the page itself is measured in points (595 × 842)."""
_SCALE = 595 / WIDTH
_MARGIN = 130


class Line(msgspec.Struct, frozen=True):
    """Words on a page: left end of the base line and width in pixels, and how high the letters are."""

    text: str
    x: float
    y: float
    width: float
    size: int


class Page:
    """A picture being drawn and the words that stand on it."""

    def __init__(self) -> None:
        self.image = Image.new("RGB", (WIDTH, HEIGHT), "white")
        self.draw = ImageDraw.Draw(self.image)
        self.lines: list[Line] = []
        self.y = float(_MARGIN + 40)

    def write(self, text: str, *, size: int = 30, bold: bool = False, fill: str = INK, indent: int = 0) -> None:
        """A paragraph at the present height, wrapped."""
        letters = Lettering(size, bold=bold)
        for line in letters.wrap(text, WIDTH - 2 * _MARGIN - indent):
            x = float(_MARGIN + indent)
            letters.draw(self.draw, (x, self.y), line, fill)
            self.lines.append(Line(line, x, self.y, letters.width(line), size))
            self.y += letters.leading
        self.y += size * 0.6

    def rule(self) -> None:
        self.draw.rectangle((_MARGIN, self.y - 20, _MARGIN + 180, self.y - 14), fill=LAMP)
        self.y += 30


def write_pdf(path: Path, pages: Sequence[Page], *, title: str, author: str, subject: str) -> None:
    objects: list[bytes] = []

    def add(content: bytes) -> int:
        objects.append(content)
        return len(objects)

    def stream(entries: str, data: bytes) -> bytes:
        return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries.encode(), len(data), data)

    letters = sorted({letter for page in pages for line in page.lines for letter in line.text})
    codes = {letter: number for number, letter in enumerate(letters, 1)}
    catalog, tree = add(b""), add(b"")
    unicode = add(stream("", _to_unicode(codes)))
    inner = add(
        b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Unseen /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity)"
        b" /Supplement 0 >> /DW 500 /FontDescriptor %d 0 R >>" % add(_DESCRIPTOR)
    )
    font = add(
        b"<< /Type /Font /Subtype /Type0 /BaseFont /Unseen /Encoding /Identity-H /DescendantFonts [%d 0 R]"
        b" /ToUnicode %d 0 R >>" % (inner, unicode)
    )
    kids = []
    for page in pages:
        picture = page.image.quantize(64)
        palette = bytes(picture.getpalette() or b"")[: 64 * 3].ljust(64 * 3, b"\0").hex()
        image = add(
            stream(
                f"/Type /XObject /Subtype /Image /Width {WIDTH} /Height {HEIGHT} /BitsPerComponent 8"
                f" /ColorSpace [/Indexed /DeviceRGB 63 <{palette}>] /Filter /FlateDecode",
                zlib.compress(picture.tobytes(), 9),
            )
        )
        content = add(stream("/Filter /FlateDecode", zlib.compress(_content(page, codes))))
        kids.append(
            add(
                b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 595 842] /Contents %d 0 R"
                b" /Resources << /XObject << /P %d 0 R >> /Font << /F %d 0 R >> >> >>" % (tree, content, image, font)
            )
        )
    facts = {"Title": title, "Author": author, "Subject": subject, "Producer": "Đèn Sách"}
    info = add(f"<< {' '.join(f'/{key} {_string(value)}' for key, value in facts.items())} >>".encode())
    objects[catalog - 1] = b"<< /Type /Catalog /Pages %d 0 R /Lang (vi) >>" % tree
    listed = b" ".join(b"%d 0 R" % kid for kid in kids)
    objects[tree - 1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (listed, len(kids))
    path.write_bytes(_file(objects, catalog, info))


_DESCRIPTOR = (
    b"<< /Type /FontDescriptor /FontName /Unseen /Flags 32 /FontBBox [0 -200 1000 900] /ItalicAngle 0 /Ascent 900"
    b" /Descent -200 /CapHeight 700 /StemV 80 >>"
)


def _file(objects: Sequence[bytes], catalog: int, info: int) -> bytes:
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R >>\n" % (len(objects) + 1, catalog, info)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)


def _content(page: Page, codes: dict[str, int]) -> bytes:
    out = ["q 595 0 0 842 0 0 cm /P Do Q"]
    for line in page.lines:
        hexadecimal = "".join(f"{codes[letter]:04X}" for letter in line.text)
        size = line.size * _SCALE
        # Every unseen letter is half its size wide; stretched so that the line is as long as the drawn one.
        stretch = 100 * (line.width * _SCALE) / (0.5 * size * len(line.text))
        place = f"1 0 0 1 {line.x * _SCALE:.2f} {842 - line.y * _SCALE:.2f} Tm"
        out.append(f"BT 3 Tr /F {size:.2f} Tf {stretch:.2f} Tz {place} <{hexadecimal}> Tj ET")
    return "\n".join(out).encode()


def _to_unicode(codes: dict[str, int]) -> bytes:
    pairs = [f"<{code:04X}> <{letter.encode('utf-16-be').hex().upper()}>" for letter, code in codes.items()]
    blocks = [pairs[at : at + 100] for at in range(0, len(pairs), 100)]
    body = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Unseen def /CMapType 2 def\n"
        f"1 begincodespacerange <0000> <FFFF> endcodespacerange\n{body}\nendcmap end end"
    ).encode()


def _string(text: str) -> str:
    return "<FEFF" + text.encode("utf-16-be").hex().upper() + ">"
