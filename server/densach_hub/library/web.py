"""The library as the web sees it: all its addresses, and its service under its key."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from densach_core.clock import Clock
from densach_core.web.routes import Routes
from densach_hub.library import (
    api,
    copies,
    desk,
    desk_api,
    desk_imports,
    desk_many,
    desk_twins,
    editing,
    exchange_api,
    files,
    learning,
    list_pages,
    marks_api,
    marks_pages,
    offer_pages,
    pages,
    playing,
    reading,
    tus,
    view_pages,
)
from densach_hub.library.asking import ASKING, Asking
from densach_hub.library.opds import web as opds
from densach_hub.library.sending import X_ACCEL
from densach_hub.library.service import LIBRARY, Library

ROUTES: tuple[Routes, ...] = (
    files.routes,  # asked for most often: found first
    pages.routes,
    copies.routes,
    reading.routes,
    playing.routes,
    learning.routes,
    marks_api.routes,
    marks_pages.routes,
    view_pages.routes,
    desk.routes,
    desk_imports.routes,
    desk_many.routes,
    desk_twins.routes,
    list_pages.routes,
    offer_pages.routes,
    exchange_api.routes,
    editing.routes,
    tus.routes,
    *opds.ROUTES,
    api.routes,
    desk_api.routes,
)


def services(library: Library, clock: Clock, *, searches_per_s: float = 0.0, x_accel: str = "") -> Mapping[web.AppKey[Any], Any]:
    """What the library's handlers look for in the application. `searches_per_s`: of one account; 0 is no limit.

    x_accel: the location under which a proxy on this machine sends the files itself; empty: it does not.
    """
    found: dict[web.AppKey[Any], Any] = {LIBRARY: library, X_ACCEL: x_accel, **opds.services(library, clock)}
    if searches_per_s > 0:
        found[ASKING] = Asking(clock, searches_per_s)
    return found
