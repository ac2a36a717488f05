"""Authority: the preferred form of a person's name or of a subject heading, and the other forms people search by."""

import sqlite3

import msgspec

from densach_core.database import Database
from densach_core.errors import BadInput, Conflict
from densach_core.text import t
from densach_hub.library.cataloguing import Cataloguer

KINDS = ("person", "topic")
MOST_FORMS = 40
MOST_NAME = 200
MOST_INDEXED = 5_000


class Name(msgspec.Struct, frozen=True):
    """`kind`: person or topic."""

    kind: str
    preferred: str
    variants: tuple[str, ...] = ()


class Names:
    def __init__(self, school: Database, cataloguer: Cataloguer) -> None:
        self._school = school
        self._cataloguer = cataloguer

    async def all(self, kind: str, words: str = "", limit: int = 200) -> list[Name]:
        """By name; `words` in any of the forms."""
        return await self._school.read(lambda c: _all(c, kind, words, limit))

    async def put(self, name: Name) -> Name:
        """Says all other forms of a name (none: it has none). Raises BadInput; Conflict when a form belongs to another name."""
        preferred = " ".join(name.preferred.split())
        variants = tuple(dict.fromkeys(filter(None, (" ".join(one.split())[:MOST_NAME] for one in name.variants))))
        if name.kind not in KINDS or not preferred or len(preferred) > MOST_NAME or len(variants) > MOST_FORMS:
            raise BadInput("names.wrong", t("A name and at most {n} other forms of it.", n=MOST_FORMS), field="preferred")
        if preferred in variants:
            raise BadInput("names.itself", t("A name is no other form of itself."), field="variants")

        def put(c: sqlite3.Connection) -> list[str]:
            taken = c.execute("SELECT preferred FROM name_form WHERE kind = ? AND variant = ?", (name.kind, preferred)).fetchone()
            for one in variants:
                row = c.execute(
                    "SELECT preferred FROM name_form WHERE kind = ? AND variant = ? AND preferred != ?",
                    (name.kind, one, preferred),
                ).fetchone()
                taken = taken or row
            if taken is not None:
                what = t("This is already another form of {name}.", name=taken["preferred"])
                raise Conflict("names.taken", what, t("Take it out there first."))
            c.execute("DELETE FROM name_form WHERE kind = ? AND preferred = ?", (name.kind, preferred))
            c.executemany("INSERT INTO name_form VALUES (?, ?, ?)", [(name.kind, one, preferred) for one in variants])
            return _items_with(c, name.kind, preferred)

        touched = await self._school.write(put)
        for first in range(0, len(touched), 400):
            await self._cataloguer.indexed_some(touched[first : first + 400])
        return Name(name.kind, preferred, variants)


def _all(c: sqlite3.Connection, kind: str, words: str, limit: int) -> list[Name]:
    like = f"%{words.replace('%', '')}%"
    rows = c.execute(
        "SELECT preferred, json_group_array(variant) AS variants FROM name_form WHERE kind = ? AND preferred IN"
        " (SELECT preferred FROM name_form WHERE kind = ? AND (preferred LIKE ? OR variant LIKE ?)) GROUP BY preferred LIMIT ?",
        (kind, kind, like, like, limit),
    )
    return [Name(kind, row["preferred"], tuple(msgspec.json.decode(row["variants"], type=list[str]))) for row in rows]


def _items_with(c: sqlite3.Connection, kind: str, preferred: str) -> list[str]:
    """Items to be indexed anew."""
    has = (
        "EXISTS (SELECT 1 FROM work_creator k WHERE k.work_id = e.work_id AND k.name = ?)"
        if kind == "person"
        else "EXISTS (SELECT 1 FROM work w, json_each(w.topics) j WHERE w.id = e.work_id AND j.value = ?)"
    )
    rows = c.execute(
        f"SELECT i.id FROM item i JOIN edition e ON e.id = i.edition_id WHERE i.state = 'ready' AND {has} LIMIT ?",  # noqa: S608
        (preferred, MOST_INDEXED),
    )
    return [row["id"] for row in rows]
