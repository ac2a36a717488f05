"""OPDS Progression 1.0 (draft): an app asks and tells where its reader is; the same place the library's own readers keep."""

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import quote, unquote

import msgspec
from aiohttp import web

from densach_core.errors import BadInput, NotFound
from densach_core.text import t
from densach_core.web.keys import CLOCK
from densach_core.web.respond import read_body
from densach_core.web.routes import EVERYONE, Routes
from densach_hub.library.model import Item, Kind, Place
from densach_hub.library.opds.addresses import PROGRESSION
from densach_hub.library.opds.answers import OWN, document
from densach_hub.library.opds.browsing import BROWSING, FOLLOWED, speaker
from densach_hub.library.opds.door import answering
from densach_hub.library.readers import MOST_WHERE

routes: Final = Routes("library")
MOST_BYTES = 64 * 1024
MOST_REFERENCES = 20
_UUID = re.compile(r"urn:uuid:([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})", re.IGNORECASE)
_SHORT = re.compile(r"[0-9a-f]{32}")
_PAGE = re.compile(r"#page=([0-9]{1,6})")
_SECONDS = re.compile(r"#t=(?:npt:)?([0-9]{1,7}(?:\.[0-9]{1,6})?)")
_NUMBER = re.compile(r"[0-9]{1,7}(?:\.[0-9]+)?")
HERE = "urn:densach:device:"
NOWHERE = "-"
"""Of an EPUB, when an app told a fraction alone."""


class Device(msgspec.Struct, frozen=True):
    """`id` is a URI by which an app knows its own records again, `name` is for people."""

    id: str
    name: str


class Progression(msgspec.Struct, frozen=True, omit_defaults=True):
    """`progression` is 0–1, `modified` ISO 8601 by the app's clock, `references` point into the item, best first."""

    modified: str
    device: Device
    progression: float
    references: tuple[str, ...] = ()
    title: str = ""


@routes.get("/opds/items/{id}/progression", who=EVERYONE, api=True)
@answering
async def progression(request: web.Request) -> web.StreamResponse:
    """Where the reader is; an empty answer when they have not begun."""
    it, account_id = await _asked(request)
    found = await request.app[BROWSING].library.readers.place(account_id, it.id)
    return _answer(request, it, found)


@routes.on("PUT", "/opds/items/{id}/progression", who=EVERYONE, api=True, limit_bytes=MOST_BYTES)
@answering
async def tell(request: web.Request) -> web.StreamResponse:
    """Takes an app's record. The newer one holds, whoever brings it first: 409 with the one that does when it is not this."""
    it, account_id = await _asked(request)
    readers = request.app[BROWSING].library.readers
    try:
        told = await read_body(request, Progression)
        at = moment_of(told.modified)
        if not told.device.id.strip() or not told.device.name.strip():
            raise BadInput("library.bad-place", t("The device says neither its id nor its name."))
        now = request.app[CLOCK].now_ms()
        where, device = where_of(it, told.references, told.progression), packed(told.device)
        before = await readers.place(account_id, it.id)
        kept = await readers.save(
            account_id,
            it.id,
            where=where,
            fraction=told.progression,
            device_at=at,
            device_now=clock_of(request.headers.get("Date", ""), now),
            device=device,
        )
    except BadInput as problem:
        return _bad_request(request, problem)
    holds = (kept.where, kept.fraction, kept.device) == (where, told.progression, device)
    return _answer(request, it, kept, status=409 if not holds else 200 if before else 201)


def _bad_request(request: web.Request, problem: BadInput) -> web.Response:
    """The draft wants 400 where our API says 422."""
    say = speaker(request)
    told = {"type": "about:blank", "status": 400, "code": problem.code, "title": say(problem.what)}
    return web.Response(body=msgspec.json.encode(told), status=400, content_type="application/problem+json")


async def _asked(request: web.Request) -> tuple[Item, str]:
    browsing = request.app[BROWSING]
    account = await browsing.door.reader(request)
    it = await browsing.library.item(request.match_info["id"])
    if not it.readable or it.kind not in FOLLOWED:
        raise NotFound("library.no-place", t("In this item no place is kept."))
    return it, account.id


