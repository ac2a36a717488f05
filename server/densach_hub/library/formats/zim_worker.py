"""The process that has a ZIM file open: `python -m densach_hub.library.formats.zim_worker FILE`.

libzim is under the GPL and reads what nobody vouches for, so it is loaded here and nowhere else: niced, with little memory,
without network or database. It ends when its standard input does.
"""

import resource
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from densach_hub.library.formats.bounds import Allowance, confine
from densach_hub.library.formats.epub import clean
from densach_hub.library.formats.found import Passage
from densach_hub.library.formats.simulation import words_in_page
from densach_hub.library.formats.workshop import passages
from densach_hub.library.formats.zim_talk import FRAME, PIECE, About, Answer, Ask, Entry

CACHE_BYTES = 64 * 1024**2
STUCK_SECONDS = 20
DAYS_SECONDS = 10**6
BATCH_LETTERS = 400_000
PAGE_BYTES = 8 * 1024**2
MOST_WHOLE = 150_000
"""So many articles are indexed whole (20,000 letters each); of larger collections the beginning of each."""

LETTERS, FEW_LETTERS = 20_000, 1_000
METADATA = ("title", "language", "description", "creator", "publisher", "date", "license")
BROKEN = (RuntimeError, KeyError, ValueError, MemoryError, OSError, IndexError)


def main() -> int:
    confine(output_bytes=0, address_bytes=resource.RLIM_INFINITY)  # the file is mapped, however large
    allowance = Allowance(stuck_s=STUCK_SECONDS, all_s=DAYS_SECONDS)
    questions = msgspec.json.Decoder(Ask)
    out = sys.stdout.buffer
    try:
        archive: Zim | None = Zim(sys.argv[1])
        why = ""
    except BROKEN as error:
        archive, why = None, str(error)
    for line in sys.stdin.buffer:
        allowance.more()
        if archive is None:
            _send(out, Answer(error="damaged", detail=why[:200]))
            continue
        try:
            answer, body = archive.answer(questions.decode(line))
        except KeyError as error:
            answer, body = Answer(error="missing", detail=str(error)[:200]), b""
        except BROKEN as error:
            answer, body = Answer(error="damaged", detail=f"{type(error).__name__}: {error}"[:200]), b""
        _send(out, answer, body)
    return 0


class Zim:
    """An open ZIM file. Its methods raise KeyError for what is not there, RuntimeError for what is damaged."""

    def __init__(self, path: str) -> None:
        from libzim.reader import Archive, set_cluster_cache_max_size  # type: ignore[import-untyped]

        set_cluster_cache_max_size(CACHE_BYTES)
        self._zim: Any = Archive(path)
        self._new = bool(self._zim.has_new_namespace_scheme)
        self._letters = LETTERS if self._zim.article_count <= MOST_WHOLE else FEW_LETTERS
        self._last: tuple[str, Any] | None = None

    def answer(self, ask: Ask) -> tuple[Answer, bytes | memoryview]:
        match ask.what:
            case "about":
                return Answer(about=self._about()), self._picture()
            case "articles":
                return self._articles(ask.number, ask.most)
            case "place":
                return Answer(entry=_told(self._zim._get_entry_by_id(ask.number).get_item())), b""  # noqa: SLF001 - libzim has no other way by number
            case "entry":
                return Answer(entry=_told(self._item(ask.path))), b""
            case _:
                item = self._item(ask.path)
                body = item.content
                return Answer(entry=_told(item)), body[ask.first : min(ask.last, ask.first + PIECE)]

    def _about(self) -> About:
        said = {name: self._said(name.capitalize()) for name in METADATA}
        tags = tuple(tag for tag in (self._said("Tags") or "").split(";") if tag and not tag.startswith("_"))[:20]
        main = self._zim.main_entry.get_item().path if self._zim.has_main_entry else None
        return About(
            title=said["title"], language=said["language"], description=said["description"], creator=said["creator"],
            publisher=said["publisher"], date=said["date"], licence=said["license"], tags=tags, main=main,
            entries=self._zim.all_entry_count, articles=self._zim.article_count,
        )  # fmt: skip

    def _said(self, name: str) -> str | None:
        try:
            return clean(self._zim.get_metadata(name).decode("utf-8", "replace"))[:2_000] or None
        except BROKEN:
            return None

    def _picture(self) -> bytes:
        try:
            sizes = sorted(self._zim.get_illustration_sizes())
            return bytes(self._zim.get_illustration_item(sizes[-1]).content)[: 4 * PIECE] if sizes else b""
        except BROKEN:
            return b""

    def _item(self, path: str) -> Any:
        """The same item again costs nothing: a film is asked for in many pieces."""
        if self._last is None or self._last[0] != path:
            self._last = (path, self._zim.get_entry_by_path(path).get_item())
        return self._last[1]

    def _articles(self, number: int, most: int) -> tuple[Answer, bytes]:
        lines: list[bytes] = []
        letters = 0
        total = self._zim.all_entry_count
        end = min(total, number + most)
        while number < end and letters < BATCH_LETTERS:
            for passage in self._passages(number):
                lines.append(msgspec.json.encode(passage))
                letters += len(passage.text)
            number += 1
        return Answer(next=number if number < total else None), b"\n".join(lines)

    def _passages(self, number: int) -> Iterator[Passage]:
        """The words of an entry that is an article; an entry that cannot be read is left out."""
        try:
            entry = self._zim._get_entry_by_id(number)  # noqa: SLF001 - libzim has no other way by number
            if entry.is_redirect or (not self._new and not entry.path.startswith("A/")):
                return
            item = entry.get_item()
            if not item.mimetype.startswith(("text/html", "application/xhtml")):
                return
            title, text = words_in_page(bytes(item.content[:PAGE_BYTES]))
        except BROKEN:
            return
        label = clean(entry.title if entry.title != entry.path else title or entry.title)[:200]
        words = text if text.startswith(label) else f"{label}. {text}"
        yield from passages(number, label, words[: self._letters])


def _told(item: Any) -> Entry:
    return Entry(item.path, item.title, item.mimetype, item.size)


def _send(out: BinaryIO, answer: Answer, body: bytes | memoryview = b"") -> None:
    told = msgspec.json.encode(answer)
    out.write(FRAME.pack(len(told), len(body)) + told)
    out.write(body)
    out.flush()


if __name__ == "__main__":
    raise SystemExit(main())
