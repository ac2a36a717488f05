"""Looking into an item's file for a page: in a thread, and what cannot be read is a part that is not there."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from densach_core.errors import NotFound
from densach_core.text import t
from densach_hub.library.formats.found import Unreadable

T = TypeVar("T")


async def unless_unreadable(work: Callable[[], T]) -> T:
    """What `work` finds. Raises NotFound("library.no-part") when the file does not hold it or cannot be read."""
    try:
        return await asyncio.to_thread(work)
    except Unreadable as reason:
        raise NotFound("library.no-part", t("The book has no such part."), reason=reason.code) from reason