def _answer(request: web.Request, it: Item, place: Place | None, *, status: int = 200) -> web.Response:
    body = b"" if place is None else msgspec.json.encode(told_of(it, place))
    response = document(request, PROGRESSION, body, caching=OWN)
    response.set_status(status)
    return response


def told_of(it: Item, place: Place) -> Progression:
    """A place of ours as an app reads it."""
    try:
        moment = datetime.fromtimestamp(place.at / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        moment = datetime.fromtimestamp(0, UTC)
    modified = f"{moment.strftime('%Y-%m-%dT%H:%M:%S')}.{moment.microsecond // 1000:03}Z"
    return Progression(modified, unpacked(place.device), place.fraction, references_of(it, place.where))


def references_of(it: Item, where: str) -> tuple[str, ...]:
    """A place in our notation as references: a page, seconds, a CFI; what an app once gave in its own words as it was."""
    if it.kind in {Kind.PDF, Kind.COMIC} and _NUMBER.fullmatch(where):
        return (f"#page={int(float(where))}",)
    if it.kind in {Kind.AUDIO, Kind.VIDEO} and _NUMBER.fullmatch(where):
        return (f"#t={where}",)
    if where.startswith("epubcfi("):
        return (f"#{quote(where, safe='/!,:;=@()[]^~*+$')}",)
    return tuple(where.split()) if it.kind is Kind.EPUB and where != NOWHERE else ()


def where_of(it: Item, references: Sequence[str], fraction: float) -> str:
    """References in the notation of the library's own reader of this kind; where there is none that fits, from the fraction.

    An EPUB's place may stay in the app's words (`text/ch2.xhtml#p7`): other apps follow those, our reader goes by the fraction.
    """
    given = [text for text in references[:MOST_REFERENCES] if text and not any(ch.isspace() for ch in text)]
    if it.kind in {Kind.PDF, Kind.COMIC}:
        page = next((int(match[1]) for text in given if (match := _PAGE.search(text))), None)
        return str(page if page is not None else 1 + int(fraction * ((it.pages or 1) - 1)))
    if it.kind in {Kind.AUDIO, Kind.VIDEO}:
        seconds = next((match[1] for text in given if (match := _SECONDS.search(text))), None)
        return seconds if seconds is not None else f"{fraction * (it.duration_ms or 0) / 1000:.3f}"
    cfi = next((text for text in given if text.rpartition("#")[2].startswith("epubcfi(")), None)
    if cfi is not None:
        return unquote(cfi.rpartition("#")[2])[:MOST_WHERE]
    kept = ""
    for text in given:
        if len(kept) + 1 + len(text) <= MOST_WHERE:
            kept = f"{kept} {text}".strip()
    return kept or NOWHERE


def moment_of(modified: str) -> int:
    """Milliseconds of an ISO 8601 moment; one without an offset is UTC. Raises BadInput."""
    try:
        moment = datetime.fromisoformat(modified)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise BadInput("library.bad-place", t("This is no moment: {text}", text=modified[:60])) from error


def clock_of(date: str, now: int) -> int:
    """The app's own clock, when it tells (the header Date), so that a wrong one does no harm; else it counts as right."""
    try:
        return int(parsedate_to_datetime(date).timestamp() * 1000) if date else now
    except (ValueError, OverflowError, TypeError):
        return now


def packed(device: Device) -> str:
    """Id and name in the sixty letters a place keeps; an id too long for it becomes one that is still its own."""
    match = _UUID.fullmatch(device.id)
    short = "".join(match.groups()).lower() if match else device.id
    if len(short) > 40 or "|" in short:
        short = HERE + hashlib.blake2b(device.id.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"{short}|{' '.join(device.name.split())}"[:60]


def unpacked(kept: str) -> Device:
    short, bar, name = kept.partition("|")
    if not bar:
        return Device(f"{HERE}{quote(kept) or 'hub'}", kept or "Đèn Sách")
    if _SHORT.fullmatch(short):
        short = f"urn:uuid:{short[:8]}-{short[8:12]}-{short[12:16]}-{short[16:20]}-{short[20:]}"
    return Device(short, name)
