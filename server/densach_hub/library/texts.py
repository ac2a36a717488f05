"""The text of a document, part by part, for those whose file no browser opens: where a hit inside one is looked at."""

from aiohttp import web

from densach_core.web.respond import see_other
from densach_hub.library.model import Item
from densach_hub.library.query import marked, parse
from densach_hub.library.service import LIBRARY
from densach_hub.library.views import read_path, show

A_PAGE = 60
"""Passages (of at most 4,000 letters) on one page; whole parts, but for one that is longer than that."""

Pieces = tuple[tuple[str, bool], ...]


async def text_page(request: web.Request, it: Item, values: dict[str, object]) -> web.StreamResponse:
    """From part `?at=` (0) on, what `?q=` asks for marked. Without any text it leads to the item's page."""
    asked = request.query.get("at", "")
    at = int(asked) if asked.isdecimal() and len(asked) < 6 else 0
    words = request.query.get("q", "")[:200]
    found = await request.app[LIBRARY].finder.text(it.id, section=at, most=A_PAGE + 1)
    if not found and at == 0:
        return see_other(request, f"/items/{it.id}")
    last = found[-1].section if len(found) > A_PAGE else None
    shown = [one for one in found if last is None or one.section < last] or found[:A_PAGE]
    query = parse(words)
    parts: list[tuple[int, str | None, list[Pieces]]] = []
    for one in shown:
        text = one.text
        if not parts or parts[-1][0] != one.section:
            parts.append((one.section, one.label, []))
            text = text.removeprefix(one.label or "").lstrip()  # a chapter's text begins with its heading, which stands above it
        if text:
            parts[-1][2].append(marked(text, query) if words else ((text, False),))
    following = None if last is None else max(last, shown[-1].section + 1)
    return show(
        request,
        "library/read_text.html",
        **values,
        parts=parts,
        before=read_path(it.id, words=words) if at > 0 else None,
        after=None if following is None else read_path(it.id, section=following, words=words),
    )
