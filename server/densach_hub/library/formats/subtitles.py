"""Subtitles: SRT and WebVTT read forgivingly, written as clean WebVTT; nothing but words, times and italics survives."""

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape, unescape
from pathlib import PurePosixPath

import msgspec

from densach_hub.library.formats.found import Found, Source, Unreadable
from densach_hub.library.formats.letters import decode, is_text
from densach_hub.library.formats.workshop import Workshop
from densach_hub.library.model import Kind

MEDIA_TYPE = "text/vtt"
LIMIT = 8 * 1024**2
MOST_CUES = 20_000
SUFFIXES = (".vtt", ".srt")
PASSAGE_MS = 30_000
_TIMES = re.compile(
    r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})\s*-{1,2}>\s*(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
)
_TAG = re.compile(r"</?([A-Za-z]*)[^<>]{0,300}>|\{\\[^{}]{0,200}\}")
_LANGUAGE = re.compile(r"[._\- \[(]([a-z]{2,3})(?:-[a-z]{2})?[\])]?$", re.IGNORECASE)
LANGUAGES = {"vi": "vi", "vie": "vi", "en": "en", "eng": "en", "fr": "fr", "fre": "fr", "fra": "fr", "zh": "zh", "chi": "zh",
    "zho": "zh", "ja": "ja", "jpn": "ja", "ko": "ko", "kor": "ko", "ru": "ru", "rus": "ru", "de": "de", "ger": "de",
    "deu": "de", "es": "es", "spa": "es", "ar": "ar", "ara": "ar", "km": "km", "khm": "km", "lo": "lo", "th": "th"}  # fmt: skip


class Cue(msgspec.Struct, frozen=True):
    """Words on the screen from `start_ms` to `end_ms`, plain but for <i>, <b> and <u>."""

    start_ms: int
    end_ms: int
    text: str


class Subtitles:
    """A file of subtitles by itself: searchable, and ready to be put beside its film."""

    def fits(self, source: Source) -> bool:
        if source.size > LIMIT or not is_text(source.head):
            return False
        start = decode(source.head)
        return start.startswith("WEBVTT") or (source.suffix in SUFFIXES and _TIMES.search(start) is not None)

    def read(self, source: Source, workshop: Workshop) -> Found:
        found = cues(source.path.read_bytes())
        if not found:
            raise Unreadable("library.damaged", "no cues")
        keep(workshop, found, language_of(source.name))
        put_text(workshop, found)
        return Found(kind=Kind.DOCUMENT, media_type=MEDIA_TYPE, suffixes=SUFFIXES, remark="library.subtitles-alone")


def cues(body: bytes) -> list[Cue]:
    """The cues in order of time; lines that are none are passed over."""
    text = decode(body[:LIMIT]).replace("\r\n", "\n").replace("\r", "\n")
    found: list[Cue] = []
    for block in re.split(r"\n[ \t]*\n", text):
        match = _TIMES.search(block)
        if match is None or len(found) >= MOST_CUES:
            continue
        words = plain(block[match.end() :].partition("\n")[2])
        start, end = _ms(match.groups()[:4]), _ms(match.groups()[4:])
        if words and end > start:
            found.append(Cue(start, end, words))
    return sorted(found, key=lambda cue: (cue.start_ms, cue.end_ms))


def plain(said: str) -> str:
    """A cue's words with only <i>, <b>, <u> left, each closed; everything else is escaped or gone."""
    out: list[str] = []
    at, opened = 0, list[str]()
    for match in _TAG.finditer(said):
        out.append(escape(unescape(said[at : match.start()]), quote=False))
        at = match.end()
        name = (match[1] or "").lower()
        if name in {"i", "b", "u"}:
            if match[0].startswith("</"):
                if name in opened:
                    while (last := opened.pop()) != name:
                        out.append(f"</{last}>")
                    out.append(f"</{name}>")
            elif name not in opened:
                opened.append(name)
                out.append(f"<{name}>")
    out.append(escape(unescape(said[at:]), quote=False))
    out += [f"</{name}>" for name in reversed(opened)]
    lines = (" ".join(line.split()) for line in "".join(out).replace("--&gt;", "→").split("\n"))
    return "\n".join(line for line in lines if line)


def webvtt(found: Iterable[Cue]) -> bytes:
    blocks = [f"{_clock(cue.start_ms)} --> {_clock(cue.end_ms)}\n{cue.text}\n" for cue in found]
    return ("WEBVTT\n\n" + "\n".join(blocks)).encode()


def spoken(found: Sequence[Cue]) -> Iterator[tuple[int, str]]:
    """(second it begins at, words) in stretches of about half a minute: what is searched, and where it opens."""
    words: list[str] = []
    start = 0
    for cue in found:
        if words and cue.start_ms - start >= PASSAGE_MS:
            yield start // 1000, " ".join(words)
            words = []
        if not words:
            start = cue.start_ms
        words.append(unescape(_TAG.sub("", cue.text)).replace("\n", " "))
    if words:
        yield start // 1000, " ".join(words)


def put_text(workshop: Workshop, found: Sequence[Cue]) -> None:
    for second, words in spoken(found):
        workshop.text(second, clock(second), words)


def keep(workshop: Workshop, found: Sequence[Cue], language: str | None, label: str | None = None) -> None:
    workshop.track(webvtt(found), language, label)


def language_of(name: str) -> str | None:
    """`phim.vi.srt` → vi; None when the name says nothing."""
    match = _LANGUAGE.search(PurePosixPath(name).stem)
    return LANGUAGES.get(match[1].lower()) if match else None


def clock(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def _ms(parts: Sequence[str | None]) -> int:
    hours, minutes, seconds, rest = parts
    return (int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)) * 1000 + int((rest or "0").ljust(3, "0"))


def _clock(ms: int) -> str:
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"
