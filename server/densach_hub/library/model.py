"""What a library holds, as every layer sees it. No I/O.

A *work* (đầu sách) is what a pupil looks for, an *edition* one publication of it, an *item* one thing that can be had:
a file, later a printed copy, or only a line of the catalogue ("listed": known, but not held here).
Times are UTC epoch milliseconds.
"""

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """How an item is opened; told from its bytes."""

    EPUB = "epub"
    PDF = "pdf"
    VIDEO = "video"
    AUDIO = "audio"
    IMAGE = "image"
    COMIC = "comic"
    SIMULATION = "simulation"
    LESSON = "lesson"
    DOCUMENT = "document"
    LINK = "link"
    ZIM = "zim"


class Form(StrEnum):
    """What stands behind an item."""

    FILE = "file"
    LISTED = "listed"


class State(StrEnum):
    """Where an item stands. Only `ready` ones are shown to readers.

    `review`: a teacher brought it, a librarian has not said yes; `arriving`: part of an import that is not complete.
    """

    WAITING = "waiting"
    REVIEW = "review"
    ARRIVING = "arriving"
    READY = "ready"
    BROKEN = "broken"
    WITHDRAWN = "withdrawn"


class Creator(msgspec.Struct, frozen=True):
    """Who made it. `role`: author, translator, editor, illustrator, narrator or other."""

    name: str
    role: str = "author"


class Heading(msgspec.Struct, frozen=True):
    """A line of a table of contents: `section` is the chapter (EPUB), page, slide or sheet from 0; in a recording the second."""

    label: str
    section: int
    depth: int = 0


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one item, with what its edition and work say.

    `file` and `cover` are SHA-256 names in the file store. `problem` is the stable code of why it is broken,
    `remark` that of something odd that does not keep it from being read. `grade_from`..`grade_to` are school grades 1–12.
    What a catalogue adds is explained at `Record`. `other_names`: other forms of its people and topics, to be searched too.
    `offered_by` is the account of the teacher who brought it; `merged_into` the item that stands for it since a merge.
    """

    id: str
    work_id: str
    edition_id: str
    title: str
    form: Form
    state: State
    added_at: int
    added_by: str
    changed_at: int
    subtitle: str | None = None
    creators: tuple[Creator, ...] = ()
    description: str | None = None
    subject: str | None = None
    topics: tuple[str, ...] = ()
    grade_from: int | None = None
    grade_to: int | None = None
    publisher: str | None = None
    published: str | None = None
    language: str | None = None
    identifiers: tuple[str, ...] = ()
    rights: str | None = None
    source: str | None = None
    kind: Kind | None = None
    file: str | None = None
    file_name: str | None = None
    size: int | None = None
    media_type: str | None = None
    pages: int | None = None
    duration_ms: int | None = None
    headings: tuple[Heading, ...] = ()
    cover: str | None = None
    problem: str | None = None
    remark: str | None = None
    ready_at: int | None = None
    withdrawn_at: int | None = None
    withdrawn_why: str | None = None
    material: str | None = None
    curriculum: str | None = None
    audience: str | None = None
    level: str | None = None
    ddc: str | None = None
    cutter: str | None = None
    series: str | None = None
    series_number: str | None = None
    collections: tuple[str, ...] = ()
    place: str | None = None
    statement: str | None = None
    extent: str | None = None
    licence: str | None = None
    copies: int | None = None
    other_names: tuple[str, ...] = ()
    merged_into: str | None = None
    offered_by: str | None = None
    reviewed_by: str | None = None
    reviewed_at: int | None = None
    review_note: str | None = None

    @property
    def people(self) -> str:
        return ", ".join(creator.name for creator in self.creators)

    @property
    def readable(self) -> bool:
        """Whether it has a file that can be opened now."""
        return self.form is Form.FILE and self.state is State.READY


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What a shelf or a list of hits shows of an item."""

    id: str
    title: str
    people: str
    form: Form
    kind: Kind | None = None
    subject: str | None = None
    grade_from: int | None = None
    grade_to: int | None = None
    language: str | None = None
    published: str | None = None
    pages: int | None = None
    duration_ms: int | None = None
    size: int | None = None
    cover: str | None = None
    added_at: int = 0


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What a person (or a catalogue) says about an item; None or empty: nothing said.

    `key` makes adding it twice harmless: the same key is the same record. `material`, `audience` and `level` are codes of
    `school_words.py`; `ddc` is a Dewey number, `cutter` the rest of the shelf mark; `place` is where it was published,
    `statement` the edition's own words ("Tái bản lần 3"), `extent` pages or minutes as a catalogue writes them;
    `copies` is how many printed copies are held (None: nothing said).
    """

    title: str
    key: str | None = None
    subtitle: str | None = None
    creators: tuple[Creator, ...] = ()
    description: str | None = None
    subject: str | None = None
    topics: tuple[str, ...] = ()
    grade_from: int | None = None
    grade_to: int | None = None
    publisher: str | None = None
    published: str | None = None
    language: str | None = None
    identifiers: tuple[str, ...] = ()
    rights: str | None = None
    source: str | None = None
    material: str | None = None
    curriculum: str | None = None
    audience: str | None = None
    level: str | None = None
    ddc: str | None = None
    cutter: str | None = None
    series: str | None = None
    series_number: str | None = None
    collections: tuple[str, ...] = ()
    place: str | None = None
    statement: str | None = None
    extent: str | None = None
    licence: str | None = None
    copies: int | None = None


class Added(msgspec.Struct, frozen=True):
    """The item a file or record became; `already`: it was there before, nothing was added."""

    item: str
    already: bool


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a reader is in an item, with the record's own clock.

    `at` is when the reader was there (already corrected by the age the device told); `where` is the reader's own
    notation (an EPUB CFI, a page number, seconds); `fraction` is 0–1.
    """

    item: str
    where: str
    fraction: float
    at: int
    device: str = ""


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A place inside an item where the words stand. `excerpt`: (text, is it a hit?) pieces of the original."""

    section: int
    label: str | None
    excerpt: tuple[tuple[str, bool], ...]


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of an item's text, as it was read from the file."""

    section: int
    label: str | None
    text: str


