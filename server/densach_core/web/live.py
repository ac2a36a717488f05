"""`/live`: server-sent events that name what changed. The page fetches the fragment itself, with its own permission."""

import asyncio

from aiohttp import web

from densach_core.errors import TooMany
from densach_core.text import t
from densach_core.web.identity import address_of
from densach_core.web.keys import BUS, METRICS
from densach_core.web.routes import EVERYONE, Routes

routes = Routes("core")
HEARTBEAT_S = 25.0
STREAMS: "web.AppKey[dict[asyncio.Task[None], str]]" = web.AppKey("streams")
"""Each open stream with the address it goes to."""
MOST = 2_000
MOST_OF_ONE = 300
"""A lab of sixty behind one address, some pages each; more than that is no person reading."""


def prepare(app: web.Application) -> None:
    app[STREAMS] = {}
    app[METRICS].streams.set_function(lambda: len(app[STREAMS]))
    app.on_shutdown.append(_end_streams)


async def _end_streams(app: web.Application) -> None:
    streams = app[STREAMS]
    ending = tuple(streams)
    for stream in ending:
        stream.cancel()
    await asyncio.gather(*ending, return_exceptions=True)


@routes.get("/live", who=EVERYONE, lasting=True)
async def live(request: web.Request) -> web.StreamResponse:
    """`?topics=fleet,library`: an event per topic that changed, a comment every 25 s to keep the line open."""
    wanted = frozenset(request.query.get("topics", "").split(","))
    streams, address = request.app[STREAMS], address_of(request)
    if len(streams) >= MOST or sum(1 for other in streams.values() if other == address) >= MOST_OF_ONE:
        raise TooMany(
            "live.too-many",
            t("Too many pages are open."),
            t("Close some; this one does not update itself."),
            retry_after_s=60,
        )
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    await response.prepare(request)
    stream = asyncio.create_task(_tell(request, response, wanted), name="live stream")
    streams[stream] = address
    try:
        await asyncio.wait({stream})
    finally:
        stream.cancel()
        streams.pop(stream, None)
    return response


async def _tell(request: web.Request, response: web.StreamResponse, wanted: frozenset[str]) -> None:
    with request.app[BUS].listen() as listener:
        try:
            await response.write(b"retry: 3000\n\n")
            while True:
                try:
                    async with asyncio.timeout(HEARTBEAT_S):
                        topics = await listener.next()
                except TimeoutError:
                    await response.write(b": still here\n\n")
                    continue
                for topic in sorted(topics & wanted):
                    await response.write(f"event: changed\ndata: {topic}\n\n".encode())
        except (ConnectionResetError, asyncio.CancelledError):
            return
