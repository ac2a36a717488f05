"""What is played and turned through: chapters, the pieces of an audiobook, subtitles, the pages of a comic, links outward."""

import asyncio
import os
import tempfile
from pathlib import Path
from urllib.parse import quote

import msgspec
from aiohttp import web

from densach_core.accounts.model import LIBRARIANS
from densach_core.accounts.service import AUDIT
from densach_core.errors import BadInput, NotFound
from densach_core.text import Text, t
from densach_core.web.identity import me
from densach_core.web.respond import see_other
from densach_core.web.routes import EVERYONE, Routes
from densach_hub.library.formats.archive import open_archive
from densach_hub.library.formats.comic import Pages, pages_of
from densach_hub.library.formats.link import web_address
from densach_hub.library.formats.recordings import MEDIA_TYPE, playing_order
from densach_hub.library.formats.subtitles import LIMIT, language_of
from densach_hub.library.formats.subtitles import MEDIA_TYPE as SUBTITLES
from densach_hub.library.model import Item, Kind
from densach_hub.library.parts import unless_unreadable
from densach_hub.library.sending import stored
from densach_hub.library.service import LIBRARY
from densach_hub.library.tracks import Track
from densach_hub.library.views import LANGUAGES, clock_words, show
from densach_hub.library.views import language_of as language_word

routes = Routes("library")


class Piece(msgspec.Struct, frozen=True):
    """One file of a recording: its address, and the second of the whole it begins at."""

    src: str
    start: int


class Told(msgspec.Struct, frozen=True):
    """Subtitles as a page offers them."""

    id: int
    language: str
    label: Text | str


async def play_page(request: web.Request, it: Item, values: dict[str, object]) -> web.Response:
    """A film or sound with its chapters and subtitles; several files play as one."""
    tracks = await request.app[LIBRARY].tracks.of(it.id) if it.kind is Kind.VIDEO else []
    files = await pieces_of(request, it)
    return show(
        request,
        "library/play.html",
        files=files,
        files_json=msgspec.json.encode(files).decode(),
        tracks=[told(track, number) for number, track in enumerate(tracks, 1)],
        clock=clock_words,
        **values,
    )


async def pieces_of(request: web.Request, it: Item) -> list[Piece]:
    """The files to be played, in order."""
    if it.media_type != MEDIA_TYPE:
        return [Piece(f"/items/{it.id}/file", 0)]
    path = request.app[LIBRARY].file_of(it)

    def look() -> tuple[str, ...]:
        with open_archive(path) as archive:
            return playing_order(archive)

    names = await unless_unreadable(look)
    starts = [heading.section for heading in it.headings if heading.depth == 0] if it.kind is Kind.AUDIO else [0]
    starts += [starts[-1] if starts else 0] * (len(names) - len(starts))
    return [Piece(f"/read/{it.id}/book/{quote(name)}", start) for name, start in zip(names, starts, strict=False)]


def told(track: Track, number: int) -> Told:
    label = track.label or language_word(track.language) or t("Subtitles {n}", n=number)
    return Told(track.id, (track.language or "und").partition("-")[0][:3], label)


@routes.get("/items/{id}/subtitles/{track}", who=EVERYONE)
async def subtitles(request: web.Request) -> web.StreamResponse:
    """Subtitles as WebVTT: written by us, whatever the file they came from was."""
    library = request.app[LIBRARY]
    it = await library.item(request.match_info["id"])
    path = await library.tracks.one(it.id, _number(request))
    headers = {
        "Content-Type": "text/vtt; charset=utf-8",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=60",
    }
    return stored(request, path, headers)


@routes.get("/read/{id}/pages", who=EVERYONE)
async def pages(request: web.Request) -> web.StreamResponse:
    """A comic's pages in order, and from which side it is read."""
    library = request.app[LIBRARY]
    it = await library.item(request.match_info["id"])
    if it.kind is not Kind.COMIC:
        raise NotFound("library.no-part", t("The book has no such part."))
    path = library.file_of(it)

    def look() -> Pages:
        with open_archive(path) as archive:
            return pages_of(archive)

    body = msgspec.json.encode(await unless_unreadable(look))
    return web.Response(body=body, content_type="application/json", headers={"Cache-Control": "private, max-age=3600"})


