"""The page of the way up: pair with an office by its code, see what waits and what was refused, leave an office.

Hub and office both have it, under their own address.
"""

import msgspec
from aiohttp import web

from densach_core.accounts.service import AUDIT
from densach_core.errors import Problem
from densach_core.sender.courier import explain
from densach_core.sender.service import SENDER
from densach_core.text import t
from densach_core.web.identity import me
from densach_core.web.respond import read_form, render, see_other
from densach_core.web.routes import Routes, Who
from densach_core.web.statuses import status_of


class PairForm(msgspec.Struct, frozen=True):
    url: str = ""
    code: str = ""


def upward_routes(path: str, who: Who) -> Routes:
    """The page at `path`, for those in `who`."""
    routes = Routes("sender")

    async def shown(request: web.Request, form: PairForm | None = None, problem: Problem | None = None) -> web.Response:
        sender = request.app[SENDER]
        lines = [(line, explain(line.parent.problem)) for line in await sender.lines()]
        refusals = await sender.refusals()
        return render(
            request,
            "sender/upward.html",
            status=status_of(problem),
            title=t("Sending to the office"),
            here=path,
            lines=lines,
            refusals=refusals,
            form=form or PairForm(),
            problem=problem,
        )

    @routes.get(path, who=who)
    async def page(request: web.Request) -> web.StreamResponse:
        return await shown(request)

    @routes.post(path, who=who)
    async def pair(request: web.Request) -> web.StreamResponse:
        form = await read_form(request, PairForm)
        try:
            parent = await request.app[SENDER].pair(form.url, form.code)
        except Problem as problem:
            return await shown(request, form, problem)
        await request.app[AUDIT].note(by=me(request), what="sender.paired", on=parent.office, detail=parent.url)
        return see_other(request, path, flash=t("Paired with {office}.", office=parent.name))

    @routes.post(path + "/{id:\\d+}/leave", who=who)
    async def leave(request: web.Request) -> web.StreamResponse:
        await request.app[SENDER].leave(int(request.match_info["id"]))
        await request.app[AUDIT].note(by=me(request), what="sender.left", on=request.match_info["id"])
        return see_other(request, path, flash=t("Nothing is sent to this office any more."))

    return routes
