"""Interactive lessons: the page around the lesson's frame, and the door through which it tells what a pupil did.

The lesson runs on the packages' origin. It is told where the pupil was through its frame's name, and answers by
`postMessage` with a key made for this one opening; only our own page talks to the hub, with the reader's session.
"""

import hashlib
import secrets

import msgspec
from aiohttp import web

from densach_core.accounts.model import Account
from densach_core.errors import NotFound
from densach_core.text import t
from densach_core.web.identity import me, who_is
from densach_core.web.respond import read_body
from densach_core.web.routes import SIGNED_IN, Routes
from densach_hub.library.formats.archive import open_archive
from densach_hub.library.formats.scorm import Manifest, Part, manifest_of
from densach_hub.library.lessons import DONE, Run
from densach_hub.library.model import Item, Kind
from densach_hub.library.packages import is_apart, package_address
from densach_hub.library.parts import unless_unreadable
from densach_hub.library.service import LIBRARY
from densach_hub.library.views import show

routes = Routes("library")


class LessonNote(msgspec.Struct, frozen=True):
    """What a lesson says: elements of the SCORM 1.2 data model and their values."""

    said: dict[str, str]


class LessonNow(msgspec.Struct, frozen=True):
    """What is kept of one part; `score` 0–100 or none, times in milliseconds."""

    said: dict[str, str]
    status: str
    score: float | None
    total_ms: int


async def lesson_page(request: web.Request, it: Item, values: dict[str, object]) -> web.Response:
    """The lesson in its frame, at part `?at=` (from 0)."""
    library = request.app[LIBRARY]
    manifest = await manifest_in(request, it)
    account = who_is(request)
    asked = request.query.get("at", "")
    runs = await library.lessons.runs(account.id, it.id) if account else {}
    done = {part for part, run in runs.items() if run.status in DONE}
    first = next((n for n in range(len(manifest.parts)) if n not in done), 0)
    part = int(asked) if asked.isascii() and asked.isdecimal() and int(asked[:6]) < len(manifest.parts) else first
    run = runs.get(part, Run())
    key = secrets.token_urlsafe(16)
    base = package_address(request, it)
    told = {"densach": "lesson", "key": key, "values": start_values(it, account, manifest.parts[part], run)}
    response = show(
        request,
        "library/lesson.html",
        address=base + manifest.parts[part].launch if base else None,
        apart=is_apart(request),
        parts=manifest.parts,
        part=part,
        done=done,
        run=run,
        key=key,
        frame_name=msgspec.json.encode(told).decode(),
        **values,
    )
    if base is not None:
        origin = "/".join(base.split("/", 3)[:3])
        response.headers["Content-Security-Policy"] = (
            "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none'; "
            f"form-action 'self'; frame-ancestors 'self'; frame-src {origin}"
        )
    response.headers["Cache-Control"] = "no-store"
    return response


def start_values(it: Item, account: Account | None, part: Part, run: Run) -> dict[str, str]:
    """What the lesson finds when it begins. It learns no name: whose it is, is nobody's business who packed it."""
    left = run.said.get("cmi.core.exit", "")
    reader = hashlib.blake2b(f"{account.id if account else 'guest'} {it.id}".encode(), digest_size=8).hexdigest()
    kept = {name: value for name, value in run.said.items() if name != "cmi.core.exit"}
    return {
        "cmi.core.lesson_status": "not attempted",
        "cmi.core.lesson_location": "",
        "cmi.core.score.raw": "",
        "cmi.core.total_time": "0000:00:00.00",
        "cmi.suspend_data": "",
        "cmi.comments": "",
        **kept,
        "cmi.core.student_id": reader,
        "cmi.core.student_name": "",
        "cmi.core.credit": "credit",
        "cmi.core.lesson_mode": "normal",
        "cmi.core.entry": "ab-initio" if not run.updated_at else "resume" if left in {"suspend", ""} else "",
        "cmi.launch_data": part.data,
        "cmi.comments_from_lms": "",
        "cmi.student_data.mastery_score": part.mastery,
        "cmi.student_data.max_time_allowed": "",
        "cmi.student_data.time_limit_action": "continue,no message",
    }


async def manifest_in(request: web.Request, it: Item) -> Manifest:
    path = request.app[LIBRARY].file_of(it)

    def look() -> Manifest:
        with open_archive(path) as archive:
            return manifest_of(archive)

    return await unless_unreadable(look)


@routes.api(
    "GET", "/api/v1/items/{id}/lesson/{part}", who=SIGNED_IN, answers=LessonNow, summary="Your work in a part of a lesson"
)
async def lesson(request: web.Request) -> LessonNow:
    it, part = await _part(request)
    return _now(await request.app[LIBRARY].lessons.run(me(request).id, it.id, part))


@routes.api(
    "POST",
    "/api/v1/items/{id}/lesson/{part}",
    who=SIGNED_IN,
    takes=LessonNote,
    answers=LessonNow,
    summary="Keep your work in a part of a lesson",
)
async def save_lesson(request: web.Request) -> LessonNow:
    it, part = await _part(request)
    note = await read_body(request, LessonNote)
    library = request.app[LIBRARY]
    account = me(request)
    run = await library.lessons.save(account.id, it.id, part, note.said)
    runs = await library.lessons.runs(account.id, it.id)
    parts = max(1, len(it.headings))
    done = sum(1 for one in runs.values() if one.status in DONE) / parts
    await library.readers.save(
        account.id,
        it.id,
        where=str(part),
        fraction=min(1.0, done),
        device_at=run.updated_at,
        device_now=run.updated_at,
        device="",
    )
    return _now(run)


async def _part(request: web.Request) -> tuple[Item, int]:
    it = await request.app[LIBRARY].item(request.match_info["id"])
    said = request.match_info["part"]
    if it.kind is not Kind.LESSON or not said.isascii() or not said.isdecimal() or len(said) > 4:
        raise NotFound("library.no-part", t("The lesson has no such part."))
    return it, int(said)


def _now(run: Run) -> LessonNow:
    return LessonNow(said=run.said, status=run.status, score=run.score, total_ms=run.total_ms)
