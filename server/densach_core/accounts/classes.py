"""How a pupil finds their name at the log-in page: class → name → PIN. Whoever keeps classes lends the lists."""

from typing import Protocol

import msgspec
from aiohttp import web


class ClassChoice(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    grade: int


class PupilChoice(msgspec.Struct, frozen=True, kw_only=True):
    """`id` is the account's. `hint` tells two pupils of one name apart (birthday, never the year)."""

    id: str
    name: str
    hint: str | None = None


class ClassLists(Protocol):
    """Empty lists when a school keeps names off the log-in page; an office has none at all."""

    async def log_in_classes(self) -> list[ClassChoice]: ...

    async def log_in_pupils(self, class_id: str) -> list[PupilChoice]: ...


CLASS_LISTS: "web.AppKey[ClassLists]" = web.AppKey("class_lists")
