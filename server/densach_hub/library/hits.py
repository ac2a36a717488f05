"""Reading search.db: titles in order of rank with their counts, texts with the places the words stand at.

Nothing here may cost more because a word is common: what is ranked, counted and looked at is bounded in rows. And what SQLite
finds is taken from it as one row where it can be: at each row a thread lets go of Python's lock, and under sixty searches waits
for it again.
"""
# ruff: noqa: S608 - only names of tables and marks are put into statements; what somebody asked is a parameter

import sqlite3
from collections import Counter
from collections.abc import Sequence

import msgspec

from densach_hub.library import query as asked
from densach_hub.library import sides, vocabulary
from densach_hub.library.counts import Shape, counted, most_of
from densach_hub.library.index import WORDED, bounds, unpacked
from densach_hub.library.model import Card, Facets, Filters, Hit, Home, Inside, Shelf, ShelfCount, Written
from densach_hub.library.query import Query
from densach_hub.library.sides import Tables
from densach_hub.library.subjects import GRADES

COUNTED = 2_000
"""So many matches are counted; beyond, figures are “more than”."""

RANKED = 600
"""So many matches are put in order by weight; of a word that is in more of them the newest come first."""

ROUNDS = 40
ITEMS_LOOKED_AT = 24
A_LOOK = 12
HITS_AN_ITEM = 3
_LISTED = "'[' || group_concat('[' || key || ',' || n || ']') || ']'"
"""Shapes and how many of each, as one value."""
_WEIGHTS = "8.0, 8.0, 4.0, 3.0, 1.0, 0.0"
_cards = msgspec.json.Decoder(Card)
_places = msgspec.json.Decoder(list[tuple[int, str, int]])
_many_cards = msgspec.json.Decoder(list[Card])
_shapes_and_counts = msgspec.json.Decoder(list[tuple[Shape, int]])


class Titles(msgspec.Struct, frozen=True):
    """`total` None: more than were counted; `loose`: no title has all the words, these have some; not `anywhere`: without the
    limits there would be none either."""

    cards: list[Card]
    more: bool
    total: int | None
    facets: Facets
    loose: bool = False
    anywhere: bool = True


NOTHING = Titles([], more=False, total=0, facets=Facets(), anywhere=False)


def titles(c: sqlite3.Connection, query: Query, filters: Filters, *, limit: int, offset: int, loose: bool = False) -> Titles:
    """Items whose title (or people, topics) fit, best first. `loose`: any of the words will do when all of them find nothing."""
    side = sides.answering(c)
    if side is None:
        return NOTHING
    if not query.words:
        return _newest(c, side, filters, limit, offset)
    questions = asked.title_questions(query)
    facets, total, anywhere, only = _facets(c, side, questions[-1], filters)
    if total == 1 and only is not None:  # nothing to put in order
        return Titles(_cards_of(c, side, [only][offset : offset + limit]), more=False, total=1, facets=facets)
    loose = loose and not anywhere and len(query.words) > 1
    if loose:
        questions = [asked.any_question(query)]
        facets, total, anywhere, _ = _facets(c, side, questions[-1], filters)
    if total == 0:
        return Titles([], more=False, total=0, facets=facets, anywhere=anywhere)
    enough = offset + limit + 1
    found: dict[int, None] = {}
    few = total is not None and total <= RANKED
    for question in questions:
        _ask(c, side, question + bounds(filters), found, enough, few=few)
        if len(found) >= enough or len(found) == total:
            break
    wanted = list(found)[offset : offset + limit]
    return Titles(_cards_of(c, side, wanted), len(found) > offset + limit, total, facets, loose)


def _newest(c: sqlite3.Connection, side: Tables, filters: Filters, limit: int, offset: int) -> Titles:
    where, values = _where(filters)
    rows = c.execute(
        f"SELECT card FROM (SELECT id, added_at FROM {side.entry} e WHERE 1{where} ORDER BY added_at DESC, id DESC"
        f" LIMIT ? OFFSET ?) n JOIN {side.card} k ON k.id = n.id ORDER BY n.added_at DESC, n.id DESC",
        (*values, limit + 1, offset),
    ).fetchall()
    facets, total = counted(_shapes(c, side), filters)
    return Titles([_cards.decode(row["card"]) for row in rows[:limit]], len(rows) > limit, total, facets)


