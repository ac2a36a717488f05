"""Carries envelopes over HTTP: the only place that speaks to another level's address."""

import asyncio
from typing import TypeVar
from urllib.parse import urlsplit

import aiohttp
import msgspec

from densach_core.errors import BadInput, Conflict, NotAllowed, Problem, Unavailable
from densach_core.text import Text, t
from densach_wire.upward import FeedAnswer, PairAnswer, PairRequest

T = TypeVar("T")
MOST_ANSWER_BYTES = 1 << 20

_CODES: dict[str, Text] = {
    "feed.unknown-school": t("The office does not know this school."),
    "feed.wrong-signature": t("The office could not verify the signature."),
    "feed.key-revoked": t("The office has withdrawn this school's key."),
    "pairing.wrong-code": t("The office does not accept this code."),
    "pairing.code-used": t("This code has been used already."),
    "pairing.code-expired": t("This code is no longer valid."),
    "sender.no-answer": t("The office cannot be reached."),
    "sender.strange-answer": t("What answers at this address is not an office of Đèn Sách."),
}


class Courier:
    """One client session; use as an async context manager. A request takes 30 s at most."""

    def __init__(self, *, seconds: float = 30.0) -> None:
        self._limit = aiohttp.ClientTimeout(total=seconds, connect=10)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Courier":
        self._session = aiohttp.ClientSession(timeout=self._limit)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def feed(self, url: str, envelope: bytes) -> FeedAnswer:
        """Raises Problem with the office's own code, or "sender.no-answer" when the line is down."""
        return await self._post(f"{url}/api/v1/feed", envelope, FeedAnswer)

    async def pair(self, url: str, request: PairRequest) -> PairAnswer:
        return await self._post(f"{url}/api/v1/pair", msgspec.json.encode(request), PairAnswer)

    async def _post(self, url: str, body: bytes, kind: type[T]) -> T:
        if self._session is None:
            raise RuntimeError("the courier is used inside `async with`")
        try:
            async with self._session.post(
                url, data=body, headers={"Content-Type": "application/json"}, allow_redirects=False
            ) as response:
                answered = await response.content.read(MOST_ANSWER_BYTES + 1)
                status = response.status
        except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError, OSError, ValueError) as error:
            raise Unavailable("sender.no-answer", _CODES["sender.no-answer"], why=type(error).__name__) from error
        if status >= 400:
            raise _problem(status, answered)
        try:
            return msgspec.json.decode(answered, type=kind)
        except msgspec.MsgspecError as error:
            raise Unavailable("sender.strange-answer", _CODES["sender.strange-answer"]) from error


def explain(code: str | None) -> Text | None:
    """The sentence for a stored problem code."""
    if code is None:
        return None
    return _CODES.get(code, t("The office answered: {code}", code=code))


def address(url: str) -> str:
    """An office's address as it is stored. Raises BadInput("sender.bad-address")."""
    text = url.strip()
    if "://" not in text:
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        fine = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0 and not parts.query + parts.fragment
        odd = not fine or "@" in parts.netloc  # a password in an address would be shown and logged with it
    except ValueError:  # brackets that hold no IPv6 address, a port that is no number
        odd = True
    if odd:
        raise BadInput(
            "sender.bad-address",
            t("This is not the address of an office."),
            t("It looks like https://office.example.edu.vn."),
            field="url",
        )
    return text.rstrip("/")


class _Said(msgspec.Struct):
    code: str = ""


def _problem(status: int, body: bytes) -> Problem:
    try:
        code = msgspec.json.decode(body, type=_Said).code
    except (msgspec.MsgspecError, UnicodeDecodeError):
        code = ""
    if not code:
        return Unavailable("sender.strange-answer", _CODES["sender.strange-answer"], status=status)
    words = explain(code) or Text(code)
    kind = {401: NotAllowed, 403: NotAllowed, 409: Conflict, 422: BadInput, 404: NotAllowed}.get(status, Unavailable)
    return kind(code, words, t("Ask the office for a new pairing code if this stays."))
