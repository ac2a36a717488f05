"""Fleet over HTTP: joining (machines and their installer), and the register for scripts."""

import asyncio
import hashlib
from pathlib import Path

import msgspec
from aiohttp import web

from densach_core.accounts.model import TECHNICIANS
from densach_core.errors import NotFound
from densach_core.text import t
from densach_core.web.identity import address_of, is_secure, me
from densach_core.web.respond import read_body
from densach_core.web.routes import EVERYONE, Routes
from densach_hub.fleet.deb import of_kit as deb_of_kit
from densach_hub.fleet.kit import KitProblem
from densach_hub.fleet.model import Machine, Room, RoomToken, Waiting
from densach_hub.fleet.run_file import of_kit
from densach_hub.fleet.service import FLEET
from densach_wire.enrolment import EnrolAnswer, EnrolRequest

routes = Routes("fleet")
_SCRIPT = Path(__file__).parent / "join" / "linux.sh"
_A_DAY = {"Cache-Control": "max-age=86400"}


class Machines(msgspec.Struct, frozen=True):
    machines: list[Machine]


class RoomList(msgspec.Struct, frozen=True):
    rooms: list[Room]


class WaitingList(msgspec.Struct, frozen=True):
    waiting: list[Waiting]


class NewToken(msgspec.Struct, frozen=True, kw_only=True):
    room: str | None = None
    hours: int = 24
    uses: int = 60


class MadeToken(msgspec.Struct, frozen=True, kw_only=True):
    """`text` is shown now and never again."""

    token: RoomToken
    text: str


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    room: str | None = None
    seat: str | None = None


@routes.api(
    "POST",
    "/api/v1/enrol",
    who=EVERYONE,
    takes=EnrolRequest,
    answers=EnrolAnswer,
    same_site=False,
    limit_bytes=64 * 1024,
    summary="Join the school: a machine's request, with a room's token or to be admitted by a person",
)
async def enrol(request: web.Request) -> EnrolAnswer:
    asked = await read_body(request, EnrolRequest)
    return await request.app[FLEET].enrolment.enrol(asked, address=address_of(request))


@routes.api("GET", "/api/v1/machines", who=TECHNICIANS, answers=Machines, summary="The register of machines")
async def machines(request: web.Request) -> Machines:
    register = request.app[FLEET].register
    return Machines(await register.machines(room=request.query.get("room"), retired="retired" in request.query))


@routes.api("GET", "/api/v1/rooms", who=TECHNICIANS, answers=RoomList, summary="Rooms with their seats")
async def rooms(request: web.Request) -> RoomList:
    return RoomList(await request.app[FLEET].rooms.all())


@routes.api("GET", "/api/v1/enrol/waiting", who=TECHNICIANS, answers=WaitingList, summary="Machines to be admitted")
async def waiting(request: web.Request) -> WaitingList:
    return WaitingList(await request.app[FLEET].enrolment.waiting())


@routes.api(
    "POST",
    "/api/v1/enrol/waiting/{id}/admit",
    who=TECHNICIANS,
    takes=Admission,
    answers=Machine,
    summary="Admit a waiting machine",
)
async def admit(request: web.Request) -> Machine:
    where = await read_body(request, Admission)
    return await request.app[FLEET].enrolment.admit(
        request.match_info["id"], by=me(request).name, room=where.room, seat=where.seat
    )


@routes.api("POST", "/api/v1/enrol/waiting/{id}/refuse", who=TECHNICIANS, summary="Refuse a waiting machine")
async def refuse(request: web.Request) -> None:
    await request.app[FLEET].enrolment.refuse(request.match_info["id"], by=me(request).name)


@routes.api(
    "POST",
    "/api/v1/enrol/tokens",
    who=TECHNICIANS,
    takes=NewToken,
    answers=MadeToken,
    status=201,
    summary="Make a room's token for enrolment",
)
async def new_token(request: web.Request) -> MadeToken:
    wish = await read_body(request, NewToken)
    enrolment = request.app[FLEET].enrolment
    token, text = await enrolment.new_token(by=me(request).name, room=wish.room, hours=wish.hours, uses=wish.uses)
    return MadeToken(token=token, text=text)


@routes.api("DELETE", "/api/v1/enrol/tokens/{id}", who=TECHNICIANS, summary="Close a token")
async def revoke_token(request: web.Request) -> None:
    await request.app[FLEET].enrolment.revoke_token(request.match_info["id"], by=me(request).name)


@routes.get("/join/linux.sh", who=EVERYONE)
async def linux(request: web.Request) -> web.StreamResponse:
    """The installer, knowing this hub by the name it was asked for with."""
    host = request.host if all(ch.isalnum() or ch in ".-:[]_" for ch in request.host) else "localhost"
    hub = f"{'https' if is_secure(request) else 'http'}://{host}"
    script = await asyncio.to_thread(_SCRIPT.read_text, "utf-8")
    return web.Response(text=script.replace("@HUB@", hub), content_type="text/x-shellscript", charset="utf-8")


@routes.get("/join/kit/index.txt", who=EVERYONE)
async def index(request: web.Request) -> web.StreamResponse:
    """`digest name`, one file a line."""
    files = await asyncio.to_thread(request.app[FLEET].kit.files)
    return web.Response(text="".join(f"{file.sha256} {file.name}\n" for file in files), content_type="text/plain")


@routes.get("/join/kit/{name}", who=EVERYONE)
async def kit(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    files = request.app[FLEET].kit
    own, body = await asyncio.to_thread(files.own)
    if name == own:
        return web.Response(body=body, content_type="application/zip")
    if name.endswith(".run"):
        try:
            return web.Response(body=await asyncio.to_thread(of_kit, files, name), content_type="application/octet-stream")
        except KitProblem as problem:
            raise NotFound("fleet.kit-not-whole", t("The kit has no such file.")) from problem
    if name.endswith((".deb", ".deb.sha256")):
        try:
            body = await asyncio.to_thread(deb_of_kit, files, name.removesuffix(".sha256"))
        except KitProblem as problem:
            raise NotFound("fleet.kit-not-whole", t("The kit has no such file.")) from problem
        if name.endswith(".sha256"):
            return web.Response(text=f"{hashlib.sha256(body).hexdigest()}  {name.removesuffix('.sha256')}\n")
        return web.Response(body=body, content_type="application/vnd.debian.binary-package")
    path = files.path(name)
    if path is None:
        raise NotFound("fleet.no-kit-file", t("The kit has no such file."))
    return web.FileResponse(path, headers=_A_DAY)
