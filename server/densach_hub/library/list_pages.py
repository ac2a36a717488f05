"""Reading lists: made by teachers for a class, seen by its pupils; pages and API."""

import msgspec
from aiohttp import web

from densach_core.accounts.model import TEACHERS
from densach_core.text import t
from densach_core.web.identity import me
from densach_core.web.respond import read_body, read_form, see_other
from densach_core.web.routes import SIGNED_IN, Routes
from densach_hub.library.model import Card, Filters
from densach_hub.library.reading_lists import ReadingList
from densach_hub.library.service import LIBRARY
from densach_hub.library.views import read_path, show
from densach_hub.people.model import SchoolClass
from densach_hub.people.service import PEOPLE

routes = Routes("library")
FOUND = 12


class NewList(msgspec.Struct, frozen=True):
    title: str = ""
    class_id: str = ""
    note: str | None = None


class Lists(msgspec.Struct, frozen=True):
    """`own`: made by the asker, with counts; `of_class`: what the asker's class is to read."""

    own: list[ReadingList]
    of_class: list[ReadingList]


class ItemForm(msgspec.Struct, frozen=True):
    item: str = ""


async def _classes(request: web.Request) -> list[SchoolClass]:
    people = request.app.get(PEOPLE)
    return await people.classes() if people is not None else []


@routes.get("/lists", who=TEACHERS)
async def lists(request: web.Request) -> web.StreamResponse:
    classes = await _classes(request)
    own = await request.app[LIBRARY].lists.made_by(me(request))
    names = {one.id: one.name for one in classes}
    return show(request, "library/lists.html", title=t("Reading lists"), lists=own, classes=classes, names=names)


@routes.post("/lists", who=TEACHERS)
async def make(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, NewList)
    await _must_be_class(request, form.class_id)
    made = await request.app[LIBRARY].lists.make(form.title, form.class_id, by=me(request), note=form.note)
    return see_other(request, f"/lists/{made.id}")


async def _must_be_class(request: web.Request, class_id: str) -> None:
    """Raises NotFound for a class the roster does not know."""
    people = request.app.get(PEOPLE)
    if people is not None and class_id:
        await people.school_class(class_id)


@routes.get("/lists/{id}", who=TEACHERS)
async def one_list(request: web.Request) -> web.StreamResponse:
    library = request.app[LIBRARY]
    one = await library.lists.own(request.match_info["id"], me(request))
    words = request.query.get("q", "")[:200]
    there = {entry.card.id for entry in one.entries}
    found: list[Card] = []
    if words.strip():
        answer = await library.finder.search(words, Filters(), limit=FOUND, with_texts=False)
        found = [card for card in answer.cards if card.id not in there]
    known = next((school_class for school_class in await _classes(request) if school_class.id == one.class_id), None)
    return show(request, "library/list.html", title=t("Reading list"), one=one, found=found, words=words, school_class=known)


@routes.post("/lists/{id}/items", who=TEACHERS)
async def put(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, ItemForm)
    list_id = request.match_info["id"]
    await request.app[LIBRARY].lists.put(list_id, form.item, by=me(request))
    return see_other(request, f"/lists/{list_id}", flash=t("Added to the list."))


@routes.post("/lists/{id}/items/{item}/remove", who=TEACHERS)
async def take_off(request: web.Request) -> web.StreamResponse:
    list_id = request.match_info["id"]
    await request.app[LIBRARY].lists.take_off(list_id, request.match_info["item"], by=me(request))
    return see_other(request, f"/lists/{list_id}", flash=t("Taken off the list."))


@routes.post("/lists/{id}/close", who=TEACHERS)
async def close(request: web.Request) -> web.StreamResponse:
    lists, list_id = request.app[LIBRARY].lists, request.match_info["id"]
    one = await lists.own(list_id, me(request))
    await lists.close(list_id, by=me(request), closed=one.closed_at is None)
    return see_other(request, f"/lists/{list_id}")


@routes.get("/class-reading", who=SIGNED_IN)
async def of_class(request: web.Request) -> web.StreamResponse:
    class_id = me(request).class_id
    found = await request.app[LIBRARY].lists.of_class(class_id) if class_id else []
    return show(request, "library/class_reading.html", title=t("For your class"), lists=found)


@routes.get("/lists/{id}/open/{item}", who=SIGNED_IN)
async def opened(request: web.Request) -> web.StreamResponse:
    """From a list to the item; pupils of the class are counted once."""
    library = request.app[LIBRARY]
    it = await library.item(request.match_info["item"])
    await library.lists.opened(request.match_info["id"], it.id, me(request))
    return see_other(request, read_path(it.id) if it.readable else f"/items/{it.id}")


@routes.api("GET", "/api/v1/lists", who=SIGNED_IN, answers=Lists, summary="Reading lists: your own, and those of your class")
async def all_lists(request: web.Request) -> Lists:
    lists, account = request.app[LIBRARY].lists, me(request)
    own = await lists.made_by(account) if account.has(TEACHERS) else []
    return Lists(own, await lists.of_class(account.class_id) if account.class_id else [])


@routes.api("POST", "/api/v1/lists", who=TEACHERS, takes=NewList, answers=ReadingList, status=201, summary="Make a reading list")
async def make_list(request: web.Request) -> tuple[int, ReadingList]:
    new = await read_body(request, NewList)
    await _must_be_class(request, new.class_id)
    return 201, await request.app[LIBRARY].lists.make(new.title, new.class_id, by=me(request), note=new.note)


@routes.api("PUT", "/api/v1/lists/{id}/items/{item}", who=TEACHERS, answers=ReadingList, summary="Put an item on a list")
async def put_item(request: web.Request) -> ReadingList:
    return await request.app[LIBRARY].lists.put(request.match_info["id"], request.match_info["item"], by=me(request))


@routes.api("DELETE", "/api/v1/lists/{id}/items/{item}", who=TEACHERS, answers=ReadingList, summary="Take an item off a list")
async def remove_item(request: web.Request) -> ReadingList:
    return await request.app[LIBRARY].lists.take_off(request.match_info["id"], request.match_info["item"], by=me(request))


@routes.api(
    "DELETE", "/api/v1/lists/{id}", who=TEACHERS, answers=ReadingList, summary="Close a list: its class no longer sees it"
)
async def close_list(request: web.Request) -> ReadingList:
    return await request.app[LIBRARY].lists.close(request.match_info["id"], by=me(request))
