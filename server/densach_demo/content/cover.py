"""Covers: a lamp over an open book, title and author, in the colours of the house."""

import io

from PIL import Image, ImageDraw

from densach_demo.content.lettering import Lettering

PAPER, INK, LAMP = "#fbf8f1", "#1d2a44", "#d98e04"


def cover(title: str, author: str, *, ground: str = INK) -> bytes:
    """A PNG of 600 × 800 pixels."""
    image = Image.new("RGB", (600, 800), ground)
    draw = ImageDraw.Draw(image)
    draw.ellipse((225, 90, 375, 240), fill=LAMP)
    draw.rectangle((285, 235, 315, 290), fill=LAMP)
    draw.polygon([(300, 330), (120, 290), (120, 400), (300, 440)], fill=PAPER)
    draw.polygon([(300, 330), (480, 290), (480, 400), (300, 440)], fill="#efe7d3")
    large, small = Lettering(52, bold=True), Lettering(26)
    y = 540.0
    for line in large.wrap(title, 500):
        large.draw(draw, (50, y), line, PAPER)
        y += large.leading
    small.draw(draw, (50, 750), author, PAPER)
    out = io.BytesIO()
    image.quantize(32).save(out, "PNG", optimize=True)
    return out.getvalue()
