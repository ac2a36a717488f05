"""What is printed: seat labels with QR codes, and the log-book of a room (sổ theo dõi sử dụng phòng máy)."""

import re
from datetime import date

from aiohttp import web

from densach_core.accounts.model import TECHNICIANS
from densach_core.errors import BadInput
from densach_core.text import t
from densach_core.web.identity import is_secure
from densach_core.web.respond import render
from densach_hub.fleet.sights import LogBookRow
from densach_hub.lab.frame import routes
from densach_hub.lab.rules import WEEKDAYS
from densach_hub.lab.service import LAB

LOCAL = ("localhost", "127.", "[::1]")
ADDRESS = re.compile(r"^https?://[A-Za-z0-9.\-\[\]:]{1,200}$")


@routes.get("/lab/rooms/{id}/labels", who=TECHNICIANS)
async def labels(request: web.Request) -> web.StreamResponse:
    """`?base=http://…` when phones reach the hub by another address than this browser does."""
    own = f"{'https' if is_secure(request) else 'http'}://{request.host}"
    base = request.query.get("base", own).rstrip("/")
    if not ADDRESS.match(base):
        raise BadInput(
            "lab.label-address", t("This is not the address of a hub."), t("It looks like http://192.168.1.10"), field="base"
        )
    room, made = await request.app[LAB].labels(request.match_info["id"], base)
    local = base.split("://")[1].startswith(LOCAL)
    return render(
        request, "lab/labels.html", title=t("Labels of {name}", name=room.name), room=room, labels=made, base=base, local=local
    )


@routes.get("/lab/rooms/{id}/logbook", who=TECHNICIANS)
async def logbook(request: web.Request) -> web.StreamResponse:
    """`?month=2026-11`; `?simulated=1` fills it from simulated machines and says so."""
    lab = request.app[LAB]
    today = lab.today()
    year, month = month_of(request.query.get("month", f"{today:%Y-%m}"))
    simulated = request.query.get("simulated") == "1"
    room, rows = await lab.log_book(request.match_info["id"], year, month, simulated=simulated)
    first = date(year, month, 1)
    return render(
        request,
        "lab/logbook.html",
        title=t("Log-book of {name}", name=room.name),
        room=room,
        rows=with_days(rows),
        unsure=any(row.unknown_minutes for row in rows),
        first=first,
        weekdays=WEEKDAYS,
        before=_shift(first, -1),
        after=_shift(first, 1),
        simulated=simulated,
        has_simulated=(await lab.room(room.id)).sight.count.simulated > 0,
    )


def month_of(text: str) -> tuple[int, int]:
    """Raises BadInput for what is no month."""
    found = re.fullmatch(r"(\d{4})-(\d{2})", text)
    if not found or not 1 <= int(found[2]) <= 12 or not 2000 <= int(found[1]) <= 2100:
        raise BadInput("lab.month", t("This is not a month."), t("Write it as 2026-11."), field="month")
    return int(found[1]), int(found[2])


def with_days(rows: list[LogBookRow]) -> list[tuple[date, list[LogBookRow]]]:
    """The rows by day, in order."""
    days: dict[date, list[LogBookRow]] = {}
    for row in rows:
        days.setdefault(date.fromisoformat(row.day), []).append(row)
    return sorted(days.items())


def _shift(first: date, months: int) -> str:
    at = first.year * 12 + first.month - 1 + months
    return f"{at // 12:04d}-{at % 12 + 1:02d}"
