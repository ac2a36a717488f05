"""Imports, exports and versions for programs."""

import msgspec
from aiohttp import web

from densach_core.accounts.audit import AUDIT
from densach_core.accounts.model import LIBRARIANS
from densach_core.errors import BadInput
from densach_core.text import t
from densach_core.web.identity import me
from densach_core.web.respond import read_body
from densach_core.web.routes import Routes
from densach_hub.library.batches import Action, Batch, Row
from densach_hub.library.desk import UNBOUNDED, body_on_disk
from densach_hub.library.desk_imports import exported
from densach_hub.library.model import Item
from densach_hub.library.service import LIBRARY
from densach_hub.library.versions import Version

routes = Routes("library")
MOST = 200


class Imported(msgspec.Struct, frozen=True):
    """Imports, newest first."""

    imports: list[Batch]


class Catalogue(msgspec.Struct, frozen=True):
    """Another catalogue. `files`: whether to bring its open files too, not its records alone; `user` and `password` where it
    has a log-in (kept until the import ends)."""

    address: str
    files: bool = True
    user: str = ""
    password: str = ""


class Rows(msgspec.Struct, frozen=True):
    """`after`: ask with it for the next ones; None: these were the last."""

    rows: list[Row]
    after: int | None


class Versions(msgspec.Struct, frozen=True):
    versions: list[Version]


@routes.api("GET", "/api/v1/imports", who=LIBRARIANS, answers=Imported, summary="Imports of records, newest first")
async def imports(request: web.Request) -> Imported:
    return Imported(await request.app[LIBRARY].imports.latest())


@routes.api(
    "POST", "/api/v1/imports", who=LIBRARIANS, answers=Batch, status=202, limit_bytes=UNBOUNDED,
    summary="Read records (MARC 21, MARCXML, CSV, XLSX) for a preview: the body is the file, ?name= its name",
)  # fmt: skip
async def begin(request: web.Request) -> tuple[int, Batch]:
    name = request.query.get("name", "records")[:200]
    async with body_on_disk(request) as path:
        return 202, await request.app[LIBRARY].imports.begin(path, name, by=me(request).name)


@routes.api(
    "POST", "/api/v1/imports/catalogue", who=LIBRARIANS, takes=Catalogue, answers=Batch, status=202,
    summary="Read another catalogue (OPDS 1.2 or 2.0) by its address, for a preview",
)  # fmt: skip
async def visit(request: web.Request) -> tuple[int, Batch]:
    asked = await read_body(request, Catalogue)
    batch = await request.app[LIBRARY].imports.visit(
        asked.address, by=me(request).name, files=asked.files, login=(asked.user, asked.password)
    )
    await request.app[AUDIT].note(by=me(request), what="library.catalogue-visited", on=batch.id, detail=batch.file_name)
    return 202, batch


@routes.api("GET", "/api/v1/imports/{id}", who=LIBRARIANS, answers=Batch, summary="Where an import stands")
async def batch(request: web.Request) -> Batch:
    return await request.app[LIBRARY].imports.batch(request.match_info["id"])


@routes.api(
    "GET", "/api/v1/imports/{id}/rows", who=LIBRARIANS, answers=Rows,
    summary="What an import does, line by line (action=new, changed, same or wrong; after=…)",
)  # fmt: skip
async def rows(request: web.Request) -> Rows:
    imports, batch_id = request.app[LIBRARY].imports, request.match_info["id"]
    await imports.batch(batch_id)
    action, after = request.query.get("action", "new"), request.query.get("after", "-1")
    if action not in set(Action):
        raise BadInput("import.action", t("This is not one of: {names}", names=", ".join(Action)), field="action")
    found = await imports.rows(
        batch_id, Action(action), limit=MOST, after=int(after) if after.isdecimal() and len(after) < 10 else -1
    )
    return Rows(found, found[-1].line if len(found) == MOST else None)


@routes.api("POST", "/api/v1/imports/{id}/apply", who=LIBRARIANS, answers=Batch, status=202, summary="Do what the preview showed")
async def apply(request: web.Request) -> tuple[int, Batch]:
    done = await request.app[LIBRARY].imports.apply(request.match_info["id"])
    await request.app[AUDIT].note(by=me(request), what="library.imported", on=done.id, detail={"file": done.file_name})
    return 202, done


@routes.api("POST", "/api/v1/imports/{id}/undo", who=LIBRARIANS, answers=Batch, status=202, summary="Take an import back")
async def undo(request: web.Request) -> tuple[int, Batch]:
    done = await request.app[LIBRARY].imports.undo(request.match_info["id"])
    await request.app[AUDIT].note(by=me(request), what="library.import-undone", on=done.id, detail={"file": done.file_name})
    return 202, done


@routes.api("DELETE", "/api/v1/imports/{id}", who=LIBRARIANS, summary="Drop a preview")
async def drop(request: web.Request) -> None:
    await request.app[LIBRARY].imports.drop(request.match_info["id"])


@routes.api(
    "GET", "/api/v1/export", who=LIBRARIANS,
    summary="The catalogue as a file (format=marc, marcxml, csv, xlsx, calibre; subject, grade, kind, language, form, "
    "collection, batch)",
)  # fmt: skip
async def export(request: web.Request) -> web.StreamResponse:
    return await exported(request)


@routes.api("GET", "/api/v1/items/{id}/versions", who=LIBRARIANS, answers=Versions, summary="What was said of an item before")
async def versions(request: web.Request) -> Versions:
    library, item_id = request.app[LIBRARY], request.match_info["id"]
    await library.item(item_id, hidden=True)
    return Versions(await library.versions(item_id))


@routes.api(
    "POST", r"/api/v1/items/{id}/versions/{seq:\d+}/restore", who=LIBRARIANS, answers=Item, summary="Bring a version back"
)  # fmt: skip
async def restore(request: web.Request) -> Item:
    changed = await request.app[LIBRARY].restore(request.match_info["id"], seq_of(request), by=me(request).name)
    await request.app[AUDIT].note(by=me(request), what="library.version-restored", on=changed.id)
    return changed


def seq_of(request: web.Request) -> int:
    text = request.match_info["seq"]
    return int(text) if text.isascii() and len(text) < 16 else -1
