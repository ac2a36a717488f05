"""Finding things: the first page's shelves and search. What is the same for everybody is kept until something changes."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import pairwise
from sqlite3 import Connection, OperationalError
from typing import TypeVar

import msgspec

from densach_core.database import Database
from densach_core.errors import Unavailable
from densach_hub.library import hits, sides, store, vocabulary
from densach_hub.library.hits import Titles
from densach_hub.library.model import Answer, Card, Filters, Hit, Home, Inside, Shelf, ShelfCount, Suggestions, Written
from densach_hub.library.query import Query, alike, parse, raw_words, spelled
from densach_hub.library.remembered import Remembered
from densach_hub.library.sides import Tables
from densach_hub.library.subjects import GRADES

SEARCH_SECONDS = 1.0
TEXT_SECONDS = 0.6
ANSWERS_BYTES, SUGGESTIONS_BYTES = 3_000_000, 500_000
NEW = 12
ON_SHELF = 8
MOST_SHELVES = 12
INSIDE = 6
MOST_OFFSET = 2_000
SUGGESTED, SUGGESTED_PEOPLE = 6, 3
T = TypeVar("T")


class Finder:
    """Asks the index. Call `changed` whenever an item may look different."""

    def __init__(self, school: Database, search: Database) -> None:
        self._school = school
        self._search = search
        self._stamp: tuple[int, int] | None = None
        self._home: Home | None = None
        self._drawing = asyncio.Lock()
        self._answers = Remembered(Answer, ANSWERS_BYTES)
        self._suggestions = Remembered(Suggestions, SUGGESTIONS_BYTES)
        self.generation = 0

    def changed(self) -> None:
        self.generation += 1
        self._home = None

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
                    home = await self._search.read(lambda c: hits.shelves(c, new=NEW, on_shelf=ON_SHELF, most=MOST_SHELVES))
                    if home is None:
                        home = await self._school.read(_home)
                    if generation != self.generation:
                        return home
                    self._home = home
        return self._home

    async def search(
        self,
        typed: str,
        filters: Filters,
        *,
        limit: int = 20,
        offset: int = 0,
        with_texts: bool = True,
        as_typed: bool = False,
    ) -> Answer:
        """Titles, then texts. Bounded in rows and time: a search that takes too long answers with what it has (`partial`).

        Words that find nothing are read as keys of Telex or VNI, then as slips, unless they shall be taken `as_typed`.
        """
        offset = max(0, min(offset, MOST_OFFSET))
        search = _Search(filters, limit, offset, with_texts=with_texts)
        query = parse(typed)
        key = (alike(query), filters, limit, offset, with_texts, as_typed)
        answer = await self._answers.answer(
            key,
            lambda: self.generation,
            lambda: self._search.read(lambda c: search.answer(c, query, as_typed=as_typed), seconds=SEARCH_SECONDS),
            worth=lambda found: not found.partial,
        )
        return answer if answer.query == query.text else msgspec.structs.replace(answer, query=query.text)

    async def ask(self, question: Callable[[Connection], T]) -> T:
        """A question of another module to the index (reading apps' lists), bounded in time like a search."""
        return await self._search.read(question, seconds=SEARCH_SECONDS)

    async def suggest(self, typed: str) -> Suggestions:
        """What may be meant while somebody types: the best titles, and people so called; nothing where that takes too long."""
        search = _Search(Filters(), SUGGESTED, 0, with_texts=False)
        query = parse(typed)

        def ask(c: Connection) -> Suggestions:
            answer = search.answer(c, query, as_typed=False)
            names = hits.people(c, parse(answer.read_as) if answer.read_as else query, most=SUGGESTED_PEOPLE)
            return Suggestions(cards=answer.cards, people=tuple(names), read_as=answer.read_as)

        try:
            return await self._suggestions.answer(
                alike(query),
                lambda: self.generation,
                lambda: self._search.read(ask, seconds=TEXT_SECONDS),
                worth=lambda _: not search.partial,
            )
        except Unavailable:
            return Suggestions()

    async def inside(self, typed: str, item_id: str, *, limit: int = 50) -> list[Hit]:
        """The places in one item's text."""
        query = parse(typed)
        return await self._search.read(lambda c: hits.inside(c, query, item_id, limit=limit), seconds=TEXT_SECONDS)

    async def text(self, item_id: str, *, section: int = 0, most: int = 50) -> list[Written]:
        """What was read out of an item, from a section on."""
        return await self._search.read(lambda c: hits.text(c, item_id, section=section, most=most), seconds=TEXT_SECONDS)

    async def cards(self, ids: Sequence[str]) -> list[Card]:
        """The cards of items in the order asked; those no longer shown are left out."""
        if not ids:
            return []
        found = await self._search.read(lambda c: hits.cards(c, ids))
        return [found[item] for item in ids if item in found]


class _Search:
    """One search on a connection: the words as typed; if they find nothing, what they may have been meant to be."""

    def __init__(self, filters: Filters, limit: int, offset: int, *, with_texts: bool) -> None:
        self._filters = filters
        self._limit = limit
        self._offset = offset
        self._with_texts = with_texts and offset == 0
        self.partial = False

    def answer(self, c: Connection, query: Query, *, as_typed: bool) -> Answer:
        found = self._titles(c, query)
        if found.anywhere or not query.words:
            return self._told(query, found, self._texts(c, query))
        side = None if as_typed else sides.answering(c)
        if side is not None and (keyed := vocabulary.read_keys(c, side, query)) is not None:
            found, texts = self._titles(c, keyed), self._texts(c, keyed)
            if found.anywhere or texts:
                return self._told(query, found, texts, read_as=keyed.text)
        texts = self._texts(c, query)
        if side is not None and (found_better := self._mended(c, side, query)) is not None:
            mended, better, sure = found_better
            words = _shown(mended, better.cards)
            if texts or not sure:
                if not texts and not self.partial:
                    found = self._titles(c, query, loose=True)
                return self._told(query, found, texts, meant=words)
            return self._told(query, better, self._texts(c, mended), read_as=words)
        if not self.partial:
            found = self._titles(c, query, loose=not texts)
        return self._told(query, found, texts)

    def _mended(self, c: Connection, side: Tables, query: Query) -> tuple[Query, Titles, bool] | None:
        """The first mending of slips whose words stand beside each other in what it finds, and whether it needs no asking back;
        words that only stand somewhere in the same title are said in place of such as are nowhere, not of such as are right.

        None too when there was no time left to look for one.
        """
        first = None
        try:
            for mended, sure in vocabulary.corrections(c, side, query):
                better = self._titles(c, mended)
                if better.anywhere and _together(query, mended, better.cards):
                    return mended, better, sure
                if better.anywhere and sure and first is None:
                    first = mended, better, sure
        except OperationalError as error:
            if "interrupted" not in str(error):
                raise
            self.partial = True
        return first

    def _titles(self, c: Connection, query: Query, *, loose: bool = False) -> Titles:
        return hits.titles(c, query, self._filters, limit=self._limit, offset=self._offset, loose=loose)

    def _texts(self, c: Connection, query: Query) -> list[Inside]:
        if not self._with_texts or not query.words or self.partial:
            return []
        try:
            return hits.texts(c, query, self._filters, limit=INSIDE)
        except OperationalError as error:
            if "interrupted" not in str(error):
                raise
            self.partial = True
            return []

    def _told(
        self, query: Query, found: Titles, texts: list[Inside], *, read_as: str | None = None, meant: str | None = None
    ) -> Answer:
        return Answer(
            query=query.text,
            filters=self._filters,
            offset=self._offset,
            cards=tuple(found.cards),
            inside=tuple(texts),
            total=found.total,
            more=found.more,
            partial=self.partial,
            facets=found.facets,
            read_as=read_as,
            meant=meant,
            loose=found.loose,
        )


def _together(query: Query, mended: Query, cards: Sequence[Card]) -> bool:
    """Whether each replaced word stands beside its neighbour of the question somewhere in a title or a name."""
    if len(mended.words) == 1:
        return True
    pairs: set[tuple[str, str]] = set()
    for card in cards:
        for written in (card.title, card.people):
            pairs.update(pairwise(spelled(word) for word in raw_words(written)))
    asked = list(pairwise(mended.words))
    replaced = [n for n, (old, new) in enumerate(zip(query.words, mended.words, strict=True)) if old != new]
    return all(any(pair in pairs for pair in asked[max(0, n - 1) : n + 1]) for n in replaced)


def _shown(query: Query, cards: Sequence[Card]) -> str:
    """Mended words as they are written in what they found, with their tones."""
    written: dict[str, str] = {}
    for card in cards:
        for word in raw_words(f"{card.title} {card.people}"):
            written.setdefault(spelled(word), word)
    return " ".join(written.get(word, word) for word in query.words)


def _home(c: Connection) -> Home:
    """The first page from the catalogue itself, while there is no whole index."""
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
