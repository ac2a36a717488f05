"""A reader's marks in one item on one page: to look through, to print, to take along as text. Works without JavaScript."""

from urllib.parse import quote, urlencode

from aiohttp import web

from densach_core.text import Text, t
from densach_core.web.identity import me
from densach_core.web.keys import LANGUAGES
from densach_core.web.respond import see_other
from densach_core.web.routes import SIGNED_IN, Routes
from densach_core.web.speech import LOCALE
from densach_hub.library.files import file_name
from densach_hub.library.marks import Colour, Mark, MarkKind
from densach_hub.library.service import LIBRARY
from densach_hub.library.views import show

routes = Routes("library")
COLOURS: dict[Colour, Text] = {
    Colour.YELLOW: t("Yellow"),
    Colour.GREEN: t("Green"),
    Colour.BLUE: t("Blue"),
    Colour.PINK: t("Pink"),
}


def mark_path(mark: Mark) -> str:
    """The reader's address at a mark."""
    return f"/read/{mark.item}?{urlencode({'mark': mark.where})}"


def mark_name(mark: Mark) -> Text:
    return t("Bookmark") if mark.kind is MarkKind.BOOKMARK else COLOURS[mark.colour or Colour.YELLOW]


@routes.get("/items/{id}/marks", who=SIGNED_IN)
async def marks(request: web.Request) -> web.StreamResponse:
    library = request.app[LIBRARY]
    it = await library.item(request.match_info["id"])
    found = await library.marking.of(me(request).id, it.id)
    return show(
        request,
        "library/marks.html",
        title=t("Bookmarks and notes"),
        item=it,
        own=found,
        mark_path=mark_path,
        mark_name=mark_name,
    )


@routes.get("/items/{id}/marks.txt", who=SIGNED_IN)
async def marks_text(request: web.Request) -> web.StreamResponse:
    """The same as a text file, for the reader's own papers."""
    library = request.app[LIBRARY]
    it = await library.item(request.match_info["id"])
    say, locale = request.app[LANGUAGES].say, LOCALE.get()
    lines = [it.title, it.people, ""]
    for mark in await library.marking.of(me(request).id, it.id):
        lines.append(" · ".join(part for part in (mark.label, f"{mark.fraction:.0%}", say(mark_name(mark), locale)) if part))
        lines += [f"“{mark.quote}”" if mark.quote else "", mark.note, ""]
    text = "\r\n".join(line for n, line in enumerate(lines) if line or (n and lines[n - 1]))
    name = quote(f"{file_name(it).rpartition('.')[0]}.txt")
    return web.Response(
        body=text.encode("utf-8-sig"),
        content_type="text/plain",
        charset="utf-8",
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}", "Cache-Control": "no-store"},
    )


@routes.post("/items/{id}/marks/{mark}/remove", who=SIGNED_IN)
async def remove(request: web.Request) -> web.StreamResponse:
    library = request.app[LIBRARY]
    it = await library.item(request.match_info["id"])
    await library.marking.remove(me(request).id, it.id, request.match_info["mark"])
    return see_other(request, f"/items/{it.id}/marks", flash=t("Removed."))
