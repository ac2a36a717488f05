"""What is said between whoever wants something of a ZIM file and the process that has it open: frames of JSON and bytes.

A question is one line of JSON. An answer is the length of its JSON and of the bytes behind it (four bytes each, little
endian), the JSON, the bytes.
"""

import struct

import msgspec

FRAME = struct.Struct("<II")
LONGEST_JSON = 16 * 1024**2
PIECE = 1024**2
"""No answer brings more bytes at once."""


class Ask(msgspec.Struct, frozen=True, omit_defaults=True):
    """`what`: about, articles (of at most `most` entries from `number` on), entry (by `path`), place (by `number`), piece (bytes
    `first` to `last` of `path`)."""

    what: str
    path: str = ""
    number: int = 0
    most: int = 0
    first: int = 0
    last: int = 0


class About(msgspec.Struct, frozen=True):
    """The file's own words; its picture comes as the answer's bytes."""

    title: str | None = None
    language: str | None = None
    description: str | None = None
    creator: str | None = None
    publisher: str | None = None
    date: str | None = None
    licence: str | None = None
    tags: tuple[str, ...] = ()
    main: str | None = None
    entries: int = 0
    articles: int = 0


class Entry(msgspec.Struct, frozen=True):
    """`path`: where a redirect ends; `size` in bytes."""

    path: str
    title: str
    media_type: str
    size: int


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """`error`: missing, damaged. `next`: the entry to go on from with `articles`; none when all were read.

    The passages of articles come as lines of JSON in the answer's bytes."""

    error: str | None = None
    detail: str = ""
    about: About | None = None
    entry: Entry | None = None
    next: int | None = None
