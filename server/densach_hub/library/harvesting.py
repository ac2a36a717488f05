"""A catalogue of others, fetched page by page into one file: after a power cut it goes on with the page that is missing."""

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import msgspec

from densach_core.errors import Problem, TooLarge
from densach_core.text import t
from densach_hub.library.exchange import opds
from densach_hub.library.exchange.opds import Asked, Feed, Page
from densach_hub.library.exchange.visiting import Visitor

MOST_PAGES = 3_000
MOST_BYTES = 256 * 1024 * 1024
BLOCK = 64 * 1024
DEEPEST = 3
"""How far a catalogue's shelves are followed: the start leads to shelves, a shelf to its parts."""


def begin(path: Path, asked: Asked) -> None:
    path.write_bytes(msgspec.json.encode(asked) + b"\n")


def asked_in(path: Path) -> Asked | None:
    """What a harvest's file was begun with; None of any other file."""
    try:
        with path.open("rb") as file:
            first = file.readline(8192)
        return msgspec.json.decode(first, type=Asked) if first.startswith(b'{"opds"') else None
    except (OSError, msgspec.DecodeError):
        return None


def shrink(path: Path) -> None:
    """Leaves only what was asked, once the pages were read: it says later where files may be fetched."""
    with path.open("rb+") as file:
        file.truncate(len(file.readline()))


class Harvest:
    """`step` fetches one page (in a thread); False: there is no more. Raises what the first page's fetching raises."""

    def __init__(self, path: Path, asked: Asked) -> None:
        self._path = path
        self._visitor = Visitor(asked.opds, here=asked.here, login=asked.login)
        self._queue: deque[tuple[str, int]] = deque([(self._visitor.start, 0)])
        self._seen: set[str] = set()
        self._pages = 0
        self._there = self._whole_pages()

    def step(self) -> bool:
        while self._queue:
            address, depth = self._queue.popleft()
            if address in self._seen or not self._visitor.may_ask(address):
                continue
            self._seen.add(address)
            fetched = next(self._there, None)
            if fetched is None:
                fetched = self._fetch(address)
                self._keep(fetched)
            self._follow(fetched, depth)
            return True
        return False

    def _fetch(self, address: str) -> Page:
        """A page that cannot be fetched or is no feed is kept as an empty one, unless it is the first."""
        self._pages += 1
        if self._pages > MOST_PAGES or self._path.stat().st_size > MOST_BYTES:
            raise TooLarge("import.catalogue-too-large", t("This catalogue is too large to be taken at once."))
        try:
            at, body = self._visitor.text(address, opds.MOST_PAGE)
            opds.parse(body.encode(), at)
        except Problem as problem:
            if len(self._seen) == 1 or problem.code == "import.unreachable":
                raise
            return Page(address, opds.NOTHING)
        return Page(at, body)

    def _follow(self, page: Page, depth: int) -> None:
        feed = Feed(entries=[]) if page.body == opds.NOTHING else opds.parse(page.body.encode(), page.address)
        if feed.all is not None and feed.all not in self._seen:
            self._queue = deque([(feed.all, DEEPEST)])
            return
        if feed.next is not None:
            self._queue.appendleft((feed.next, depth))
        if depth < DEEPEST:
            self._queue.extend((lead, depth + 1) for lead in feed.leads)

    def _keep(self, page: Page) -> None:
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(page) + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _whole_pages(self) -> Iterator[Page]:
        """What came before a power cut, in the order it was asked for; a torn last page is cut off."""
        with self._path.open("rb+") as file:
            end = file.seek(0, os.SEEK_END)
            while end > 0:
                start = max(0, end - BLOCK)
                file.seek(start)
                newline = file.read(end - start).rfind(b"\n")
                if newline >= 0:
                    file.truncate(start + newline + 1)
                    break
                end = start
        return opds.pages_in(self._path)
