"""Waits on the sockets of any number of Links, and on a wake-up descriptor, in the thread that calls it."""

import selectors
from collections.abc import Iterable
from typing import Protocol

from densach_agent.link import Link


class Pump:
    """`turn` handles what the sockets brought, then ticks every link; it returns at the latest after `seconds`."""

    def __init__(self, links: Iterable[Link] = ()) -> None:
        self._links: list[Link] = list(links)

    def add(self, link: Link) -> None:
        self._links.append(link)

    def remove(self, link: Link) -> None:
        self._links.remove(link)

    def turn(self, seconds: float, wake: "HasFileno | None" = None) -> bool:
        """True if the wake-up descriptor became readable."""
        woken = False
        with selectors.DefaultSelector() as selector:
            if wake is not None:
                selector.register(wake, selectors.EVENT_READ, None)
            for link in self._links:
                found = link.socket()
                if found is not None:
                    events = selectors.EVENT_READ | (selectors.EVENT_WRITE if link.wants_write() else 0)
                    selector.register(found, events, link)
            ready = selector.select(max(0.0, seconds))
        for key, events in ready:
            if key.data is None:
                woken = True
                continue
            if events & selectors.EVENT_READ:
                key.data.readable()
            if events & selectors.EVENT_WRITE:
                key.data.writable()
        for link in self._links:
            link.tick()
        return woken


class HasFileno(Protocol):
    def fileno(self) -> int: ...