def _shapes(c: sqlite3.Connection, side: Tables) -> list[tuple[Shape, int]]:
    """Everything there is, counted already."""
    row = c.execute(f"SELECT {_LISTED} FROM (SELECT key, n FROM {side.shape} WHERE n > 0)").fetchone()
    return _shapes_and_counts.decode(row[0]) if row[0] else []


def _numbers(c: sqlite3.Connection, source: str, values: tuple[object, ...]) -> list[int]:
    """The `id` of each of a statement's rows, in their order."""
    row = c.execute(f"SELECT group_concat(id) FROM ({source})", values).fetchone()
    return [int(number) for number in row[0].split(",")] if row[0] else []


def shelves(c: sqlite3.Connection, *, new: int, on_shelf: int, most: int) -> Home | None:
    """The first page, from counts and an index by subject and age: its cost hardly grows with the catalogue. None while the
    index is not whole: it would leave out what is there."""
    side = sides.answering(c)
    if side is None or sides.version(c) == 0:
        return None
    subjects: Counter[str] = Counter()
    spans: Counter[tuple[int, int]] = Counter()
    items = 0
    for row in c.execute(f"SELECT subject, grade_from, grade_to, n FROM {side.shape} WHERE n > 0"):
        items += row["n"]
        if row["subject"] is not None:
            subjects[row["subject"]] += row["n"]
        if row["grade_from"] is not None:
            spans[row["grade_from"], row["grade_to"]] += row["n"]
    grades = [ShelfCount(str(g), sum(n for (first, last), n in spans.items() if first <= g <= last)) for g in GRADES]
    rows = [
        Shelf(
            filters=Filters(subject=facet.key),
            cards=_youngest(c, side, " WHERE subject = ?", [facet.key], on_shelf),
            total=facet.n,
        )
        for facet in most_of(subjects)[:most]
    ]
    return Home(
        new=_youngest(c, side, "", [], new), subjects=tuple(rows), grades=tuple(count for count in grades if count.n), items=items
    )


def _youngest(c: sqlite3.Connection, side: Tables, where: str, values: list[object], most: int) -> tuple[Card, ...]:
    rows = c.execute(
        f"SELECT k.card FROM (SELECT id, item, added_at FROM {side.entry}{where} ORDER BY added_at DESC LIMIT ?) n"
        f" JOIN {side.card} k ON k.id = n.id ORDER BY n.added_at DESC, n.item",
        (*values, most),
    )
    return tuple(_cards.decode(row["card"]) for row in rows)


def _ask(c: sqlite3.Connection, side: Tables, question: str, found: dict[int, None], enough: int, *, few: bool) -> None:
    """Adds what this question finds, the best first; by age where it finds more than can be put in order in the time of an
    answer. `few`: known not to be so many.

    Where all have the words in their title the shortest title comes first. Weights (bm25) are for questions to several columns:
    SQLite counts each word in the whole index before it weighs the first row.
    """
    source = f"SELECT rowid AS id FROM {side.words} WHERE {side.words} MATCH ? ORDER BY"
    if not few and _count(c, side, question, RANKED) is None:
        source += " rowid DESC LIMIT ?"
    elif question.startswith("{"):
        source += f" bm25({side.words}, {_WEIGHTS}), rowid LIMIT ?"
    else:
        source = (
            f"SELECT w.rowid AS id FROM {side.words} w CROSS JOIN {side.said} s ON s.id = w.rowid WHERE {side.words} MATCH ?"
            " ORDER BY length(s.title), w.rowid LIMIT ?"
        )
    for number in _numbers(c, source, (question, enough)):
        found.setdefault(number)


def _count(c: sqlite3.Connection, side: Tables, question: str, most: int) -> int | None:
    row = c.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM {side.words} WHERE {side.words} MATCH ? LIMIT ?)", (question, most + 1)
    ).fetchone()
    return row[0] if row[0] <= most else None


