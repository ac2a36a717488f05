"""Indicators for programs."""

from aiohttp import web

from densach_core.web.routes import Routes
from densach_hub.measures.model import IndicatorList, Opened
from densach_hub.measures.pages import READERS, asked_day
from densach_hub.measures.service import MEASURES

routes = Routes("measures")


@routes.api("GET", "/api/v1/indicators", who=READERS, answers=IndicatorList, summary="All indicators, as of now or of ?day=")
async def indicators(request: web.Request) -> IndicatorList:
    report = await request.app[MEASURES].report(asked_day(request))
    return IndicatorList(day=report.day, at=report.at, indicators=[line.indicator for line in report.lines])


@routes.api("GET", "/api/v1/indicators/{key}", who=READERS, answers=Opened, summary="One indicator with the facts behind it")
async def indicator(request: web.Request) -> Opened:
    return await request.app[MEASURES].opened(request.match_info["key"], asked_day(request))
