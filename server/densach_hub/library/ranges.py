"""The one range of bytes a browser asks for: films and sound are sought in, whatever they lie in."""

from aiohttp import web


def chosen(request: web.BaseRequest, answer: web.StreamResponse, size: int) -> tuple[int, int]:
    """First byte and the one behind the last; tells the answer its status (206, 416) and Content-Range.

    Several ranges at once, or what is no range, get all `size` bytes (RFC 9110, 14.2).
    """
    try:
        asked = request.http_range
    except ValueError:
        return 0, size
    if asked.start is None:
        return 0, size
    first = max(0, size + asked.start) if asked.start < 0 else asked.start
    last = size if asked.stop is None else min(asked.stop, size)
    if first >= last:
        answer.set_status(416)
        answer.headers["Content-Range"] = f"bytes */{size}"
        return 0, 0
    answer.set_status(206)
    answer.headers["Content-Range"] = f"bytes {first}-{last - 1}/{size}"
    return first, last