def _facets(c: sqlite3.Connection, side: Tables, question: str, filters: Filters) -> tuple[Facets, int | None, bool, int | None]:
    """Counts per subject, grade, kind and so on: each as if only the *other* limits held; how many fit all of them; whether
    any would fit without limits; and the only one there is without limits, if there is just one."""
    row = c.execute(
        f"WITH hit AS MATERIALIZED (SELECT rowid FROM {side.words} WHERE {side.words} MATCH ? LIMIT ?),"
        f" alike AS MATERIALIZED (SELECT shape, count(*) AS n FROM hit CROSS JOIN {side.entry} e ON e.id = hit.rowid GROUP BY 1)"
        f" SELECT (SELECT {_LISTED} FROM (SELECT s.key, a.n FROM alike a CROSS JOIN {side.shape} s ON s.id = a.shape)),"
        " (SELECT min(rowid) FROM hit)",
        (question, COUNTED + 1),
    ).fetchone()
    shapes = _shapes_and_counts.decode(row[0]) if row[0] else []
    facets, total = counted(shapes, filters)
    every = sum(n for _, n in shapes)
    if every <= COUNTED:
        return facets, total, bool(shapes), row[1] if every == 1 else None
    total_of_all = _count(c, side, question + bounds(filters), COUNTED)
    return msgspec.structs.replace(facets, exact=False), total_of_all, True, None


def _cards_of(c: sqlite3.Connection, side: Tables, ids: Sequence[int]) -> list[Card]:
    marks = ",".join("?" * len(ids))
    row = c.execute(
        f"SELECT group_concat(id), '[' || group_concat(card) || ']' FROM {side.card} WHERE id IN ({marks})", tuple(ids)
    ).fetchone()
    if row[0] is None:
        return []
    found = dict(zip(map(int, row[0].split(",")), _many_cards.decode(row[1]), strict=True))
    return [found[number] for number in ids if number in found]


def cards(c: sqlite3.Connection, ids: Sequence[str]) -> dict[str, Card]:
    side = sides.answering(c)
    if side is None:
        return {}
    marks = ",".join("?" * len(ids))
    rows = c.execute(
        f"SELECT e.item, k.card FROM {side.entry} e JOIN {side.card} k ON k.id = e.id WHERE e.item IN ({marks})", tuple(ids)
    )
    return {row["item"]: _cards.decode(row["card"]) for row in rows}


def texts(c: sqlite3.Connection, query: Query, filters: Filters, *, limit: int) -> list[Inside]:
    """Items whose text has the words: those with the phrase first, then those with most fitting passages.

    Looks at a dozen passages at a time and passes over the rest of a book that was seen to be full of them, so that one
    thick book does not hide the others; and at two dozen items at most.
    """
    side = sides.answering(c)
    if side is None:
        return []
    where, values = _where(filters)
    seen: dict[str, list[int]] = {}
    for question in asked.text_questions(query, vocabulary.endings(c, side, query)):
        _look(c, side, question, (where, values), seen)
        if len(seen) >= limit:
            break
    best = sorted(seen, key=lambda item: -len(seen[item]))[:limit]
    found = cards(c, best)
    places = {item: seen[item][:HITS_AN_ITEM] for item in best if item in found}
    said = _passages(c, [number for numbers in places.values() for number in numbers])
    return [
        Inside(
            card=found[item],
            hits=tuple(_hit(said[number], query) for number in sorted(numbers) if number in said),
            pages=len(seen[item]),
        )
        for item, numbers in places.items()
    ]


