"""The librarian's desk: bring files in, see what became of them, withdraw. Nothing is ever deleted silently."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from aiohttp import BodyPartReader, web

from densach_core.accounts.audit import AUDIT
from densach_core.accounts.model import LIBRARIANS
from densach_core.errors import BadInput, Problem
from densach_core.text import Text, t, tn
from densach_core.web.identity import me
from densach_core.web.respond import read_form, see_other
from densach_core.web.routes import Routes
from densach_hub.library.model import Added, Item, State
from densach_hub.library.service import LIBRARY, PICTURE_BYTES
from densach_hub.library.views import show

routes = Routes("library")
A_PAGE = 50
BLOCK = 256 * 1024
UNBOUNDED = 2**63
TABS = {
    "": (State.WAITING, State.REVIEW, State.READY, State.BROKEN),
    "broken": (State.BROKEN,),
    "waiting": (State.WAITING,),
    "withdrawn": (State.WITHDRAWN,),
}


class ReasonForm(msgspec.Struct, frozen=True):
    why: str = ""


@routes.get("/desk", who=LIBRARIANS)
async def desk(request: web.Request) -> web.StreamResponse:
    return show(request, "library/desk.html", title=t("Librarian's desk"), **await _list(request))


@routes.get("/desk/list", who=LIBRARIANS)
async def desk_list(request: web.Request) -> web.StreamResponse:
    """The list alone: pages fetch it again when something changed."""
    return show(request, "library/desk_list.html", **await _list(request))


async def _list(request: web.Request) -> dict[str, object]:
    library = request.app[LIBRARY]
    tab = request.query.get("show", "")
    tab = tab if tab in TABS else ""
    words = request.query.get("q", "")[:100]
    page = min(max(int(request.query.get("page", "1") if request.query.get("page", "1").isdecimal() else 1), 1), 10_000)
    found = await library.desk(list(TABS[tab]), words=words, limit=A_PAGE + 1, offset=(page - 1) * A_PAGE)
    return {
        "items": found[:A_PAGE],
        "more": len(found) > A_PAGE,
        "page": page,
        "tab": tab,
        "words": words,
        "counts": await library.counts(),
        "trouble": library.cataloguer.trouble,
    }


@routes.post("/desk/upload", who=LIBRARIANS, limit_bytes=UNBOUNDED)
async def upload(request: web.Request) -> web.StreamResponse:
    """The plain form, for browsers without scripts: files of any size, streamed to disk part by part."""
    added: list[Added] = []
    refused: list[Problem] = []
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.name == "files" and part.filename:
            try:
                added.append(await _take(request, part, part.filename))
            except BadInput as problem:
                refused.append(problem)
    if not added and refused:
        raise refused[0]
    if not added:
        raise BadInput("library.no-file", t("No file was chosen."), t("Choose one or more files first."))
    for one in added:
        if not one.already:
            await request.app[AUDIT].note(by=me(request), what="library.item-added", on=one.item)
    new = [one for one in added if not one.already]
    if not new:
        return see_other(request, f"/desk/items/{added[0].item}", flash=t("This file is already in the library."))
    return see_other(
        request,
        "/desk",
        flash=tn("{n} file added; it is being processed.", "{n} files added; they are being processed.", n=len(new)),
    )


@routes.post("/desk/items/{id}/file", who=LIBRARIANS, limit_bytes=UNBOUNDED)
async def attach(request: web.Request) -> web.StreamResponse:
    """A catalogue line gets its file, from the form field `file`."""
    library = request.app[LIBRARY]
    item_id = request.match_info["id"]
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.name == "file" and part.filename:
            name = part.filename
            async with on_disk(request, part) as path:
                it = await library.attach(item_id, path, name)
            return await _done(request, it, "library.file-attached", t("The file is here and is being processed."), name)
    raise BadInput("library.no-file", t("No file was chosen."), t("Choose one or more files first."))


async def _take(request: web.Request, part: BodyPartReader, name: str) -> Added:
    """Streams one file of a form to disk, then keeps it."""
    async with on_disk(request, part) as path:
        return await request.app[LIBRARY].add_file(path, by=me(request).name, name=name, move=True)


@asynccontextmanager
async def on_disk(request: web.Request, part: BodyPartReader) -> AsyncIterator[Path]:
    """The part of a form as a file of its own, while the block runs; any size, never whole in memory."""
    library = request.app[LIBRARY]
    handle, temporary = tempfile.mkstemp(dir=library.uploads.folder, prefix="form-", suffix=".tmp")
    os.close(handle)
    path = Path(temporary)
    try:
        size = await library.uploads.gather(path, _blocks(part))
        if size == 0:
            raise BadInput("library.empty", t("The file is empty."), t("Choose a file that is not empty."))
        yield path
    finally:
        await asyncio.to_thread(path.unlink, missing_ok=True)


@asynccontextmanager
async def body_on_disk(request: web.Request) -> AsyncIterator[Path]:
    """The same for a program's request whose body is the file."""
    library = request.app[LIBRARY]
    handle, temporary = tempfile.mkstemp(dir=library.uploads.folder, prefix="form-", suffix=".tmp")
    os.close(handle)
    path = Path(temporary)
    try:
        if await library.uploads.gather(path, request.content.iter_chunked(BLOCK)) == 0:
            raise BadInput("library.empty", t("The file is empty."), t("Choose a file that is not empty."))
        yield path
    finally:
        await asyncio.to_thread(path.unlink, missing_ok=True)


