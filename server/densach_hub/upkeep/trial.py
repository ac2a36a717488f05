"""Whether a backup is worth its disk: it is put back into a temporary folder, every hash checked, and looked into."""

import shutil
import sqlite3
import tempfile
from pathlib import Path

import msgspec

from densach_core.clock import Clock
from densach_core.errors import Problem
from densach_core.whole_file import write_whole
from densach_hub.upkeep.backup import DATABASES, newest, restore, taken_at

RESULT = "backup-tried.json"
COUNTED = {"items": "item", "machines": "machine", "accounts": "account"}
"""What is counted in a restored school.db → its table."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """The last attempt; in the data folder as `backup-tried.json`, where `doctor` reads it. Epoch ms.

    `code`: why it failed (as restore says it), or "trial.empty" for a backup without what the hub has; None: it is good.
    """

    tried_at: int
    backup: str = ""
    taken_at: int | None = None
    code: str | None = None
    files: int = 0
    counts: dict[str, int] = {}

    @property
    def good(self) -> bool:
        return self.code is None


def attempt(data: Path, backups: Path, clock: Clock, scratch: Path | None = None) -> Trial:
    """Restores the newest backup beside everything and removes it again; remembers the outcome. Blocking, and needs the
    room of a whole hub in `scratch` (default: the system's temporary folder)."""
    trial = _attempt(data, backups, clock, scratch)
    write_whole(data / RESULT, msgspec.json.format(msgspec.json.encode(trial), indent=1))
    return trial


def last_trial(data: Path) -> Trial | None:
    """The outcome of the last attempt; None when there was none."""
    try:
        return msgspec.json.decode((data / RESULT).read_bytes(), type=Trial)
    except (OSError, msgspec.DecodeError):
        return None


def _attempt(data: Path, backups: Path, clock: Clock, scratch: Path | None) -> Trial:
    chosen = newest(backups)
    if chosen is None:
        return Trial(tried_at=clock.now_ms(), code="restore.no-backup")
    place = Path(tempfile.mkdtemp(prefix="densach-restore-", dir=scratch))
    try:
        # The chosen one itself: a backup that is taken meanwhile is not looked at.
        manifest = restore(chosen, place / "hub")
        counts = _counts(place / "hub" / DATABASES[0])
        has = _counts(data / DATABASES[0])
        return Trial(
            tried_at=clock.now_ms(),
            backup=chosen.name,
            taken_at=taken_at(chosen),
            files=len(manifest.parts) + len(manifest.stored),
            counts=counts,
            code="trial.empty" if any(has[name] and not counts[name] for name in counts) else None,
        )
    except Problem as problem:
        return Trial(tried_at=clock.now_ms(), backup=chosen.name, code=problem.code)
    except OSError as error:
        return Trial(tried_at=clock.now_ms(), backup=chosen.name, code=f"trial.{error.strerror or 'failed'}")
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _counts(school: Path) -> dict[str, int]:
    connection = sqlite3.connect(f"{school.absolute().as_uri()}?mode=ro", uri=True, timeout=10)
    try:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        return {
            name: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] if table in tables else 0  # noqa: S608 - ours
            for name, table in COUNTED.items()
        }
    finally:
        connection.close()
