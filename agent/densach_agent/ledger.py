"""`requests.json`: what the hub asked of this machine and what became of it. An id is on disk before its deed begins,
so that no power cut, kill or second delivery makes it happen twice."""

import logging
from pathlib import Path

import msgspec
from msgspec.structs import replace

from densach_agent.settings import write_whole
from densach_wire.messages import Attrs, Outcome

log = logging.getLogger(__name__)

FILE = "requests.json"
_KEPT = 50
_LONGEST_MS = 25 * 3_600_000
"""No request lives longer than a day: until then its id is kept however many came after it."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request. Times are epoch milliseconds by the hub's clock."""

    id: str
    name: str
    at: int
    boot: str
    """The boot in which it was accepted."""
    by: str = ""
    outcome: Outcome = Outcome.ACCEPTED
    reason: str = ""
    attrs: Attrs = {}
    begun: bool = False
    """The machine was told to go down; whether it did shows in the next boot."""
    told: bool = False
    """The final outcome was handed to a connection."""


class Ledger:
    """Oldest first. `folder=None` keeps it in memory."""

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / FILE
        self._entries = {} if self._path is None else {entry.id: entry for entry in read(self._path)}

    def find(self, request: str) -> Entry | None:
        return self._entries.get(request)

    def open_ones(self) -> list[Entry]:
        return [entry for entry in self._entries.values() if entry.outcome is Outcome.ACCEPTED]

    def untold(self) -> list[Entry]:
        return [entry for entry in self._entries.values() if entry.outcome is not Outcome.ACCEPTED and not entry.told]

    def accept(self, entry: Entry) -> None:
        """On disk when this returns. Raises OSError; then it is not accepted."""
        before = self._entries
        self._entries = {**_thinned(before, entry.at), entry.id: entry}
        try:
            self._write()
        except OSError:
            self._entries = before
            raise

    def note(self, entry: Entry) -> None:
        """What became of it. On a disk that takes nothing it is remembered until the agent ends."""
        self._entries[entry.id] = entry
        try:
            self._write()
        except OSError as error:
            log.error("what became of request %s is in memory only: %s", entry.id, error)

    def change(self, request: str, **fields: object) -> None:
        if (entry := self._entries.get(request)) is not None:
            self.note(replace(entry, **fields))

    def _write(self) -> None:
        if self._path is not None:
            write_whole(self._path, msgspec.json.encode(list(self._entries.values())).decode())


def read(path: Path) -> list[Entry]:
    """Nothing where there is no such file or it cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Entry])
    except FileNotFoundError:
        return []
    except (OSError, msgspec.MsgspecError) as error:
        log.error("%s cannot be read (%s): as if nothing had been asked", path, error)
        return []


def _thinned(entries: dict[str, Entry], now: int) -> dict[str, Entry]:
    newest = set(list(entries)[-_KEPT:])
    return {key: entry for key, entry in entries.items() if key in newest or abs(now - entry.at) < _LONGEST_MS or not entry.told}
