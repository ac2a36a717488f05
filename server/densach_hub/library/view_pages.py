"""An Office document's pages: as PDF in the browser, or that they are being made."""

from aiohttp import web

from densach_core.web.identity import who_is
from densach_core.web.respond import see_other
from densach_core.web.routes import EVERYONE, Routes
from densach_hub.library.files import POLICY, file_name, note_opened
from densach_hub.library.sending import StoredFile
from densach_hub.library.service import LIBRARY
from densach_hub.library.views import show

routes = Routes("library")


@routes.get("/items/{id}/view", who=EVERYONE)
async def view(request: web.Request) -> web.StreamResponse:
    """The document as PDF (with ranges); a page that waits while it is being made; the item's page where there is none."""
    library = request.app[LIBRARY]
    it = await library.item(request.match_info["id"])
    path = library.views.path(it)
    if path is not None:
        if "Range" not in request.headers:
            note_opened(request, it.id)
        headers = {
            "Content-Type": "application/pdf",
            "Content-Disposition": "inline",
            "Cache-Control": "public, max-age=3600",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": POLICY,
        }
        return StoredFile(path, headers)
    if not library.views.comes(it):
        return see_other(request, f"/items/{it.id}")
    account = who_is(request)
    return show(
        request, "library/view_coming.html", item=it, title=it.title, file_name=file_name(it),
        reader=account.id if account else "guest",
    )  # fmt: skip
