"""Answers given before: a class of sixty asks for the same few words, and the first answer is everybody's.

Only what is the same for everyone who may ask is kept here (the index holds nothing but what every reader may see), and only
until something changes. Whoever asks what is being looked for at this moment waits for that answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import msgspec

from densach_hub.library.kept import Shelved

T = TypeVar("T")


class Remembered(Generic[T]):
    """Answers of one kind as JSON, at most so many bytes of them; `generation` counts what changed so far.

    An answer counts for the generation at which its search began: what changed meanwhile may not be in it.
    """

    def __init__(self, kind: type[T], most_bytes: int) -> None:
        self._decoder = msgspec.json.Decoder(kind)
        self._shelved = Shelved(most_bytes)
        self._looking: dict[tuple[int, Hashable], asyncio.Future[T | None]] = {}

    async def answer(
        self, key: Hashable, generation: Callable[[], int], look: Callable[[], Awaitable[T]], *, worth: Callable[[T], bool]
    ) -> T:
        """What is kept, what is being looked for already, or what `look` finds; kept if it is `worth` it.

        Raises what `look` raises, to everybody who waited for it.
        """
        while True:
            began = generation()
            kept = self._shelved.get(began, key)
            if kept is not None:
                return self._decoder.decode(kept)
            there = self._looking.get((began, key))
            if there is None:
                return await self._look(key, began, generation, look, worth)
            found = await asyncio.shield(there)
            if found is not None:
                return found

    async def _look(
        self,
        key: Hashable,
        began: int,
        generation: Callable[[], int],
        look: Callable[[], Awaitable[T]],
        worth: Callable[[T], bool],
    ) -> T:
        told = self._looking[began, key] = asyncio.get_running_loop().create_future()
        try:
            found = await look()
        except Exception as error:
            told.set_exception(error)
            told.exception()  # nobody else may be waiting for it
            raise
        else:
            told.set_result(found)
        finally:
            del self._looking[began, key]
            if not told.done():
                told.set_result(None)  # who looked went away: somebody who waits looks instead
        if worth(found) and began == generation():
            self._shelved.put(began, key, msgspec.json.encode(found))
        return found
