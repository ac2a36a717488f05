"""Finding things: the first page's shelves and search. What is the same for everybody is kept until something changes."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from sqlite3 import Connection, OperationalError

from densach_core.database import Database
from densach_hub.library import index, store
from densach_hub.library.model import Answer, Card, Filters, Hit, Home, Inside, Shelf, ShelfCount
from densach_hub.library.query import parse
from densach_hub.library.subjects import GRADES

SEARCH_SECONDS = 1.0
TEXT_SECONDS = 0.6
KEPT_ANSWERS = 100
NEW = 12
ON_SHELF = 8
MOST_SHELVES = 12
INSIDE = 6
MOST_OFFSET = 2_000
_Key = tuple[str, Filters, int, int, bool]


class Finder:
    """Asks the index. Call `changed` whenever an item may look different."""

    def __init__(self, school: Database, search: Database) -> None:
        self._school = school
        self._search = search
        self._stamp: tuple[int, int] | None = None
        self._home: Home | None = None
        self._drawing = asyncio.Lock()
        self._answers: OrderedDict[_Key, Answer] = OrderedDict()
        self.generation = 0

    def changed(self) -> None:
        self.generation += 1
        self._home = None
        self._answers.clear()

    async def notice(self) -> bool:
        """Looks whether another process (a command) changed items; True when it did."""
        stamp = await self._school.read(store.stamp)
        differs = stamp != self._stamp
        if differs:
            first, self._stamp = self._stamp is None, stamp
            if not first:
                self.changed()
        return differs

    async def home(self) -> Home:
        """The shelves of the first page."""
        if self._home is None:
            async with self._drawing:
                if self._home is None:
                    generation = self.generation
                    home = await self._school.read(_home)
                    if generation != self.generation:
                        return home
                    self._home = home
        return self._home

    async def search(self, typed: str, filters: Filters, *, limit: int = 20, offset: int = 0, with_texts: bool = True) -> Answer:
        """Titles, then texts. Bounded in rows and time: a search that takes too long answers with what it has (`partial`)."""
        offset = max(0, min(offset, MOST_OFFSET))
        key = (typed, filters, limit, offset, with_texts)
        kept = self._answers.get(key)
        if kept is not None:
            self._answers.move_to_end(key)
            return kept
        generation = self.generation
        query = parse(typed)
        with_texts = with_texts and bool(query.words) and offset == 0

        def ask(c: Connection) -> tuple[list[Card], bool, int | None, list[Inside], bool]:
            cards, more, total = index.titles(c, query, filters, limit=limit, offset=offset)
            try:
                inside = index.texts(c, query, filters, limit=INSIDE) if with_texts else []
            except OperationalError as error:
                if "interrupted" not in str(error):
                    raise
                return cards, more, total, [], True
            return cards, more, total, inside, False

        cards, more, total, inside, partial = await self._search.read(ask, seconds=SEARCH_SECONDS)
        answer = Answer(
            query=query.text,
            filters=filters,
            offset=offset,
            cards=tuple(cards),
            inside=tuple(inside),
            total=total,
            more=more,
            partial=partial,
        )
        if generation == self.generation and not partial:
            self._answers[key] = answer
            while len(self._answers) > KEPT_ANSWERS:
                self._answers.popitem(last=False)
        return answer

    async def inside(self, typed: str, item_id: str, *, limit: int = 50) -> list[Hit]:
        """The places in one item's text."""
        query = parse(typed)
        return await self._search.read(lambda c: index.inside(c, query, item_id, limit=limit), seconds=TEXT_SECONDS)

    async def cards(self, ids: Sequence[str]) -> list[Card]:
        """The cards of items in the order asked; those no longer shown are left out."""
        if not ids:
            return []
        found = await self._search.read(lambda c: index.cards(c, ids))
        return [found[item] for item in ids if item in found]


def _home(c: Connection) -> Home:
    shelves = []
    for subject, total in store.counts_by_subject(c)[:MOST_SHELVES]:
        cards = store.shelf(c, " AND w.subject = ?", (subject,), ON_SHELF)
        shelves.append(Shelf(filters=Filters(subject=subject), cards=tuple(cards), total=total))
    spans = store.spans_of_grades(c)
    grades = [ShelfCount(str(g), sum(n for first, last, n in spans if first <= g <= last)) for g in GRADES]
    return Home(
        new=tuple(store.shelf(c, "", (), NEW)),
        subjects=tuple(shelves),
        grades=tuple(count for count in grades if count.n),
        items=store.count_ready(c),
    )
