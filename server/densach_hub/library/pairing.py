"""Subtitles that came beside a film as a file of their own (`phim.vi.srt` with `phim.mp4`): put to it by their name.

Only what one person brought within a week of each other, only when exactly one film is called so, and only what readers may
see: nothing unapproved reaches a film that is shown. The file of subtitles then leads to its film; taking it back at the desk
and removing the subtitles undoes it.
"""

import re
from pathlib import PurePosixPath
from sqlite3 import Connection

from densach_core.folding import fold
from densach_hub.library import store
from densach_hub.library.formats.subtitles import MEDIA_TYPE, language_of
from densach_hub.library.model import Item, Kind, State

WEEK_MS = 7 * 86_400_000
LOOKED_AT = 2_000
_END = re.compile(r"[._\- \[(]+[a-z]{2,3}(?:-[a-z]{2})?[\])]?$", re.IGNORECASE)


def called(name: str) -> str:
    """What a film and its subtitles are both called: the name without ending, language and marks."""
    stem = PurePosixPath(name.replace("\\", "/")).stem
    return " ".join(re.findall(r"[^\W_]+", fold(_END.sub("", stem) if language_of(name) else stem)))


def belonging(c: Connection, it: Item) -> list[tuple[Item, Item]]:
    """(film, subtitles) that belong together, one of them being `it`, which was just read."""
    alone = it.media_type == MEDIA_TYPE
    if it.state is not State.READY or not it.file_name or not (alone or it.kind is Kind.VIDEO):
        return []
    films = _named(c, it, "i.kind = 'video'")
    if len(films) != 1:
        return []
    if alone:
        return [(films[0], it)]
    return [(it, one) for one in _named(c, it, "i.media_type = 'text/vtt'")]


def lead(c: Connection, film: Item, subtitles: Item, *, at: int) -> None:
    """The subtitles are no item of their own any more: their address leads to the film."""
    store.withdraw(c, subtitles.id, at=max(at, subtitles.changed_at + 1), by=subtitles.added_by, why="")
    store.set_merged(c, subtitles.id, film.id)


def _named(c: Connection, it: Item, what: str) -> list[Item]:
    near = (it.added_by, it.added_at - WEEK_MS, it.added_at + WEEK_MS)
    found = store.ready_near(c, f" AND {what} AND i.added_by = ? AND i.added_at BETWEEN ? AND ?", near, LOOKED_AT)
    return [one for one in found if one.file_name and called(one.file_name) == called(it.file_name or "")]
