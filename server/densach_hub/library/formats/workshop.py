"""Where a reader puts text and cover, inside the reading process; and what every kind of file must be able to do."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import msgspec
from PIL import Image

from densach_core.folding import fold
from densach_hub.library.formats.found import Found, Passage, Source, TrackFile
from densach_hub.library.formats.old_letters import in_unicode

COVER_WIDTH = 400
COVER_HEIGHT = 600
MOST_PIXELS = 80_000_000
PASSAGE_CHARS = 4_000
MOST_CHARS = 20_000_000
MOST_TRACKS = 20


class Workshop:
    """Where a reader puts text and cover: files in a folder of its own."""

    def __init__(self, folder: Path, *, went_on: Callable[[], None] = lambda: None) -> None:
        """`went_on` is called with each passage: a file that gives none for long hangs."""
        self.folder = folder
        self._went_on = went_on
        self.passages = 0
        self.has_cover = False
        self.tracks: list[TrackFile] = []
        self._chars = 0
        self._text = (folder / "text.jsonl").open("wb")
        self._encoder = msgspec.json.Encoder()

    def close(self) -> None:
        self._text.close()

    def text(self, section: int, label: str | None, text: str) -> None:
        """Keeps a chapter's or page's text, cut at spaces into passages; stops quietly at 20 million letters a file."""
        if self._chars >= MOST_CHARS:
            return
        for passage in passages(section, label, text):
            self._text.write(self._encoder.encode(passage) + b"\n")
            self._chars += len(passage.text)
            self.passages += 1
            self._went_on()
            if self._chars >= MOST_CHARS:
                return

    def track(self, webvtt: bytes, language: str | None, label: str | None = None) -> None:
        """Keeps subtitles beside the film; at most 20 of a file."""
        if len(self.tracks) >= MOST_TRACKS:
            return
        name = f"track-{len(self.tracks)}.vtt"
        (self.folder / name).write_bytes(webvtt)
        self.tracks.append(TrackFile(name, language, label[:100] if label else None))

    def cover(self, picture: bytes) -> bool:
        """Keeps a picture as the cover, made small; a picture that cannot be read is no cover. True when kept."""
        try:
            with Image.open(io.BytesIO(picture)) as image:
                return self.cover_image(image)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return False

    def cover_image(self, image: Image.Image) -> bool:
        if image.width * image.height > MOST_PIXELS:
            return False
        image.draft("RGB", (COVER_WIDTH * 2, COVER_HEIGHT * 2))
        image.load()
        small = flat(image)
        small.thumbnail((COVER_WIDTH, COVER_HEIGHT))
        small.save(self.folder / "cover.jpg", "JPEG", quality=82, optimize=True, progressive=True)
        self.has_cover = True
        return True


def passages(section: int, label: str | None, text: str) -> Iterator[Passage]:
    """A text cut at spaces into passages; what was typed for the fonts of before Unicode as what it meant."""
    words = in_unicode(" ".join(text.split()))
    while words:
        cut = len(words)
        if cut > PASSAGE_CHARS:
            cut = words.rfind(" ", 0, PASSAGE_CHARS)
            cut = cut if cut > 0 else PASSAGE_CHARS
        part, words = words[:cut], words[cut:].lstrip()
        yield Passage(section, label, part, fold(part))


def flat(image: Image.Image) -> Image.Image:
    """The picture in RGB on white (JPEG knows no transparency)."""
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        clear = image.convert("RGBA")
        ground = Image.new("RGB", clear.size, "white")
        ground.paste(clear, mask=clear.getchannel("A"))
        return ground
    return image.convert("RGB")


class Format(Protocol):
    """One kind of file. `fits` looks at bytes, never only at the name; `read` raises Unreadable with a code."""

    def fits(self, source: Source) -> bool: ...

    def read(self, source: Source, workshop: Workshop) -> Found: ...
