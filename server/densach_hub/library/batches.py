"""Imports on disk: batches and their rows. The only SQL over them."""

import sqlite3
from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from densach_hub.library.model import Record

_records = msgspec.json.Decoder(Record)
_strings = msgspec.json.Decoder(tuple[str, ...])


class Stage(StrEnum):
    """Where an import stands. What ends in -ing goes on by itself after a power cut."""

    READING = "reading"
    PREVIEW = "preview"
    ADDING = "adding"
    CHANGING = "changing"
    INDEXING = "indexing"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"
    DROPPED = "dropped"
    FAILED = "failed"


AT_WORK = (Stage.READING, Stage.ADDING, Stage.CHANGING, Stage.INDEXING, Stage.UNDOING)


class Action(StrEnum):
    """What an import does with a row."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    WRONG = "wrong"


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """One import. `done` of `total` rows of the stage it is in (0: nobody knows how many); `counts` by action.

    `code` says why it failed; `kept_back` how many rows an undo could not take back, since they were changed or used meanwhile.
    """

    id: str
    file_name: str
    format: str
    by: str
    at: int
    stage: Stage
    total: int = 0
    done: int = 0
    code: str | None = None
    ignored: tuple[str, ...] = ()
    changed_at: int = 0
    kept_back: int = 0
    counts: dict[str, int] = {}

    @property
    def at_work(self) -> bool:
        return self.stage in AT_WORK


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A line of an import. `record` is what it becomes, `before` what it replaces; `expects` and `left_at` are the item's
    `changed_at` before and after; `done`: 0 to do, 1 done, 2 left alone (`code` says why), 3 taken back."""

    line: int
    action: Action
    title: str = ""
    code: str | None = None
    detail: str = ""
    item: str | None = None
    record: Record | None = None
    before: Record | None = None
    expects: int | None = None
    left_at: int | None = None
    file: str | None = None
    key: str | None = None
    done: int = 0


def start(c: sqlite3.Connection, batch: Batch, path: str) -> None:
    c.execute(
        "INSERT INTO import_batch (id, file_name, format, by, at, state, path, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (batch.id, batch.file_name, batch.format, batch.by, batch.at, batch.stage, path, batch.at),
    )


def get(c: sqlite3.Connection, batch_id: str) -> Batch | None:
    row = c.execute("SELECT * FROM import_batch WHERE id = ?", (batch_id,)).fetchone()
    return _batch(row, _counts(c, batch_id)) if row else None


def path_of(c: sqlite3.Connection, batch_id: str) -> str:
    return str(c.execute("SELECT path FROM import_batch WHERE id = ?", (batch_id,)).fetchone()["path"])


def latest(c: sqlite3.Connection, limit: int) -> list[Batch]:
    rows = c.execute("SELECT * FROM import_batch WHERE state != 'dropped' ORDER BY at DESC, id LIMIT ?", (limit,)).fetchall()
    return [_batch(row, _counts(c, row["id"])) for row in rows]


def next_at_work(c: sqlite3.Connection) -> Batch | None:
    """The oldest batch that has something to do."""
    marks = ",".join("?" * len(AT_WORK))
    row = c.execute(f"SELECT * FROM import_batch WHERE state IN ({marks}) ORDER BY at, id LIMIT 1", AT_WORK).fetchone()  # noqa: S608
    return _batch(row, {}) if row else None


def set_stage(
    c: sqlite3.Connection, batch_id: str, stage: Stage, *, at: int, total: int = 0, code: str | None = None,
    format_name: str | None = None, ignored: Iterable[str] | None = None,
) -> None:  # fmt: skip
    c.execute(
        "UPDATE import_batch SET state = ?, changed_at = ?, total = ?, done = 0, code = ?, format = ifnull(?, format),"
        " ignored = ifnull(?, ignored) WHERE id = ?",
        (
            stage, at, total, code, format_name, None if ignored is None else msgspec.json.encode(list(ignored)).decode(),
            batch_id,
        ),
    )  # fmt: skip


def advance(c: sqlite3.Connection, batch_id: str, n: int) -> None:
    c.execute("UPDATE import_batch SET done = done + ? WHERE id = ?", (n, batch_id))


def keep_back(c: sqlite3.Connection, batch_id: str, n: int) -> None:
    c.execute("UPDATE import_batch SET kept_back = kept_back + ? WHERE id = ?", (n, batch_id))


def forget_rows(c: sqlite3.Connection, batch_id: str) -> None:
    c.execute("DELETE FROM import_row WHERE batch = ?", (batch_id,))


