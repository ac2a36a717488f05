"""Teachers bring material, a librarian looks at it and says yes or no; pages and API."""

from urllib.parse import quote

import msgspec
from aiohttp import BodyPartReader, web

from densach_core.accounts.audit import AUDIT
from densach_core.accounts.model import LIBRARIANS, TEACHERS
from densach_core.errors import BadInput
from densach_core.text import t, tn
from densach_core.web.identity import me
from densach_core.web.respond import read_body, read_form, see_other
from densach_core.web.routes import Routes
from densach_hub.library.desk import UNBOUNDED, body_on_disk, on_disk
from densach_hub.library.files import file_name
from densach_hub.library.model import Added, Item
from densach_hub.library.sending import stored
from densach_hub.library.service import LIBRARY
from densach_hub.library.views import show

routes = Routes("library")
BRINGERS = TEACHERS | LIBRARIANS


class Review(msgspec.Struct, frozen=True):
    """`note`: why not, or a word of thanks; the teacher sees it."""

    approved: bool
    note: str = ""


class ReviewForm(msgspec.Struct, frozen=True):
    what: str
    note: str = ""


class Offered(msgspec.Struct, frozen=True):
    """What the asker brought; `waiting`: what waits for approval (for librarians, else empty)."""

    own: list[Item]
    waiting: list[Item]


@routes.get("/offers", who=BRINGERS)
async def offers(request: web.Request) -> web.StreamResponse:
    own = await request.app[LIBRARY].offers.of(me(request).id)
    return show(request, "library/offers.html", title=t("Bring material in"), own=own)


@routes.post("/offers", who=BRINGERS, limit_bytes=UNBOUNDED)
async def offer(request: web.Request) -> web.StreamResponse:
    """Files of any size from the form field `files`, streamed to disk."""
    added: list[Added] = []
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.name == "files" and part.filename:
            name, account = part.filename, me(request)
            async with on_disk(request, part) as path:
                added.append(
                    await request.app[LIBRARY].add_file(path, by=account.name, name=name, move=True, offered_by=account.id)
                )
            if not added[-1].already:
                await request.app[AUDIT].note(by=account, what="library.item-offered", on=added[-1].item)
    if not added:
        raise BadInput("library.no-file", t("No file was chosen."), t("Choose one or more files first."))
    new = sum(not one.already for one in added)
    if not new:
        return see_other(request, "/offers", flash=t("This file is already in the library."))
    words = tn(
        "{n} file received. Pupils see it when the librarian has approved it.",
        "{n} files received. Pupils see them when the librarian has approved them.",
        n=new,
    )
    return see_other(request, "/offers", flash=words)


@routes.get("/desk/offers", who=LIBRARIANS)
async def waiting(request: web.Request) -> web.StreamResponse:
    return show(
        request, "library/desk_offers.html", title=t("Waiting for approval"), items=await request.app[LIBRARY].offers.waiting()
    )  # fmt: skip


@routes.get("/desk/items/{id}/original", who=LIBRARIANS)
async def original(request: web.Request) -> web.StreamResponse:
    """The file of an item that readers do not see yet, to be looked at outside the browser: it is never opened in it."""
    library = request.app[LIBRARY]
    it = await library.item(request.match_info["id"], hidden=True)
    name = quote(file_name(it))
    return stored(
        request,
        library.file_of(it),
        {
            "Content-Type": "application/octet-stream",
            "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
            "Content-Security-Policy": "sandbox",
            "Cache-Control": "no-store",
        },
    )


@routes.post("/desk/items/{id}/review", who=LIBRARIANS)
async def review(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, ReviewForm)
    approved = form.what == "approve"
    await _reviewed(request, Review(approved, form.note))
    said = t("Approved: readers see it now.") if approved else t("Refused: the teacher sees why.")
    return see_other(request, "/desk/offers", flash=said)


async def _reviewed(request: web.Request, said: Review) -> Item:
    account = me(request)
    it = await request.app[LIBRARY].offers.review(
        request.match_info["id"], approved=said.approved, by=account.name, note=said.note
    )
    what = "library.item-approved" if said.approved else "library.item-refused"
    await request.app[AUDIT].note(by=account, what=what, on=it.id, detail=said.note or None)
    return it


@routes.api("GET", "/api/v1/offers", who=BRINGERS, answers=Offered, summary="What you brought, and what waits for approval")
async def list_offers(request: web.Request) -> Offered:
    offers = request.app[LIBRARY].offers
    account = me(request)
    return Offered(await offers.of(account.id), await offers.waiting() if account.has(LIBRARIANS) else [])


@routes.api(
    "POST", "/api/v1/offers", who=BRINGERS, answers=Added, status=201, limit_bytes=UNBOUNDED,
    summary="Bring a file for approval: the body is the file, ?name= its name",
)  # fmt: skip
async def bring(request: web.Request) -> tuple[int, Added]:
    account, name = me(request), request.query.get("name", "file")[:200]
    async with body_on_disk(request) as path:
        added = await request.app[LIBRARY].add_file(path, by=account.name, name=name, move=True, offered_by=account.id)
    if not added.already:
        await request.app[AUDIT].note(by=account, what="library.item-offered", on=added.item)
    return (200 if added.already else 201), added


@routes.api(
    "POST", "/api/v1/items/{id}/review", who=LIBRARIANS, takes=Review, answers=Item,
    summary="Approve or refuse what a teacher brought",
)  # fmt: skip
async def review_item(request: web.Request) -> Item:
    return await _reviewed(request, await read_body(request, Review))
