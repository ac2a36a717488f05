"""Letters on pictures: Be Vietnam Pro comes as subsets for browsers, so each letter is drawn from the one that has it."""

from pathlib import Path

from PIL import ImageDraw, ImageFont

import densach_core

_FOLDER = Path(densach_core.__file__).parent / "static" / "vendor" / "@fontsource" / "be-vietnam-pro"
_VIETNAMESE = (
    (0x0102, 0x0103), (0x0110, 0x0111), (0x0128, 0x0129), (0x0168, 0x0169), (0x01A0, 0x01A1), (0x01AF, 0x01B0),
    (0x0300, 0x0301), (0x0303, 0x0304), (0x0308, 0x0309), (0x0323, 0x0323), (0x1EA0, 0x1EF9), (0x20AB, 0x20AB),
)  # fmt: skip
"""The range the font's makers gave to the Vietnamese subset."""


class Lettering:
    """One size and weight. Without the browser files Pillow's own letters are used, which lack Vietnamese marks."""

    def __init__(self, size: int, *, bold: bool = False) -> None:
        weight = 600 if bold else 400
        names = [f"be-vietnam-pro-{part}-{weight}-normal.woff2" for part in ("latin", "vietnamese")]
        self._fonts: list[ImageFont.FreeTypeFont | ImageFont.ImageFont]
        if all((_FOLDER / name).is_file() for name in names):
            self._fonts = [ImageFont.truetype(_FOLDER / name, size) for name in names]
        else:
            self._fonts = [ImageFont.load_default(size)] * 2
        self.size = size
        self.leading = round(size * 1.55)

    def _font(self, letter: str) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
        code = ord(letter)
        return self._fonts[1 if any(low <= code <= high for low, high in _VIETNAMESE) else 0]

    def width(self, text: str) -> float:
        return float(sum(self._font(letter).getlength(letter) for letter in text))

    def wrap(self, text: str, width: float) -> list[str]:
        lines: list[str] = []
        line = ""
        for word in text.split():
            longer = f"{line} {word}".strip()
            if line and self.width(longer) > width:
                lines.append(line)
                line = word
            else:
                line = longer
        return [*lines, line] if line else lines

    def draw(self, on: ImageDraw.ImageDraw, at: tuple[float, float], text: str, fill: str) -> None:
        """`at` is the left end of the base line, in pixels."""
        x, y = at
        for letter in text:
            font = self._font(letter)
            if isinstance(font, ImageFont.FreeTypeFont):
                on.text((x, y), letter, font=font, fill=fill, anchor="ls")
            else:
                on.text((x, y - self.size), letter, font=font, fill=fill)
            x += font.getlength(letter)
