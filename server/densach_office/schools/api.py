"""The officer's table and a school, for programs."""

import msgspec
from aiohttp import web

from densach_core.accounts.model import OFFICERS
from densach_core.web.routes import Routes
from densach_office.schools.model import SchoolRow, SchoolSight
from densach_office.schools.pages import chosen
from densach_office.schools.service import SCHOOLS, Overview

routes = Routes("office")


class SchoolList(msgspec.Struct, frozen=True):
    overview: Overview
    schools: list[SchoolRow]


@routes.api(
    "GET",
    "/api/v1/schools",
    who=OFFICERS,
    answers=SchoolList,
    summary="Every school: last heard, machines, ratios, alerts (?q=, ?unit=, ?only=beyond|silent|alerts, ?sort=, ?dir=down)",
)
async def schools(request: web.Request) -> SchoolList:
    rows = await request.app[SCHOOLS].rows(chosen(request))
    return SchoolList(await request.app[SCHOOLS].overview(rows), rows)


@routes.api("GET", "/api/v1/schools/{code}", who=OFFICERS, answers=SchoolSight, summary="One school with its records")
async def school(request: web.Request) -> SchoolSight:
    return await request.app[SCHOOLS].school(request.match_info["code"])
