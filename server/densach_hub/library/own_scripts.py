"""Scripts of ours among what nobody vouches for: put into pages of packages, and served on the packages' origin."""

import re
from pathlib import Path

LESSON = "/lesson-api.js"
WORDS = "/mark-words.js"
STATIC = Path(__file__).parent / "static"
SCRIPTS = {name: STATIC / name[1:] for name in (LESSON, WORDS, "/fold.js")}
"""Address on the packages' origin → file."""

_HEAD = re.compile(rb"<head(?:\s[^>]{0,1000})?>", re.IGNORECASE)
_HTML = re.compile(rb"<html(?:\s[^>]{0,1000})?>", re.IGNORECASE)
_DOCTYPE = re.compile(rb"<!doctype[^>]{0,1000}>", re.IGNORECASE)


def with_script(page: bytes, name: str, *, module: bool = False) -> bytes:
    """The page (HTML, in whatever letters) with one of our scripts before all of its own."""
    kind = ' type="module"' if module else ""
    call = f'<script{kind} src="{name}"></script>'.encode()
    for mark in (_HEAD, _HTML, _DOCTYPE):
        if (match := mark.search(page[:65_536])) is not None:
            return page[: match.end()] + call + page[match.end() :]
    return call + page
