"""Recordings in a ZIP: an audiobook of several files, or one film with its subtitles. Played from where they lie."""

import posixpath
from collections.abc import Sequence
from typing import BinaryIO, cast

import msgspec

from densach_hub.library.formats.archive import PICTURE_LIMIT, Archive, open_archive
from densach_hub.library.formats.audio import read_mp3
from densach_hub.library.formats.comic import natural
from densach_hub.library.formats.found import Found, Source, Unreadable
from densach_hub.library.formats.mp4 import read_movie
from densach_hub.library.formats.subtitles import LIMIT, cues, keep, language_of, put_text
from densach_hub.library.formats.workshop import Workshop
from densach_hub.library.model import Creator, Heading, Kind

MEDIA_TYPE = "application/zip"
SOUNDS = (".mp3", ".m4a", ".m4b")
FILMS = (".mp4", ".m4v", ".webm")
WORDS = (".srt", ".vtt")
_BESIDE = (
    *WORDS,
    ".jpg",
    ".jpeg",
    ".png",
    ".txt",
    ".nfo",
    ".cue",
    ".m3u",
    ".m3u8",
    ".xml",
    ".json",
    ".pdf",
    ".ini",
    ".db",
    ".md",
)
MEMBER_LIMIT = 4 * 1024**3
MOST_FILES = 500


class Piece(msgspec.Struct, frozen=True):
    """One file of an audiobook."""

    name: str
    title: str
    duration_ms: int
    artist: str | None
    album: str | None
    chapters: tuple[tuple[int, str], ...]


class Recordings:
    def fits(self, source: Source) -> bool:
        if not source.head.startswith(b"PK\x03\x04"):
            return False
        try:
            with open_archive(source.path) as archive:
                names = [name for name in archive.entries if _is_seen(name)]
        except Unreadable:
            return False
        played = [name for name in names if name.lower().endswith((*SOUNDS, *FILMS))]
        films = [name for name in played if name.lower().endswith(FILMS)]
        others = [name for name in names if name not in set(played) and not name.lower().endswith(_BESIDE)]
        return bool(played) and not others and (not films or len(played) == 1)

    def read(self, source: Source, workshop: Workshop) -> Found:
        with open_archive(source.path) as archive:
            names = playing_order(archive)
            if names[0].lower().endswith(FILMS):
                return _film(archive, names[0], workshop)
            return _audiobook(archive, names, workshop)


def playing_order(archive: Archive) -> tuple[str, ...]:
    """The film, or the sounds in the order a person counts."""
    found = [name for name in archive.entries if _is_seen(name) and name.lower().endswith((*SOUNDS, *FILMS))]
    return tuple(sorted(found, key=natural)[:MOST_FILES])


def _is_seen(name: str) -> bool:
    return not any(step.startswith((".", "__MACOSX")) for step in name.split("/"))


def _audiobook(archive: Archive, names: Sequence[str], workshop: Workshop) -> Found:
    at_ms = 0
    headings: list[Heading] = []
    pieces: list[Piece] = []
    for name in names:
        piece = _piece(archive, name, workshop)
        pieces.append(piece)
        headings.append(Heading(piece.title[:200], at_ms // 1000))
        headings += [Heading(title[:200] or "…", (at_ms + start) // 1000, 1) for start, title in piece.chapters[1:]]
        at_ms += piece.duration_ms
    picture = next((n for n in sorted(archive.entries, key=natural) if n.lower().endswith((".jpg", ".jpeg", ".png"))), None)
    if picture and (body := archive.get(picture, PICTURE_LIMIT)):
        workshop.cover(body)
    artist, album = pieces[0].artist, pieces[0].album
    packed = any(archive.entries[name].compress_type for name in names)
    return Found(
        kind=Kind.AUDIO,
        media_type=MEDIA_TYPE,
        suffixes=(".zip",),
        title=album,
        creators=(Creator(artist),) if artist else (),
        duration_ms=at_ms,
        headings=tuple(headings),
        remark="library.packed-media" if packed else None,
    )


def _piece(archive: Archive, name: str, workshop: Workshop) -> Piece:
    size = archive.member(name, MEMBER_LIMIT).file_size
    stem = posixpath.splitext(posixpath.basename(name))[0]
    with archive.stream(name, MEMBER_LIMIT) as stream:
        file = cast("BinaryIO", stream)
        if name.lower().endswith(".mp3"):
            song = read_mp3(file, size)
            if song.cover and not workshop.has_cover:
                workshop.cover(song.cover)
            tags = song.tags
            return Piece(name, tags.get("title") or stem, song.duration_ms, tags.get("artist"), tags.get("album"), song.chapters)
        movie = read_movie(file, size)
        if not movie.whole:
            raise Unreadable("library.truncated", name)
        if movie.cover and not workshop.has_cover:
            workshop.cover(movie.cover)
        said = movie.tags
        return Piece(
            name, said.get("\xa9nam") or stem, movie.duration_ms or 0, said.get("\xa9ART"), said.get("\xa9alb"), movie.chapters
        )


def _film(archive: Archive, name: str, workshop: Workshop) -> Found:
    for words in sorted(archive.entries, key=natural):
        if words.lower().endswith(WORDS) and _is_seen(words) and (found := cues(archive.read(words, LIMIT))):
            keep(workshop, found, language_of(words))
            put_text(workshop, found)
    title: str | None = None
    duration_ms: int | None = None
    chapters: tuple[tuple[int, str], ...] = ()
    info = archive.member(name, MEMBER_LIMIT)
    if not name.lower().endswith(".webm"):
        with archive.stream(name, MEMBER_LIMIT) as stream:
            movie = read_movie(cast("BinaryIO", stream), info.file_size)
        if not movie.whole:
            raise Unreadable("library.truncated", name)
        title, duration_ms, chapters = movie.tags.get("\xa9nam"), movie.duration_ms, movie.chapters
        if movie.cover:
            workshop.cover(movie.cover)
    picture = next((n for n in sorted(archive.entries, key=natural) if n.lower().endswith((".jpg", ".jpeg", ".png"))), None)
    if picture and not workshop.has_cover and (body := archive.get(picture, PICTURE_LIMIT)):
        workshop.cover(body)
    return Found(
        kind=Kind.VIDEO,
        media_type=MEDIA_TYPE,
        suffixes=(".zip",),
        title=title or posixpath.splitext(posixpath.basename(name))[0],
        duration_ms=duration_ms,
        headings=tuple(Heading(label[:200] or "…", start // 1000) for start, label in chapters),
        remark="library.packed-media" if info.compress_type else None,
    )
