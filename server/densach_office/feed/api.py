"""What hubs and lower offices call: pair once, then feed."""

from aiohttp import web

from densach_core.errors import TooLarge
from densach_core.text import t
from densach_core.web.identity import address_of
from densach_core.web.respond import read_body
from densach_core.web.routes import EVERYONE, Routes
from densach_office.feed.pairing import PAIRING
from densach_office.feed.service import FEED
from densach_office.profile import PROFILE
from densach_wire.upward import MAX_ENVELOPE_BYTES, Envelope, FeedAnswer, PairAnswer, PairRequest

routes = Routes("feed")


@routes.api(
    "POST",
    "/api/v1/feed",
    who=EVERYONE,
    summary="Take signed records of a paired school; one answer per record",
    takes=Envelope,
    answers=FeedAnswer,
    same_site=False,
    limit_bytes=MAX_ENVELOPE_BYTES,
)
async def feed(request: web.Request) -> FeedAnswer:
    try:
        envelope = await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise TooLarge("feed.too-large", t("This envelope is larger than allowed.")) from error
    return await request.app[FEED].receive(envelope)


@routes.api(
    "POST",
    "/api/v1/pair",
    who=EVERYONE,
    summary="Pin a school's public key with a one-time code",
    takes=PairRequest,
    answers=PairAnswer,
    same_site=False,
    limit_bytes=8192,
)
async def pair(request: web.Request) -> PairAnswer:
    asked = await read_body(request, PairRequest)
    await request.app[PAIRING].redeem(asked, address_of(request))
    office = await request.app[PROFILE].get()
    return PairAnswer(office=office.id, name=office.name)