def _look(
    c: sqlite3.Connection, side: Tables, question: str, limits: tuple[str, list[object]], seen: dict[str, list[int]]
) -> None:
    where, values = limits
    after = 0
    new = 0
    for _ in range(ROUNDS):
        row = c.execute(
            "SELECT json_group_array(json_array(id, item, text)) FROM"
            f" (SELECT w.rowid AS id, e.item, p.text FROM {side.passages} w CROSS JOIN passage p ON p.id = w.rowid"
            f" CROSS JOIN text t ON t.id = p.text CROSS JOIN {side.entry} e ON e.item = t.item AND e.text_of = t.file"
            f" WHERE {side.passages} MATCH ? AND w.rowid > ?{where} ORDER BY w.rowid LIMIT ?)",
            (question, after, *values, A_LOOK),
        ).fetchone()
        looked_at = _places.decode(row[0])
        for number, item, _ in looked_at:
            new += item not in seen
            places = seen.setdefault(item, [])
            if number not in places and len(places) < A_LOOK:
                places.append(number)
        if len(looked_at) < A_LOOK or new >= ITEMS_LOOKED_AT:
            return
        after, _, text = looked_at[-1]
        if looked_at[0][2] == text:
            after = c.execute("SELECT max(id) FROM passage WHERE text = ?", (text,)).fetchone()[0]


def inside(c: sqlite3.Connection, query: Query, item_id: str, *, limit: int) -> list[Hit]:
    """The places in one item. Its passages stand close together: only that stretch of the index is asked."""
    side = sides.answering(c)
    if side is None:
        return []
    span = c.execute(
        f"SELECT t.id AS text, min(p.id) AS first, max(p.id) AS last FROM {side.entry} e JOIN text t ON t.item = e.item"
        " JOIN passage p ON p.text = t.id WHERE e.item = ? AND e.text_of = t.file",
        (item_id,),
    ).fetchone()
    if span is None or span["first"] is None:
        return []
    for question in asked.text_questions(query, vocabulary.endings(c, side, query)):
        rows = c.execute(
            f"SELECT p.section, p.label, p.body FROM {side.passages} w CROSS JOIN passage p ON p.id = w.rowid"
            f" WHERE {side.passages} MATCH ? AND w.rowid BETWEEN ? AND ? AND p.text = ? ORDER BY w.rowid LIMIT ?",
            (question, span["first"], span["last"], span["text"], limit),
        ).fetchall()
        if rows:
            return [_hit(row, query) for row in rows]
    return []


def _passages(c: sqlite3.Connection, numbers: Sequence[int]) -> dict[int, sqlite3.Row]:
    marks = ",".join("?" * len(numbers))
    rows = c.execute(f"SELECT id, section, label, body FROM passage WHERE id IN ({marks})", tuple(numbers))
    return {row["id"]: row for row in rows}


def _hit(row: sqlite3.Row, query: Query) -> Hit:
    return Hit(section=row["section"], label=row["label"], excerpt=asked.excerpt(unpacked(row["body"]), query))


def text(c: sqlite3.Connection, item_id: str, *, section: int, most: int) -> list[Written]:
    """An item's text from a section on, as far as `most` passages go."""
    side = sides.answering(c)
    if side is None:
        return []
    rows = c.execute(
        f"SELECT p.section, p.label, p.body FROM {side.entry} e JOIN text t ON t.item = e.item AND t.file = e.text_of"
        " JOIN passage p ON p.text = t.id WHERE e.item = ? AND p.section >= ? ORDER BY p.id LIMIT ?",
        (item_id, section, most),
    )
    return [Written(section=row["section"], label=row["label"], text=unpacked(row["body"])) for row in rows]


def people(c: sqlite3.Connection, query: Query, *, most: int) -> list[str]:
    """Names of people that begin with (or have) what is being typed."""
    side = sides.answering(c)
    if side is None or not query.words:
        return []
    question = f"people : {asked.all_of(query)}"
    ids = _numbers(
        c, f"SELECT rowid AS id FROM {side.words} WHERE {side.words} MATCH ? ORDER BY rowid DESC LIMIT 60", (question,)
    )
    names = Counter[str]()
    for card in _cards_of(c, side, ids):
        for name in card.people.split(", "):
            if asked.has(name, query):
                names[name] += 1
    return [name for name, _ in names.most_common(most)]


def _where(filters: Filters) -> tuple[str, list[object]]:
    where, values = "", list[object]()
    for column in WORDED:
        value = getattr(filters, column)
        if value is not None:
            where += f" AND e.{column} = ?"
            values.append(value)
    if filters.grade is not None:
        where += " AND e.grade_from <= ? AND e.grade_to >= ?"
        values += [filters.grade, filters.grade]
    return where, values
