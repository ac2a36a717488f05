"""The frame of the technician's pages: their addresses, their tabs, the choice of a place."""

from typing import Any

from aiohttp import web

from densach_core.web.respond import render
from densach_core.web.routes import Routes
from densach_hub.lab.rules import parse_place
from densach_hub.lab.service import LAB, Lab

routes = Routes("lab")


async def show(request: web.Request, template: str, *, here: str, **values: Any) -> web.Response:
    """A page under the lab's tabs; `here` is the tab's address."""
    waiting = await request.app[LAB].waiting_count()
    return render(request, template, here=here, waiting_count=waiting, **values)


async def places(lab: Lab) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """(room id, room name, its free seats as (value, label)) for the one select that says where a machine stands."""
    return [
        (
            m.room.id,
            m.room.name,
            [(f"{m.room.id}/{c.sight.seat.id}", c.sight.seat.label) for c in m.cells if c.sight.seat and c.sight.machine is None],
        )
        for m in await lab.rooms()
    ]


def chosen(place: str) -> tuple[str | None, str | None]:
    """Room and seat of that select."""
    return parse_place(place)