def add_rows(c: sqlite3.Connection, batch_id: str, rows: Iterable[Row]) -> None:
    c.executemany(
        "INSERT OR REPLACE INTO import_row (batch, line, action, code, detail, title, item, record, before, expects, file, key)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (batch_id, r.line, r.action, r.code, r.detail, r.title, r.item, _json(r.record), _json(r.before), r.expects, r.file,
             r.key)
            for r in rows
        ],
    )  # fmt: skip


def has_key(c: sqlite3.Connection, batch_id: str, key: str) -> bool:
    return c.execute("SELECT 1 FROM import_row WHERE batch = ? AND key = ? LIMIT 1", (batch_id, key)).fetchone() is not None


def rows(
    c: sqlite3.Connection, batch_id: str, actions: Sequence[Action], *, done: int | None = None, after: int = -1, limit: int = 200
) -> list[Row]:
    """Rows in the order of their lines."""
    marks = ",".join("?" * len(actions))
    only = "" if done is None else f" AND done = {int(done)}"
    found = c.execute(
        f"SELECT * FROM import_row WHERE batch = ? AND line > ? AND action IN ({marks}){only} ORDER BY line LIMIT ?",  # noqa: S608
        (batch_id, after, *actions, limit),
    )
    return [_row(row) for row in found]


def remarks(c: sqlite3.Connection, batch_id: str, limit: int) -> list[Row]:
    """Rows with a code: wrong ones first."""
    found = c.execute(
        "SELECT * FROM import_row WHERE batch = ? AND code IS NOT NULL ORDER BY action != 'wrong', line LIMIT ?",
        (batch_id, limit),
    )
    return [_row(row) for row in found]


def count(c: sqlite3.Connection, batch_id: str, actions: Sequence[Action], *, done: int | None = None) -> int:
    marks = ",".join("?" * len(actions))
    only = "" if done is None else f" AND done = {int(done)}"
    row = c.execute(
        f"SELECT count(*) FROM import_row WHERE batch = ? AND action IN ({marks}){only}",  # noqa: S608 - marks only
        (batch_id, *actions),
    ).fetchone()
    return int(row[0])


def set_row(
    c: sqlite3.Connection, batch_id: str, line: int, *, done: int, item: str | None = None, left_at: int | None = None,
    code: str | None = None,
) -> None:  # fmt: skip
    c.execute(
        "UPDATE import_row SET done = ?, item = ifnull(?, item), left_at = ifnull(?, left_at), code = ifnull(?, code)"
        " WHERE batch = ? AND line = ?",
        (done, item, left_at, code, batch_id, line),
    )


def show_added(c: sqlite3.Connection, batch_id: str, *, at: int) -> None:
    """All that an import added is seen from one moment on (files are then still to be read)."""
    c.execute(
        "UPDATE item SET state = CASE form WHEN 'file' THEN 'waiting' ELSE 'ready' END, changed_at = ?,"
        " ready_at = CASE form WHEN 'file' THEN NULL ELSE ? END WHERE batch = ? AND state = 'arriving'",
        (at, at, batch_id),
    )
    c.execute("UPDATE import_row SET left_at = ? WHERE batch = ? AND action = 'new' AND done = 1", (at, batch_id))


def _counts(c: sqlite3.Connection, batch_id: str) -> dict[str, int]:
    return dict(c.execute("SELECT action, count(*) FROM import_row WHERE batch = ? GROUP BY action", (batch_id,)).fetchall())


def _batch(row: sqlite3.Row, counts: dict[str, int]) -> Batch:
    return Batch(
        id=row["id"], file_name=row["file_name"], format=row["format"], by=row["by"], at=row["at"], stage=Stage(row["state"]),
        total=row["total"], done=row["done"], code=row["code"], ignored=_strings.decode(row["ignored"]),
        changed_at=row["changed_at"], kept_back=row["kept_back"], counts=counts,
    )  # fmt: skip


def _row(row: sqlite3.Row) -> Row:
    return Row(
        line=row["line"], action=Action(row["action"]), title=row["title"], code=row["code"], detail=row["detail"] or "",
        item=row["item"], record=_records.decode(row["record"]) if row["record"] else None,
        before=_records.decode(row["before"]) if row["before"] else None, expects=row["expects"], left_at=row["left_at"],
        file=row["file"], key=row["key"], done=row["done"],
    )  # fmt: skip


def _json(record: Record | None) -> str | None:
    return None if record is None else msgspec.json.encode(record).decode()
