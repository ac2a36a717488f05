"""Imports and exports at the desk: choose a file, look at what would change, say yes, take it back."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
from aiohttp import BodyPartReader, web

from densach_core.accounts.audit import AUDIT
from densach_core.accounts.model import LIBRARIANS
from densach_core.errors import BadInput
from densach_core.text import Text, t
from densach_core.web.identity import me
from densach_core.web.keys import LANGUAGES as CATALOGUES
from densach_core.web.respond import read_form, see_other
from densach_core.web.routes import Routes
from densach_core.web.speech import LOCALE
from densach_hub.library.batches import Action, Row
from densach_hub.library.desk import UNBOUNDED, on_disk
from densach_hub.library.editing import LABELS, words_for
from densach_hub.library.exchange.calibre import calibre_in
from densach_hub.library.exchange.doors import EXPORTS
from densach_hub.library.exporting import Wanted
from densach_hub.library.import_words import FORMATS, STAGES, why
from densach_hub.library.model import Form
from densach_hub.library.service import LIBRARY
from densach_hub.library.views import show

routes = Routes("library")
SHOWN = 50
BLOCK = 256 * 1024


class Visit(msgspec.Struct, frozen=True):
    address: str = ""
    files: str | None = None
    user: str = ""
    password: str = ""


class Chosen(msgspec.Struct, frozen=True):
    folder: str = ""


class Change(msgspec.Struct, frozen=True):
    """A field of a preview: what stands there now, what it would become."""

    label: Text
    before: str
    after: str


@routes.get("/desk/imports", who=LIBRARIANS)
async def imports(request: web.Request) -> web.StreamResponse:
    library = request.app[LIBRARY]
    return show(
        request, "library/imports.html", title=t("Import and export"), batches=await library.imports.latest(), stages=STAGES,
        formats=FORMATS, exports=EXPORTS, folders=await asyncio.to_thread(calibre_in, library.imports.shelves),
    )  # fmt: skip


@routes.post("/desk/imports", who=LIBRARIANS, limit_bytes=UNBOUNDED)
async def begin(request: web.Request) -> web.StreamResponse:
    """From the form field `file`, of any size."""
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.name == "file" and part.filename:
            name = part.filename
            async with on_disk(request, part) as path:
                batch = await request.app[LIBRARY].imports.begin(path, name, by=me(request).name)
            return see_other(request, f"/desk/imports/{batch.id}")
    raise BadInput("library.no-file", t("No file was chosen."), t("Choose one or more files first."))


@routes.post("/desk/imports/catalogue", who=LIBRARIANS)
async def visit(request: web.Request) -> web.StreamResponse:
    """From another catalogue's address (`address`), with its files when `files` is ticked; `user` and `password` where it has
    a log-in."""
    form = await read_form(request, Visit)
    batch = await request.app[LIBRARY].imports.visit(
        form.address, by=me(request).name, files=form.files is not None, login=(form.user.strip(), form.password)
    )
    await request.app[AUDIT].note(by=me(request), what="library.catalogue-visited", on=batch.id, detail=batch.file_name)
    return see_other(request, f"/desk/imports/{batch.id}")


@routes.post("/desk/imports/folder", who=LIBRARIANS)
async def folder(request: web.Request) -> web.StreamResponse:
    """From one of the Calibre libraries that lie on the hub's disks, by its path as the page listed it."""
    form = await read_form(request, Chosen)
    imports = request.app[LIBRARY].imports
    known = {str(one): one for one in await asyncio.to_thread(calibre_in, imports.shelves)}
    if form.folder not in known:
        raise BadInput(
            "import.no-calibre", t("This folder is no Calibre library."), t("Choose the folder that holds metadata.db.")
        )
    batch = await imports.begin(known[form.folder], known[form.folder].name, by=me(request).name)
    return see_other(request, f"/desk/imports/{batch.id}")


@routes.get("/desk/imports/{id}", who=LIBRARIANS)
async def preview(request: web.Request) -> web.StreamResponse:
    return show(request, "library/import.html", title=t("Import"), **await _standing(request))


