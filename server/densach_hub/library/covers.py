"""Drawn covers for what has none: the title in lines, the subject's colour. SVG, the same on every device."""

import re
from functools import lru_cache
from html import escape

import msgspec
from markupsafe import Markup

from densach_hub.library.subjects import tone_of

LINE = 13
MOST_LINES = 6
TONES = ("#1d4a92", "#8a3b12", "#0f6b66", "#4a3d8f", "#7a5b00", "#8c2f5b", "#2c6b2f", "#5b4636")
"""White text on each has a contrast of at least 5 : 1."""


class Drawn(msgspec.Struct, frozen=True):
    """A cover to draw: colour 0–7 and lines of the title."""

    tone: int
    lines: tuple[str, ...]


def drawn(title: str, subject: str | None) -> Drawn:
    return Drawn(tone_of(subject, title), lines_of(title))


def lines_of(title: str) -> tuple[str, ...]:
    """The title in at most six lines of about 13 letters; what does not fit ends in an ellipsis.

    Capitals are a third wider, so that numbers of documents (4725/QĐ-BGDĐT) stay on the cover; they break at - and /.
    """
    lines: list[str] = []
    glue = ""
    for word in title.split():
        for piece in re.split(r"(?<=[-/–])", word) if _width(word) > LINE else [word]:
            if lines and _width(lines[-1]) + len(glue) + _width(piece) <= LINE:
                lines[-1] += f"{glue}{piece}"
            else:
                lines.append(piece if _width(piece) <= LINE + 2 else f"{piece[: LINE - 1]}…")
            glue = ""
        glue = " "
    if len(lines) > MOST_LINES:
        lines = lines[:MOST_LINES]
        lines[-1] = f"{lines[-1][: LINE - 1]}…"
    return tuple(lines)


def _width(text: str) -> float:
    return sum(1.3 if ch.isupper() else 1.0 for ch in text)


@lru_cache(maxsize=1000)
def inline(title: str, subject: str | None) -> Markup:
    """A drawn cover as part of a page; its colours and letters are the style sheet's."""
    cover = drawn(title, subject)
    words = "".join(f'<text x="17" y="{66 + 21 * n}">{escape(line)}</text>' for n, line in enumerate(cover.lines))
    return Markup(  # noqa: S704 - every word in it was escaped above
        f'<svg class="cover cover--drawn tone-{cover.tone}" viewBox="0 0 150 200" aria-hidden="true">'
        '<rect class="cover__ground" width="150" height="200"/><rect class="cover__spine" width="7" height="200"/>'
        f'<circle class="cover__lamp" cx="27" cy="29" r="8"/>{words}</svg>'
    )


def svg(title: str, subject: str | None) -> str:
    """A drawn cover as a file of its own (reading apps)."""
    cover = drawn(title, subject)
    words = "".join(
        f'<text x="24" y="{110 + 34 * n}" font-family="Be Vietnam Pro,Noto Sans,sans-serif" font-size="25" font-weight="600" '
        f'fill="#fff">{escape(line)}</text>'
        for n, line in enumerate(cover.lines)
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 320" width="240" height="320">'
        f'<rect width="240" height="320" fill="{TONES[cover.tone]}"/><rect width="10" height="320" fill="#000" opacity=".18"/>'
        f'<circle cx="44" cy="50" r="13" fill="#f2a71b"/>{words}</svg>'
    )
