"""The principal's and the technician's reports: indicators, what is behind each, files to take away."""

import asyncio
from collections.abc import Callable
from datetime import date
from typing import Any

from aiohttp import web

from densach_core.accounts.model import PRINCIPALS, TECHNICIANS
from densach_core.clock import day_of
from densach_core.criteria import shown
from densach_core.errors import BadInput, NotFound
from densach_core.sender.service import SENDER
from densach_core.text import Text, t
from densach_core.web.identity import me
from densach_core.web.keys import CLOCK, LANGUAGES, SITE
from densach_core.web.respond import render, see_other
from densach_core.web.routes import Routes
from densach_core.web.speech import LOCALE
from densach_hub.measures import export
from densach_hub.measures.model import Line
from densach_hub.measures.service import MEASURES

READERS = PRINCIPALS | TECHNICIANS
COUNTS = frozenset({"machines-registered", "machines-working", "machines-connected", "studio-equipment"})
"""Computations that count: what is simulated is so many more. In all others it would make another value."""
routes = Routes("measures")


def asked_day(request: web.Request) -> date | None:
    """`?day=2026-09-30`. Raises BadInput("measures.bad-day")."""
    text = request.query.get("day", "")
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadInput("measures.bad-day", t("This is not a day."), t("Write it like 2026-09-30."), field="day") from error


@routes.get("/reports", who=READERS)
async def report(request: web.Request) -> web.StreamResponse:
    return await _report(request, "measures/report.html")


@routes.get("/reports/fragments/figures", who=READERS)
async def fragment(request: web.Request) -> web.StreamResponse:
    return await _report(request, "measures/figures.html")


async def _report(request: web.Request, template: str) -> web.Response:
    measures = request.app[MEASURES]
    found = await measures.report(asked_day(request))
    return render(
        request,
        template,
        title=t("Reports"),
        report=found,
        groups=_groups(found.lines),
        lines=await request.app[SENDER].lines(),
        problems=(await measures.shelf()).problems,
        today=day_of(request.app[CLOCK].now_ms()).isoformat(),
        query=request.query_string,
        **_words(),
    )


@routes.get("/reports.csv", who=READERS)
async def as_csv(request: web.Request) -> web.StreamResponse:
    found = await request.app[MEASURES].report(asked_day(request))
    body = export.report_csv(found, LOCALE.get(), _say(request))
    return _file(body, f"chi-so-{found.day}.csv", "text/csv; charset=utf-8")


@routes.get("/reports.xlsx", who=READERS)
async def as_xlsx(request: web.Request) -> web.StreamResponse:
    found = await request.app[MEASURES].report(asked_day(request))
    title = request.app[LANGUAGES].say(request.app[SITE].title, LOCALE.get())
    body = await asyncio.to_thread(export.report_xlsx, found, LOCALE.get(), title, _say(request))
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return _file(body, f"chi-so-{found.day}.xlsx", kind)


@routes.get("/reports/{key}", who=READERS)
async def opened(request: web.Request) -> web.StreamResponse:
    measures = request.app[MEASURES]
    key, day = request.match_info["key"], asked_day(request)
    try:
        found = await measures.opened(key, day)
    except NotFound:
        # A code without its level: the first level there is.
        lines = (await measures.report(day)).lines
        first = next((line.indicator.key for line in lines if line.indicator.code == key), None)
        if first is None:
            raise
        return see_other(request, f"/reports/{first}" + (f"?day={day.isoformat()}" if day else ""))
    return render(
        request,
        "measures/opened.html",
        title=found.line.criterion.title.say(LOCALE.get()),
        opened=found,
        day=day,
        today=day_of(request.app[CLOCK].now_ms()).isoformat(),
        technician=me(request).has(TECHNICIANS),
        **_words(),
    )


def _groups(lines: tuple[Line, ...]) -> list[tuple[str, list[Line]]]:
    """By file of criteria, in the order of the files."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(line.criterion.file, []).append(line)
    return list(found.items())


def _words() -> dict[str, Any]:
    locale = LOCALE.get()
    return {
        "figure": lambda value, decimals=0: shown.figure(value, decimals, locale),
        "norm": lambda value: shown.norm(value, locale),
        "reason": shown.reason,
        "counts": COUNTS,
        "level_words": shown.LEVELS,
        "day_words": lambda day: date.fromisoformat(day).strftime("%d/%m/%Y"),
    }


def _say(request: web.Request) -> Callable[[Text], str]:
    languages, locale = request.app[LANGUAGES], LOCALE.get()
    return lambda text: languages.say(text, locale)


def _file(body: bytes, name: str, kind: str) -> web.Response:
    return web.Response(body=body, headers={"Content-Type": kind, "Content-Disposition": f'attachment; filename="{name}"'})