class Inside(msgspec.Struct, frozen=True, kw_only=True):
    """An item whose text has the words."""

    card: Card
    hits: tuple[Hit, ...]
    pages: int


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """What a search or a shelf is limited to. `material` and `audience` are codes of `school_words.py`, `licence` is one of
    `licences.py`."""

    subject: str | None = None
    grade: int | None = None
    kind: Kind | None = None
    language: str | None = None
    material: str | None = None
    audience: str | None = None
    licence: str | None = None


class Facet(msgspec.Struct, frozen=True):
    """How many of what was found stand under a subject, grade, kind, language, type of material, audience or licence."""

    key: str
    n: int


class Facets(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of what was found, each as if only the other limits held. Not `exact`: more was found than is counted (2,000)."""

    subjects: tuple[Facet, ...] = ()
    grades: tuple[Facet, ...] = ()
    kinds: tuple[Facet, ...] = ()
    languages: tuple[Facet, ...] = ()
    materials: tuple[Facet, ...] = ()
    audiences: tuple[Facet, ...] = ()
    licences: tuple[Facet, ...] = ()
    exact: bool = True


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a search found: titles in order of rank, then texts. `total` is None beyond what is counted (2,000).

    `read_as`: the words looked for in place of those typed (keys of Telex or VNI read, a slip mended); `meant`: words that
    would find more, not looked for yet; `loose`: no title has all the words, these have some.
    """

    query: str
    filters: Filters
    offset: int
    cards: tuple[Card, ...]
    inside: tuple[Inside, ...]
    total: int | None
    more: bool
    partial: bool = False
    facets: Facets = Facets()
    read_as: str | None = None
    meant: str | None = None
    loose: bool = False


class Suggestions(msgspec.Struct, frozen=True, kw_only=True):
    """What may be meant by what is typed so far: titles and people; `read_as` as in `Answer`."""

    cards: tuple[Card, ...] = ()
    people: tuple[str, ...] = ()
    read_as: str | None = None


class Shelf(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the first page."""

    filters: Filters
    cards: tuple[Card, ...]
    total: int


class ShelfCount(msgspec.Struct, frozen=True):
    """How many items stand under a subject or a grade."""

    key: str
    n: int


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """The first page's shelves, the same for everybody."""

    new: tuple[Card, ...]
    subjects: tuple[Shelf, ...]
    grades: tuple[ShelfCount, ...]
    items: int


class Current(msgspec.Struct, frozen=True):
    """An item somebody is in the middle of."""

    card: Card
    place: Place


class Holdings(msgspec.Struct, frozen=True, kw_only=True):
    """What the library holds, for the measures: items that can be opened, the titles (works) behind them.

    `listed` are catalogue lines without a file; they count neither as titles nor as items.
    """

    titles: int
    items: int
    bytes: int
    listed: int
    broken: int
    by_kind: dict[str, int]
    by_subject: dict[str, int]


class HeldTitle(msgspec.Struct, frozen=True, kw_only=True):
    """A title as evidence behind a figure."""

    item: str
    title: str
    kind: Kind | None
    added_at: int


class DayOfReads(msgspec.Struct, frozen=True, kw_only=True):
    """How often items were opened on a school day (ISO date); one reader counts once per item and day."""

    day: str
    reads: int
    items: int


class ItemReads(msgspec.Struct, frozen=True, kw_only=True):
    item: str
    title: str
    reads: int


class Reads(msgspec.Struct, frozen=True, kw_only=True):
    """Reads in a span of days with their evidence. No names: who read what belongs to the reader."""

    total: int
    days: tuple[DayOfReads, ...]
    items: tuple[ItemReads, ...]