def link_page(request: web.Request, it: Item, values: dict[str, object]) -> web.Response:
    """Says where a link leads before anybody follows it. The address is what a person said of it, else what the file says."""
    address = web_address(it.source)
    return show(request, "library/link.html", address=address, host=address.split("/")[2] if address else "", **values)


@routes.get("/desk/items/{id}/subtitles", who=LIBRARIANS)
async def subtitles_desk(request: web.Request) -> web.StreamResponse:
    """The subtitles of a film, to be looked at, added and removed."""
    library = request.app[LIBRARY]
    it = await library.item(request.match_info["id"], hidden=True)
    tracks = [(track, told(track, number)) for number, track in enumerate(await library.tracks.of(it.id), 1)]
    return show(request, "library/desk_subtitles.html", title=t("Subtitles"), item=it, tracks=tracks, languages=LANGUAGES)


@routes.post("/desk/items/{id}/subtitles", who=LIBRARIANS, limit_bytes=LIMIT + 64 * 1024)
async def add_subtitles(request: web.Request) -> web.StreamResponse:
    """Subtitles (SRT, WebVTT) for a film, from the form field `subtitles`; in which language, from `language` or the name."""
    library = request.app[LIBRARY]
    it = await library.item(request.match_info["id"], hidden=True)
    form = await request.post()
    posted, said = form.get("subtitles"), form.get("language")
    if it.kind is not Kind.VIDEO:
        raise BadInput("library.no-film", t("Subtitles belong to films."))
    if not isinstance(posted, web.FileField) or not posted.filename:
        raise BadInput("library.no-file", t("No file was chosen."), t("Choose one or more files first."))
    body, name = await asyncio.to_thread(posted.file.read), posted.filename
    language = said if isinstance(said, str) and said in LANGUAGES else language_of(name)
    handle, temporary = tempfile.mkstemp(dir=library.uploads.folder, prefix="form-", suffix=".tmp")
    os.close(handle)
    path = Path(temporary)
    try:
        await asyncio.to_thread(path.write_bytes, body)
        async with library.cataloguer.extractor.read(path, name) as reading:
            found = reading.result.found
            brought = await asyncio.to_thread(reading.tracks)
            if found is None or found.media_type != SUBTITLES or not brought:
                raise BadInput("library.no-subtitles", t("These are no subtitles."), t("Choose an SRT or VTT file."))
            file = await asyncio.to_thread(library.vault.keep, brought[0][1])
    finally:
        await asyncio.to_thread(path.unlink, missing_ok=True)
    await library.tracks.add(it.id, file, language, None)
    await library.cataloguer.read_text(it)
    await request.app[AUDIT].note(by=me(request), what="library.subtitles-added", on=it.id, detail=name)
    return see_other(request, f"/desk/items/{it.id}/subtitles", flash=t("The film has these subtitles now."))


@routes.post("/desk/items/{id}/subtitles/{track}/remove", who=LIBRARIANS)
async def remove_subtitles(request: web.Request) -> web.StreamResponse:
    library = request.app[LIBRARY]
    it = await library.item(request.match_info["id"], hidden=True)
    await library.tracks.remove(it.id, _number(request))
    await library.cataloguer.read_text(it)
    await request.app[AUDIT].note(by=me(request), what="library.subtitles-removed", on=it.id)
    return see_other(request, f"/desk/items/{it.id}/subtitles", flash=t("The subtitles were removed."))


def _number(request: web.Request) -> int:
    said = request.match_info["track"]
    if not said.isascii() or not said.isdecimal() or len(said) > 15:
        raise NotFound("library.no-subtitles", t("There are no such subtitles."))
    return int(said)