@routes.get("/desk/imports/{id}/standing", who=LIBRARIANS)
async def standing(request: web.Request) -> web.StreamResponse:
    """The part of the page that moves."""
    return show(request, "library/import_standing.html", **await _standing(request))


async def _standing(request: web.Request) -> dict[str, object]:
    imports, batch_id = request.app[LIBRARY].imports, request.match_info["id"]
    batch = await imports.batch(batch_id)
    changed = [] if batch.at_work else await imports.rows(batch_id, Action.CHANGED, limit=SHOWN)
    return {
        "batch": batch,
        "stages": STAGES,
        "formats": FORMATS,
        "why": why,
        "new": [] if batch.at_work else await imports.rows(batch_id, Action.NEW, limit=SHOWN),
        "changed": [(row, _changes(request, row)) for row in changed],
        "remarks": [] if batch.at_work else await imports.remarks(batch_id, limit=SHOWN * 4),
    }


def _changes(request: web.Request, row: Row) -> list[Change]:
    if row.before is None or row.record is None:
        return []
    return [
        Change(label, words_for(request, name, getattr(row.before, name)), words_for(request, name, getattr(row.record, name)))
        for name, label in LABELS.items()
        if getattr(row.before, name) != getattr(row.record, name)
    ]


@routes.post("/desk/imports/{id}/apply", who=LIBRARIANS)
async def apply(request: web.Request) -> web.StreamResponse:
    return await _turned(request, "apply", "library.imported")


@routes.post("/desk/imports/{id}/undo", who=LIBRARIANS)
async def undo(request: web.Request) -> web.StreamResponse:
    return await _turned(request, "undo", "library.import-undone")


async def _turned(request: web.Request, what: str, noted: str) -> web.StreamResponse:
    imports, batch_id = request.app[LIBRARY].imports, request.match_info["id"]
    batch = await (imports.apply(batch_id) if what == "apply" else imports.undo(batch_id))
    await request.app[AUDIT].note(by=me(request), what=noted, on=batch_id, detail={"file": batch.file_name, **batch.counts})
    return see_other(request, f"/desk/imports/{batch_id}")


@routes.post("/desk/imports/{id}/drop", who=LIBRARIANS)
async def drop(request: web.Request) -> web.StreamResponse:
    await request.app[LIBRARY].imports.drop(request.match_info["id"])
    return see_other(request, "/desk/imports", flash=t("The import was dropped; nothing was changed."))


@routes.get("/desk/export", who=LIBRARIANS)
async def export(request: web.Request) -> web.StreamResponse:
    return await exported(request)


async def exported(request: web.Request) -> web.StreamResponse:
    """The catalogue as the query wants it: format, subject, grade, kind, language, form, collection, batch."""
    asked, catalogues, locale = request.query, request.app[CATALOGUES], LOCALE.get()
    grade = asked.get("grade", "")
    wanted = Wanted(
        subject=asked.get("subject"), grade=int(grade) if grade.isdecimal() and len(grade) < 3 else None, kind=asked.get("kind"),
        language=asked.get("language"), form=asked.get("form") if asked.get("form") in set(Form) else None,
        collection=asked.get("collection"), batch=asked.get("batch"),
    )  # fmt: skip
    format_name = asked.get("format", "xlsx")
    path = await request.app[LIBRARY].export(format_name, wanted, lambda text: catalogues.say(text, locale))
    door = EXPORTS[format_name]
    response = web.StreamResponse(
        headers={
            "Content-Type": door.media_type,
            "Content-Disposition": f'attachment; filename="catalogue{door.ending}"',
            "Content-Length": str(path.stat().st_size),
        }
    )
    try:
        await response.prepare(request)
        async for block in _blocks(path):
            await response.write(block)
    finally:
        path.unlink(missing_ok=True)
    return response


async def _blocks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while block := await asyncio.to_thread(file.read, BLOCK):
            yield block
