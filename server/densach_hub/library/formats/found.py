"""What a format's reader hands back: facts about the file, its text in passages; and how it says that it cannot."""

from pathlib import Path

import msgspec

from densach_hub.library.model import Creator, Heading, Kind


class Unreadable(Exception):
    """The file cannot be used. `code` is the stable reason shown in the item's row, `detail` words for the curious."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says about itself; None or empty where it says nothing."""

    kind: Kind
    media_type: str
    suffixes: tuple[str, ...] = ()
    title: str | None = None
    creators: tuple[Creator, ...] = ()
    language: str | None = None
    publisher: str | None = None
    published: str | None = None
    identifiers: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    description: str | None = None
    rights: str | None = None
    source: str | None = None
    pages: int | None = None
    duration_ms: int | None = None
    headings: tuple[Heading, ...] = ()
    remark: str | None = None


class Passage(msgspec.Struct, frozen=True):
    """A piece of text of at most 4,000 letters. `section`: chapter or page from 0; `folded` is what is indexed."""

    section: int
    label: str | None
    text: str
    folded: str


class TrackFile(msgspec.Struct, frozen=True):
    """Subtitles found in or with a film: a WebVTT file in the result's folder."""

    name: str
    language: str | None = None
    label: str | None = None


class Result(msgspec.Struct, frozen=True):
    """One file's reading: `found`, or the code of why not; `media_type` is then what its first bytes speak for."""

    found: Found | None
    problem: str | None = None
    detail: str = ""
    has_cover: bool = False
    passages: int = 0
    media_type: str | None = None
    tracks: tuple[TrackFile, ...] = ()


class Source(msgspec.Struct, frozen=True):
    """The file to read. `name` is what the person called it: a hint only."""

    path: Path
    name: str
    head: bytes
    size: int

    @property
    def suffix(self) -> str:
        return Path(self.name).suffix.lower()
