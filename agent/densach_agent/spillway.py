"""Records in memory while the disk takes none, and the one small note that keeps their numbers from being used twice.

A full disk still takes bytes *inside* an existing file: the note is written over itself in place. It says up to which
sequence numbers may have been given to the hub; a process that starts after a crash goes on behind it.
"""

import logging
import os
from pathlib import Path

from densach_agent.outbox_rows import New, Row

log = logging.getLogger(__name__)

_WIDTH = 20
_STEP = 256


class Spillway:
    """`path=None`: nothing to remember, as the outbox itself is in memory."""

    def __init__(self, path: Path | None, limit: int) -> None:
        self._path = path
        self._limit = limit
        self.rows: dict[int, New] = {}
        self._reserved = 0
        if path is not None and not path.exists():
            self._create(path)

    def keep(self, seq: int, new: New) -> bool:
        """False if the memory for records is full or the number could not be made safe."""
        if len(self.rows) >= self._limit or not self._reserve(seq):
            return False
        self.rows[seq] = new
        return True

    def note_used(self, seq: int) -> None:
        """Numbers up to this one went to the hub while the disk itself takes no notes."""
        if seq > self._reserved and self._note(seq):
            self._reserved = seq

    def after(self, seq: int, limit: int) -> list[Row]:
        found: list[Row] = []
        for number, new in self.rows.items():
            if len(found) >= limit:
                break
            if number > seq:
                found.append(Row(number, number, new.kind, new.boot, new.up, new.wall, new.body))
        return found

    def first_seq(self) -> int | None:
        return next(iter(self.rows), None)

    def let_go(self, upto: int) -> None:
        """The hub has these: memory is too dear to keep them some days more."""
        self.rows = {seq: new for seq, new in self.rows.items() if seq > upto}

    def clear(self) -> None:
        self.rows.clear()
        if self._reserved:
            self.forget_reserved()

    def reserved_upto(self) -> int:
        """What an earlier process may have used; 0 normally."""
        if self._path is None:
            return 0
        try:
            return int(self._path.read_bytes()[:_WIDTH] or b"0")
        except (OSError, ValueError):
            return 0

    def forget_reserved(self) -> None:
        self._reserved = 0
        self._note(0)

    def _reserve(self, seq: int) -> bool:
        if seq <= self._reserved:
            return True
        upto = seq + _STEP
        if not self._note(upto):
            return False
        self._reserved = upto
        return True

    def _create(self, path: Path) -> None:
        try:
            path.write_bytes(b"0".rjust(_WIDTH))
        except OSError as error:
            log.warning("no room for %s: %s", path.name, error)

    def _note(self, upto: int) -> bool:
        if self._path is None:
            return True
        try:
            handle = os.open(self._path, os.O_WRONLY)
            try:
                os.pwrite(handle, str(upto).encode().rjust(_WIDTH), 0)
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            log.error("cannot note that numbers are used (%s)", error)
            return False
        return True
