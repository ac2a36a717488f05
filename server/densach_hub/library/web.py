"""The library as the web sees it: all its addresses, and its service under its key."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from densach_core.web.routes import Routes
from densach_hub.library import api, desk, editing, files, opds, pages, reading, tus
from densach_hub.library.service import LIBRARY, Library

ROUTES: tuple[Routes, ...] = (
    pages.routes,
    reading.routes,
    files.routes,
    desk.routes,
    editing.routes,
    tus.routes,
    opds.routes,
    api.routes,
)


def services(library: Library) -> Mapping[web.AppKey[Any], Any]:
    """What the library's handlers look for in the application."""
    return {LIBRARY: library}
