"""Bookmarks, highlights and notes of one reader in one item: what they are, what they may be, which of two versions holds.

Pure: no clock, no disk. A mark keeps its id for ever and has its own clock, so that two devices that were offline agree,
whoever comes first. Times are UTC epoch milliseconds.
"""

import hashlib
import re
from enum import StrEnum

import msgspec

from densach_core.errors import BadInput
from densach_core.text import t
from densach_hub.library.model import Kind
from densach_hub.library.rules import placed_at

MOST_MARKS = 500
"""Of one reader in one item; more is no longer a list anybody reads."""
MOST_OF_READER = 20_000
MOST_AT_ONCE = 100
MOST_NOTE = 4_000
MOST_QUOTE = 1_000
MOST_WHERE = 1_000
MOST_LABEL = 200
TOMBSTONES = 500
"""How many removals of one reader in one item are remembered; a device offline for longer may bring an older one back."""

_ID = re.compile(r"[A-Za-z0-9-]{8,40}")
_CFI = re.compile(r"epubcfi\([^\x00-\x1f\x7f]{1,990}\)")
_PDF_PLACE = re.compile(r"[1-9]\d{0,5}(?:\.\d{1,2})?")
_PDF_RANGE = re.compile(r"[1-9]\d{0,5}:\d{1,8}-\d{1,8}")


class MarkKind(StrEnum):
    """What it is: a place, or a stretch of text. Either may carry a note."""

    BOOKMARK = "bookmark"
    HIGHLIGHT = "highlight"


class Colour(StrEnum):
    """Of a highlight; every one is also drawn in its own way, so that nobody has to tell colours apart."""

    YELLOW = "yellow"
    GREEN = "green"
    BLUE = "blue"
    PINK = "pink"


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """One mark as the hub keeps it.

    `where`: an EPUB CFI (of a range for a highlight), a PDF page with its part (`12.40`), or `page:from-to` in letters of
    the page's text. `quote`: the words marked. `fraction`: how far into the item, 0–1, for the order of the list.
    `version` counts the hub's changes of it; `deleted`: removed, its words are gone, it is remembered for other devices.
    """

    id: str
    item: str
    kind: MarkKind
    where: str
    fraction: float
    changed_at: int
    made_at: int
    label: str = ""
    quote: str = ""
    note: str = ""
    colour: Colour | None = None
    deleted: bool = False
    device: str = ""
    version: int = 1

    @property
    def says(self) -> tuple[object, ...]:
        """What the reader said with it, for telling whether two versions differ."""
        return (self.kind, self.where, self.note, self.colour, self.deleted)


class MarkNote(msgspec.Struct, frozen=True, kw_only=True):
    """A mark as a device tells it. `at`: when it was changed there, by the device's own clock; `made`: when it was made.

    `base`: the hub's version the change was made on, 0 for a mark the hub has never seen.
    """

    id: str
    kind: MarkKind
    where: str
    at: int
    made: int = 0
    fraction: float = 0.0
    label: str = ""
    quote: str = ""
    note: str = ""
    colour: Colour | None = None
    deleted: bool = False
    base: int = 0


def told(note: MarkNote, item: str, *, device: str, device_now: int, now: int) -> Mark:
    """The mark a device tells, in the hub's time: only the age counts, the device's clock may be wrong."""
    at = placed_at(note.at, device_now, now)
    gone = note.deleted
    return Mark(
        id=note.id,
        item=item,
        kind=note.kind,
        where=note.where,
        fraction=note.fraction,
        changed_at=at,
        made_at=min(at, placed_at(note.made or note.at, device_now, now)),
        label="" if gone else " ".join(note.label.split())[:MOST_LABEL],
        quote="" if gone else note.quote[:MOST_QUOTE],
        note="" if gone else note.note.strip(),
        colour=None if note.kind is MarkKind.BOOKMARK else note.colour or Colour.YELLOW,
        deleted=gone,
        device=device[:60],
    )


def check(note: MarkNote, kind: Kind | None) -> None:
    """Raises BadInput("library.mark-…") for what cannot be a mark in an item of this kind."""
    if not _ID.fullmatch(note.id):
        raise BadInput("library.mark-id", t("A mark's id has 8 to 40 letters, figures or dashes."), field="id")
    if kind not in {Kind.EPUB, Kind.PDF}:
        raise BadInput("library.mark-kind", t("Only books and PDF documents can be marked."), field="kind")
    if not 0 <= note.fraction <= 1 or not _is_place(note, kind):
        raise BadInput("library.mark-place", t("This is no place in this book."), field="where")
    if len(note.note) > MOST_NOTE:
        raise BadInput(
            "library.mark-note-long",
            t("A note has up to {n} letters.", n=MOST_NOTE),
            t("Make it shorter, or write a second note."),
            field="note",
        )


def _is_place(note: MarkNote, kind: Kind) -> bool:
    if len(note.where) > MOST_WHERE:
        return False
    if kind is Kind.EPUB:
        return _CFI.fullmatch(note.where) is not None
    if note.kind is MarkKind.BOOKMARK:
        return _PDF_PLACE.fullmatch(note.where) is not None
    if _PDF_RANGE.fullmatch(note.where) is None:
        return False
    first, last = note.where.partition(":")[2].split("-")
    return int(first) < int(last)


def later_mark(a: Mark, b: Mark) -> Mark:
    """The version that holds: the newer one, whoever brings it first; of the same moment a removal, then the longer note.

    The same for (a, b) and (b, a).
    """
    return max(a, b, key=lambda m: (m.changed_at, m.deleted, len(m.note), m.note, m.colour or "", m.where, m.device))


class Merged(msgspec.Struct, frozen=True):
    """What merging leaves: the version that holds, and a copy of a note that would else be overwritten unread."""

    mark: Mark
    copy: Mark | None = None


def merged(here: Mark | None, new: Mark, base: int) -> Merged:
    """Merges a device's version into what the hub has.

    Two devices that changed the same note apart from each other (`base` is not what the hub has now) lose neither text: the
    older becomes a mark of its own at the same place. A removal by its own clock wins over a change before it.
    """
    if here is None:
        return Merged(new)
    if here.says == new.says:
        return Merged(here)
    holds = later_mark(here, new)
    loser = new if holds is here else here
    kept = (
        holds if holds is here else msgspec.structs.replace(new, made_at=min(here.made_at, new.made_at), version=here.version + 1)
    )
    apart = base != here.version and new.device != here.device
    if not apart or holds.deleted or loser.deleted or not loser.note or loser.note in holds.note:
        return Merged(kept)
    copy = msgspec.structs.replace(loser, id=_id_of_copy(loser), version=1)
    return Merged(kept, copy)


def _id_of_copy(mark: Mark) -> str:
    """The same for the same text, so that a change sent twice is kept once."""
    return hashlib.sha256(f"{mark.id}\0{mark.where}\0{mark.note}".encode()).hexdigest()[:24]
