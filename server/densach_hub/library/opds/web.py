"""All addresses of OPDS, the one that takes every other last."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from densach_core.clock import Clock
from densach_core.web.routes import Routes
from densach_hub.library.opds import entrance, feeds1, feeds2, progression
from densach_hub.library.opds.browsing import BROWSING, Browsing
from densach_hub.library.service import Library

ROUTES: tuple[Routes, ...] = (entrance.routes, feeds1.routes, feeds2.routes, progression.routes, entrance.rest)


def services(library: Library, clock: Clock) -> Mapping[web.AppKey[Any], Any]:
    """What the handlers look for in the application."""
    return {BROWSING: Browsing(library, clock)}
