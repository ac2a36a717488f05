"""Tells open pages that something changed; they fetch what they show again. No data travels here, only topics."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Listener:
    """What one open page has yet to be told."""

    def __init__(self) -> None:
        self._topics: set[str] = set()
        self._heard = asyncio.Event()

    def hear(self, topic: str) -> None:
        self._topics.add(topic)
        self._heard.set()

    async def next(self) -> set[str]:
        """The topics said since the last call; waits until there is one."""
        await self._heard.wait()
        self._heard.clear()
        topics, self._topics = self._topics, set()
        return topics


class Bus:
    """Topics in memory. A listener that is slow gets each topic once, however often it was said meanwhile."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()

    def say(self, topic: str) -> None:
        """Call from the event loop's thread."""
        for listener in self._listeners:
            listener.hear(topic)

    @contextmanager
    def listen(self) -> Iterator[Listener]:
        listener = Listener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
