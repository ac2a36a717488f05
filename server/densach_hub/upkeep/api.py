"""What the box itself needs, for programs: its examination, its backups."""

import msgspec
from aiohttp import web

from densach_core.accounts.model import ADMINS, TECHNICIANS
from densach_core.web.identity import me
from densach_core.web.keys import LANGUAGES
from densach_core.web.routes import Routes
from densach_core.web.speech import LOCALE
from densach_hub.upkeep.doctor import Verdict
from densach_hub.upkeep.service import UPKEEP, Copy

routes = Routes("upkeep")


class Examined(msgspec.Struct, frozen=True):
    """One check; `what` and `do` in the asker's language, `do` null when nothing has to be done."""

    subject: str
    verdict: Verdict
    what: str
    do: str | None


class Examination(msgspec.Struct, frozen=True):
    """`time_source`: "network", "system", "browser" or "doubted"."""

    time_source: str
    findings: list[Examined]


class CopyList(msgspec.Struct, frozen=True):
    """Complete backups, newest first."""

    backups: list[Copy]


class Taken(msgspec.Struct, frozen=True):
    """`folder` of the new backup, below the folder of backups."""

    folder: str


@routes.api("GET", "/api/v1/doctor", who=TECHNICIANS, answers=Examination, summary="Examine the hub")
async def examination(request: web.Request) -> Examination:
    upkeep, say, locale = request.app[UPKEEP], request.app[LANGUAGES].say, LOCALE.get()
    return Examination(
        upkeep.time_source(),
        [
            Examined(f.subject, f.verdict, say(f.what, locale), say(f.do, locale) if f.do else None)
            for f in await upkeep.findings()
        ],
    )


@routes.api("GET", "/api/v1/backups", who=TECHNICIANS, answers=CopyList, summary="Complete backups, newest first")
async def backups(request: web.Request) -> CopyList:
    return CopyList(await request.app[UPKEEP].copies())


@routes.api("POST", "/api/v1/backups", who=ADMINS, answers=Taken, status=201, summary="Take a backup now")
async def back_up(request: web.Request) -> Taken:
    return Taken((await request.app[UPKEEP].back_up(by=me(request))).name)
