"""What the hub tells the reading process."""

import msgspec


class Order(msgspec.Struct, frozen=True):
    """Read `path` (called `name` by whoever brought it) and put text and cover into `folder`.

    `beside`: subtitles a person put to it, as WebVTT files of ours; their words are its text too.
    """

    path: str
    name: str
    folder: str
    beside: tuple[str, ...] = ()
