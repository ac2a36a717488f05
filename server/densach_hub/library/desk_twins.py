"""Twins at the desk and in the API: two and two side by side, kept as one or told apart."""

import msgspec
from aiohttp import web

from densach_core.accounts.audit import AUDIT
from densach_core.accounts.model import LIBRARIANS
from densach_core.text import Text, t
from densach_core.web.identity import me
from densach_core.web.respond import read_body, read_form, see_other
from densach_core.web.routes import Routes
from densach_hub.library.editing import LABELS, words_for
from densach_hub.library.model import Item
from densach_hub.library.service import LIBRARY
from densach_hub.library.twins import Merger, Pair
from densach_hub.library.views import show

routes = Routes("library")


class PairForm(msgspec.Struct, frozen=True):
    """`what`: merge or different."""

    keep: str
    other: str
    what: str = "merge"


class Pairs(msgspec.Struct, frozen=True):
    pairs: list[Pair]
    merged: list[Merger]


class Difference(msgspec.Struct, frozen=True):
    """A field in which the two say something else; empty: nothing said."""

    label: Text
    first: str
    second: str


@routes.get("/desk/twins", who=LIBRARIANS)
async def twins(request: web.Request) -> web.StreamResponse:
    library = request.app[LIBRARY]
    pairs = [(pair, _differences(request, pair.first, pair.second)) for pair in await library.twins.pairs()]
    return show(
        request, "library/twins.html", title=t("Possible duplicates"), pairs=pairs, mergers=await library.twins.mergers()
    )  # fmt: skip


def _differences(request: web.Request, first: Item, second: Item) -> list[Difference]:
    both = ((label, words_for(request, name, getattr(first, name)), words_for(request, name, getattr(second, name)))
            for name, label in LABELS.items())  # fmt: skip
    return [Difference(label, one, other) for label, one, other in both if one != other]


@routes.post("/desk/twins", who=LIBRARIANS)
async def decide(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, PairForm)
    return see_other(request, "/desk/twins", flash=await _decide(request, form))


async def _decide(request: web.Request, form: PairForm) -> Text:
    library, account = request.app[LIBRARY], me(request)
    if form.what == "different":
        await library.twins.are_different(form.keep, form.other, by=account.name)
        return t("They stay two; they are not offered again.")
    await library.twins.merge(form.keep, form.other, by=account.name)
    await request.app[AUDIT].note(by=account, what="library.merged", on=form.keep, detail=form.other)
    return t("Merged. It can be taken back below.")


@routes.post(r"/desk/twins/{number:\d+}/part", who=LIBRARIANS)
async def part(request: web.Request) -> web.StreamResponse:
    await _part(request)
    return see_other(request, "/desk/twins", flash=t("The merge was taken back."))


async def _part(request: web.Request) -> Merger:
    text = request.match_info["number"]
    merger = await request.app[LIBRARY].twins.part(int(text) if text.isascii() and len(text) < 16 else -1, by=me(request).name)
    await request.app[AUDIT].note(by=me(request), what="library.merge-undone", on=merger.kept, detail=merger.gone)
    return merger


@routes.api("GET", "/api/v1/twins", who=LIBRARIANS, answers=Pairs, summary="Items that may be one thing twice, and merges made")
async def list_pairs(request: web.Request) -> Pairs:
    library = request.app[LIBRARY]
    return Pairs(await library.twins.pairs(), await library.twins.mergers())


@routes.api("POST", "/api/v1/twins", who=LIBRARIANS, takes=PairForm, summary="Merge two items (what=merge) or tell them apart")
async def decide_pair(request: web.Request) -> None:
    await _decide(request, await read_body(request, PairForm))


@routes.api("DELETE", r"/api/v1/twins/{number:\d+}", who=LIBRARIANS, answers=Merger, summary="Take a merge back")
async def part_pair(request: web.Request) -> Merger:
    return await _part(request)