async def _blocks(part: BodyPartReader) -> AsyncIterator[bytes]:
    while block := await part.read_chunk(BLOCK):
        yield block


@routes.post("/desk/items/{id}/cover", who=LIBRARIANS, limit_bytes=PICTURE_BYTES)
async def set_cover(request: web.Request) -> web.StreamResponse:
    """A picture from the form field `cover`; without one the cover is drawn."""
    library = request.app[LIBRARY]
    item_id = request.match_info["id"]
    posted = (await request.post()).get("cover")
    if isinstance(posted, web.FileField) and posted.filename:
        with tempfile.NamedTemporaryFile(
            dir=library.uploads.folder, prefix="form-", suffix=Path(posted.filename).suffix[:8]
        ) as file:
            file.write(posted.file.read())
            file.flush()
            await library.set_cover(item_id, Path(file.name))
    else:
        await library.set_cover(item_id, None)
    await request.app[AUDIT].note(by=me(request), what="library.cover-changed", on=item_id)
    return see_other(request, f"/desk/items/{item_id}", flash=t("The cover was changed."))


@routes.post("/desk/items/{id}/retry", who=LIBRARIANS)
async def retry(request: web.Request) -> web.StreamResponse:
    it = await request.app[LIBRARY].retry(request.match_info["id"])
    return await _done(request, it, "library.item-retried", t("The file is being processed again."))


@routes.post("/desk/items/{id}/withdraw", who=LIBRARIANS)
async def withdraw(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, ReasonForm)
    it = await request.app[LIBRARY].withdraw(request.match_info["id"], by=me(request).name, why=form.why)
    return await _done(
        request, it, "library.item-withdrawn", t("Withdrawn: readers no longer see it. It can come back."), form.why
    )


@routes.post("/desk/items/{id}/restore", who=LIBRARIANS)
async def restore(request: web.Request) -> web.StreamResponse:
    it = await request.app[LIBRARY].take_back(request.match_info["id"])
    return await _done(request, it, "library.item-restored", t("It is back in the library."))


async def _done(request: web.Request, it: Item, what: str, said: Text, detail: str | None = None) -> web.Response:
    await request.app[AUDIT].note(by=me(request), what=what, on=it.id, detail=detail)
    return see_other(request, f"/desk/items/{it.id}", flash=said)
