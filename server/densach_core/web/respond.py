"""How a handler reads what came and answers: parse → service → answer."""

import re
from typing import Any, TypeVar
from urllib.parse import quote, unquote

import msgspec
from aiohttp import web

from densach_core.errors import BadInput, TooLarge
from densach_core.text import Text, t
from densach_core.web.identity import address_of, who_is
from densach_core.web.keys import FACES, LANGUAGES, SITE, TEMPLATES
from densach_core.web.speech import LOCALE

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)
FLASH = "flash"
SECRETS = ("password", "again", "secret", "old", "new")
_MISSING = re.compile(r"missing required field `(\w+)`")


def render(request: web.Request, template: str, /, *, status: int = 200, **values: Any) -> web.Response:
    """A page (or a fragment of one) from a room's template."""
    account = who_is(request)
    context = {
        "request": request,
        "path": request.path,
        "account": account,
        "locale": LOCALE.get(),
        "theme": request.cookies.get("theme", "auto"),
        "faces": [face for face in request.app[FACES] if face.access.admits(account)],
        "site": request.app[SITE],
        "idle_s": _idle_s(request) if account else None,
        "status": status,
        "flash": unquote(request.cookies.get(FLASH, "")),
        **values,
    }
    response = web.Response(text=request.app[TEMPLATES].render(template, context), content_type="text/html", status=status)
    if FLASH in request.cookies and request.headers.get("HX-Request") is None:
        response.del_cookie(FLASH)
    return response


def _idle_s(request: web.Request) -> int | None:
    """After how many seconds without anybody the page signs out: on a shared machine only."""
    shared = request.app[SITE].shared
    return shared.idle_s if shared is not None and shared.has(address_of(request)) else None


def see_other(request: web.Request, path: str, *, flash: Text | None = None) -> web.Response:
    """After a form was done: on to a page of ours, with a sentence to show there once."""
    response = web.Response(status=303, headers={"Location": path if is_own(path) else "/"})
    if flash is not None:
        said = request.app[LANGUAGES].say(flash, LOCALE.get())
        response.set_cookie(FLASH, quote(said), max_age=60, httponly=True, samesite="Lax")
    return response


def is_own(path: str) -> bool:
    """Whether a browser takes `path` for a page of ours: it reads `//host` and `/\\host` as another site, and leaves out tabs
    and line ends (`/<tab>/host`) before it reads."""
    return path.startswith("/") and path[1:2] not in {"/", "\\"} and not any(ord(ch) < 32 or ord(ch) == 127 for ch in path)


async def read_form(request: web.Request, kind: type[S]) -> S:
    """A submitted form as a Struct. Repeated fields become lists where the Struct wants one; empty optional fields are None.

    Raises BadInput("form.wrong") naming the field.
    """
    posted = await request.post()
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    found: dict[str, Any] = {}
    for name, field in fields.items():
        values = posted.getall(name, [])
        if _wants_list(field.type):
            found[name] = [value for value in values if value != ""]
        elif values and (values[0] != "" or field.type is str):
            found[name] = values[0].strip() if isinstance(values[0], str) else values[0]
    try:
        return msgspec.convert(found, kind, strict=False)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$.")
        missing = _MISSING.search(reason)
        where = missing[1] if missing else path.rstrip("`").partition("[")[0]
        raise BadInput(
            "form.wrong",
            t("A field of the form does not fit: {field}", field=where or reason),
            t("Go back, correct it and send the form again."),
            field=where,
            reason=reason,
        ) from error


async def typed(request: web.Request) -> dict[str, list[str]]:
    """The words of a form that is to be shown once more, as they were typed; files and passwords must be given again."""
    posted = await request.post()
    names = dict.fromkeys(name for name in posted if not name.startswith(SECRETS))
    return {name: [value for value in posted.getall(name) if isinstance(value, str)] for name in names}


async def read_body(request: web.Request, kind: type[T]) -> T:
    """A JSON body as a Struct. Raises BadInput("body.wrong") with the path of what does not fit."""
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise TooLarge("body.too-large", t("This is larger than allowed here.")) from error
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput("body.wrong", t("The body does not fit: {reason}", reason=str(error))) from error


def answer(value: Any, *, status: int = 200, content_type: str = "application/json") -> web.Response:
    """A Struct as JSON."""
    return web.Response(body=msgspec.json.encode(value), status=status, content_type=content_type)


def _wants_list(kind: Any) -> bool:
    return getattr(kind, "__origin__", kind) in {list, tuple, frozenset, set}
