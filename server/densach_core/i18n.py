"""Two languages, one catalogue a room: msgids are English, every room's `vi.po` holds the Vietnamese.

`.po` files are read at start (no compiled files in git). Vietnamese is the default; English needs no catalogue.
`python -m densach_core.i18n update FOLDER…` adds new msgids to a room's vi.po; `… check` names what is missing.
"""

import io
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from densach_core.folding import fold
from densach_core.text import Text, t, tn

__all__ = ["Languages", "Locale", "Text", "msgids_of", "rooms_below", "sort_key", "spoken", "t", "tn"]

Locale = Literal["vi", "en"]
LOCALES: tuple[Locale, ...] = ("vi", "en")
OPTIONS = {
    "encoding": "utf-8",
    "trimmed": "true",
    "silent": "false",  # a template that cannot be read must not pass as one without sentences
    "extensions": "jinja2.ext.do,jinja2.ext.loopcontrols",
}
KEYWORDS = {"t": None, "_": None, "tn": (1, 2), "_n": (1, 2)}
_COMMA = str.maketrans(",.", ".,")
_ALPHABET = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
_TONES = {"\u0300": 1, "\u0309": 2, "\u0303": 3, "\u0301": 4, "\u0323": 5}  # huyền hỏi ngã sắc nặng
_BASES = {
    "a\u0306": "ă", "a\u0302": "â", "e\u0302": "ê", "o\u0302": "ô", "o\u031b": "ơ", "u\u031b": "ư",
}  # fmt: skip


class Languages:
    """The Vietnamese catalogues of all rooms, merged."""

    def __init__(self, catalogues: Iterable[Path]) -> None:
        self._vi: dict[str, str] = {}
        for path in catalogues:
            with path.open("rb") as file:
                for message in read_po(file, locale="vi"):
                    if message.id and message.string and not message.fuzzy:
                        self._vi[_first(message.id)] = _first(message.string)

    def say(self, text: Text | str, locale: Locale) -> str:
        """The sentence in a language; an unknown msgid is said in English rather than not at all."""
        if isinstance(text, str):
            return text
        sentence = self._vi.get(text.msgid) if locale == "vi" else None
        if sentence is None:
            sentence = text.many if text.many is not None and text.n != 1 else text.msgid
        if not text.values:
            return sentence
        values = _Values()
        for key, value in text.values.items():
            if isinstance(value, Text):
                values[key] = self.say(value, locale)
            else:
                values[key] = value if type(value) is str else spoken(value, locale)
        return sentence.format_map(values)


class _Values(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def spoken(value: object, locale: Locale) -> object:
    """A number as it is written in a language: 1.234,5 in Vietnamese, 1,234.5 in English; other things as they are."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    written = f"{value:,}" if isinstance(value, int) else f"{value:,.2f}".rstrip("0").rstrip(".")
    return written.translate(_COMMA) if locale == "vi" else written


def sort_key(name: str) -> tuple[tuple[int, ...], ...]:
    """Orders people as a Vietnamese class list does: given name (last word) first, then the rest, in alphabet order."""
    words = name.split()
    ordered = [*words[-1:], *words[:-1]]
    return tuple(_word_key(word) for word in ordered)


def _word_key(word: str) -> tuple[int, ...]:
    import unicodedata

    letters: list[int] = []
    tone = 0
    pending = ""
    for mark in [*unicodedata.normalize("NFD", word.lower()), ""]:
        if mark in _TONES:
            tone = _TONES[mark]
        elif pending + mark in _BASES:
            pending = _BASES[pending + mark]
        else:
            if pending:
                letters.append(_ALPHABET.find(pending) if pending in _ALPHABET else 100 + ord(fold(pending)[:1] or "z"))
            pending = mark
    return (*letters, -1, tone)


def rooms_below(folder: Path) -> Iterator[Path]:
    """Every folder with a catalogue of its own."""
    return (path.parent for path in sorted(folder.rglob("vi.po")))


def msgids_of(room: Path) -> dict[str, str | None]:
    """msgid → plural (or None) of everything a room says, without the rooms inside it that have their own catalogue."""
    inner = [other for other in rooms_below(room) if other != room]
    found: dict[str, str | None] = {}
    for path in sorted(room.rglob("*")):
        if path.suffix not in {".py", ".html"} or any(path.is_relative_to(other) for other in inner):
            continue
        method = "python" if path.suffix == ".py" else "jinja2"
        with path.open("rb") as file:
            for _, message, _, _ in extract(method, file, KEYWORDS, (), OPTIONS):
                if isinstance(message, tuple):
                    found[message[0]] = message[1]
                elif message:
                    found.setdefault(message, None)
    return found


def missing_in(room: Path) -> list[str]:
    """Msgids of a room without a Vietnamese sentence, and sentences whose placeholders differ."""
    with (room / "vi.po").open("rb") as file:
        known = {_first(m.id): _first(m.string) for m in read_po(file, locale="vi") if m.id and not m.fuzzy}
    faults = []
    for msgid in msgids_of(room):
        sentence = known.get(msgid)
        if not sentence:
            faults.append(f"{room.name}: no Vietnamese for {msgid!r}")
        elif not _placeholders(sentence) <= _placeholders(msgid) | {"n"}:
            faults.append(f"{room.name}: other placeholders in the Vietnamese of {msgid!r}")
    return faults


def _placeholders(sentence: str) -> set[str]:
    import string

    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def update(room: Path) -> int:
    """Adds new msgids to a room's vi.po with an empty sentence, drops those no longer said; returns how many are empty."""
    path = room / "vi.po"
    old: dict[str, Message] = {}
    if path.exists():
        with path.open("rb") as file:
            old = {_first(m.id): m for m in read_po(file, locale="vi") if m.id}
    new = Catalog(locale="vi", charset="utf-8", header_comment="# Vietnamese of this room.", fuzzy=False)
    for msgid, plural in sorted(msgids_of(room).items()):
        before = _first(old[msgid].string) if msgid in old else ""
        new.add((msgid, plural) if plural else msgid, (before,) if plural else before)
    buffer = io.BytesIO()
    write_po(buffer, new, omit_header=True, width=0)
    path.write_bytes(
        b'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Plural-Forms: nplurals=1; plural=0;\\n"\n\n'
        + buffer.getvalue()
    )
    return sum(1 for m in new if m.id and not _first(m.string))


def _first(part: object) -> str:
    return str(part[0]) if isinstance(part, list | tuple) else str(part)


def main(arguments: list[str]) -> int:
    what, *folders = arguments
    if what == "update":
        for folder in folders:
            sys.stdout.write(f"{folder}: {update(Path(folder))} to translate\n")
        return 0
    faults = [fault for folder in folders for room in rooms_below(Path(folder)) for fault in missing_in(room)]
    sys.stdout.write("".join(f"{fault}\n" for fault in faults))
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
