"""The librarian's desk: bring files in, see what became of them, correct, withdraw. Nothing is ever deleted silently."""

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
from densach_hub.library.model import Added, Creator, Item, Record, State
from densach_hub.library.service import LIBRARY, PICTURE_BYTES
from densach_hub.library.subjects import BY_CODE
from densach_hub.library.views import LANGUAGES, show

routes = Routes("library")
A_PAGE = 50
BLOCK = 256 * 1024
UNBOUNDED = 2**63
TABS = {
    "": (State.WAITING, State.READY, State.BROKEN),
    "broken": (State.BROKEN,),
    "waiting": (State.WAITING,),
    "withdrawn": (State.WITHDRAWN,),
}


class ItemForm(msgspec.Struct, frozen=True):
    """`creators` are lines: a name, or `name (role)`."""

    title: str = ""
    subtitle: str | None = None
    creators: str = ""
    description: str | None = None
    subject: str | None = None
    topics: str = ""
    grade_from: int | None = None
    grade_to: int | None = None
    publisher: str | None = None
    published: str | None = None
    language: str | None = None
    identifiers: str = ""
    rights: str | None = None
    source: str | None = None


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
        request, "/desk", flash=tn("{n} file added; it is being read.", "{n} files added; they are being read.", n=len(new))
    )


@routes.post("/desk/items/{id}/file", who=LIBRARIANS, limit_bytes=UNBOUNDED)
async def attach(request: web.Request) -> web.StreamResponse:
    """A catalogue line gets its file, from the form field `file`."""
    library = request.app[LIBRARY]
    item_id = request.match_info["id"]
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.name == "file" and part.filename:
            name = part.filename
            async with _on_disk(request, part) as path:
                it = await library.attach(item_id, path, name)
            return await _done(request, it, "library.file-attached", t("The file is here and is being read."), name)
    raise BadInput("library.no-file", t("No file was chosen."), t("Choose one or more files first."))


async def _take(request: web.Request, part: BodyPartReader, name: str) -> Added:
    """Streams one file of a form to disk, then keeps it."""
    async with _on_disk(request, part) as path:
        return await request.app[LIBRARY].add_file(path, by=me(request).name, name=name, move=True)


@asynccontextmanager
async def _on_disk(request: web.Request, part: BodyPartReader) -> AsyncIterator[Path]:
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


async def _blocks(part: BodyPartReader) -> AsyncIterator[bytes]:
    while block := await part.read_chunk(BLOCK):
        yield block


@routes.get("/desk/items/{id}", who=LIBRARIANS)
async def edit_page(request: web.Request) -> web.StreamResponse:
    library = request.app[LIBRARY]
    it = await library.item(request.match_info["id"], hidden=True)
    detail = await library.problem_detail(it.id) if it.state is State.BROKEN else ""
    return show(
        request, "library/desk_item.html", title=t("{title}", title=it.title), item=it, detail=detail, languages=LANGUAGES
    )


@routes.post("/desk/items/{id}", who=LIBRARIANS)
async def edit(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, ItemForm)
    item_id = request.match_info["id"]
    record = Record(
        title=form.title,
        subtitle=form.subtitle,
        creators=creators_of(form.creators),
        description=form.description,
        subject=form.subject if form.subject in BY_CODE else None,
        topics=_lines(form.topics.replace(";", "\n").replace(",", "\n")),
        grade_from=form.grade_from,
        grade_to=form.grade_to,
        publisher=form.publisher,
        published=form.published,
        language=form.language,
        identifiers=_lines(form.identifiers),
        rights=form.rights,
        source=form.source,
    )
    await request.app[LIBRARY].edit(item_id, record)
    await request.app[AUDIT].note(by=me(request), what="library.item-edited", on=item_id)
    return see_other(request, f"/desk/items/{item_id}", flash=t("Saved."))


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
    return await _done(request, it, "library.item-retried", t("The file is being read again."))


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


def creators_of(lines: str) -> tuple[Creator, ...]:
    """`Nguyễn Du` or `Nguyễn Văn A (translator)`, one a line."""
    found = []
    for line in _lines(lines):
        name, bracket, role = line.rpartition(" (")
        known = role.rstrip(")").strip().lower() if bracket and line.endswith(")") else ""
        if known in {"author", "translator", "editor", "illustrator", "narrator", "other"}:
            found.append(Creator(name.strip(), known))
        else:
            found.append(Creator(line))
    return tuple(found[:20])


def _lines(text: str) -> tuple[str, ...]:
    return tuple(" ".join(line.split()) for line in text.splitlines() if line.strip())[:40]
