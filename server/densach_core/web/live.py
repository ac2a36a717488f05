"""`/live`: server-sent events that name what changed. The page fetches the fragment itself, with its own permission."""

import asyncio

from aiohttp import web

from densach_core.web.keys import BUS
from densach_core.web.routes import EVERYONE, Routes

routes = Routes("core")
HEARTBEAT_S = 25.0
STREAMS: "web.AppKey[set[asyncio.Task[None]]]" = web.AppKey("streams")


def prepare(app: web.Application) -> None:
    app[STREAMS] = set()
    app.on_shutdown.append(_end_streams)


async def _end_streams(app: web.Application) -> None:
    streams = app[STREAMS]
    ending = tuple(streams)
    for stream in ending:
        stream.cancel()
    await asyncio.gather(*ending, return_exceptions=True)


@routes.get("/live", who=EVERYONE)
async def live(request: web.Request) -> web.StreamResponse:
    """`?topics=fleet,library`: an event per topic that changed, a comment every 25 s to keep the line open."""
    wanted = frozenset(request.query.get("topics", "").split(","))
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    await response.prepare(request)
    stream = asyncio.create_task(_tell(request, response, wanted), name="live stream")
    request.app[STREAMS].add(stream)
    try:
        await asyncio.wait({stream})
    finally:
        stream.cancel()
        request.app[STREAMS].discard(stream)
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
