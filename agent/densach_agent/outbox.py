"""The durable outbox: what was measured stays here until the hub says that it is on the hub's disk, and some days more.

One SQLite file, WAL, `synchronous=FULL`: a sequence that `add` returned survives a power cut. Sequences have no
holes: what had to be dropped is replaced, in its place, by a gap record that travels like any other.

`lived_ms` is the outbox's own age: it grows with the time since boot, and over reboots by the wall clock where that
is plausible. Ages are measured by it, so that a clock battery that died cannot expire (or keep for ever) anything.
"""

import logging
import secrets
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from densach_agent import outbox_rows as rows
from densach_agent.clock import Clock
from densach_agent.outbox_file import open_file
from densach_agent.spillway import Spillway
from densach_wire.messages import Body, Event, Gap, Kept

log = logging.getLogger(__name__)

_DAY_MS = 86_400_000
_PLAUSIBLE_PAUSE_MS = 400 * _DAY_MS
_RETRY_MS = 60_000
_EXPIRE_EVERY_MS = 3_600_000


class Limits(msgspec.Struct, frozen=True):
    """What the outbox may take of the machine."""

    max_bytes: int = 16 * 1024 * 1024
    """Of record bodies as they lie in the file (large ones compressed); the file is somewhat larger."""
    max_age_ms: int = 180 * 86_400_000
    """Unacknowledged records older than this are dropped."""
    keep_acked_ms: int = 7 * 86_400_000
    memory_records: int = 2_000
    """How many records are kept in memory while the disk takes none."""


class Outbox:
    """Thread-safe. `path=None` keeps it in memory (simulated machines). Every method is one short transaction."""

    def __init__(self, path: Path | None, clock: Clock, limits: Limits | None = None) -> None:
        self._clock = clock
        self._limits = limits or Limits()
        self._lock = threading.RLock()
        self._stream = ""
        self._acked = 0
        self._sent = 0
        self._base = 0
        self._next = 1
        self._bytes = 0
        self._lived = 0
        self._expired_at = 0
        self._tried_up = 0
        self._dropped = 0
        self._full_told: int | None = None
        self.previous_boot: str | None = None
        """The boot that used this outbox last; None in a new one."""
        self._life_at = ("", 0, 0)
        self.trouble: str | None = None
        """Why records are only in memory; None while the disk works."""
        self._db, self.began_anew = open_file(path)
        self._spill = Spillway(None if path is None else path.with_name(path.name + ".spill"), self._limits.memory_records)
        with self._lock:
            self._start()

    # ---- facts ----------------------------------------------------------------------------------------------------

    @property
    def stream(self) -> str:
        return self._stream

    @property
    def acked(self) -> int:
        """The hub has everything up to here."""
        return self._acked

    @property
    def sent(self) -> int:
        """The highest sequence that ever left this disk, as far as the disk remembers."""
        return self._sent

    @property
    def base(self) -> int:
        """The last sequence when this boot began. A hub that has more, and more than was sent, knows another life of this
        disk: it was put back to an earlier state, which happens between two boots. What lies up to here is common to both."""
        return self._base

    @property
    def last(self) -> int:
        """The highest sequence given out; 0 in a new stream."""
        return self._next - 1

    @property
    def pending(self) -> int:
        return self.last - self._acked

    def kept(self) -> Kept | None:
        with self._lock:
            first = rows.first_seq(self._db)
            if first is None:
                first = self._spill.first_seq()
            return None if first is None or first > self.last else Kept(first, self.last)

    def size_bytes(self) -> int:
        return self._bytes

    # ---- writing --------------------------------------------------------------------------------------------------

    def add(self, *bodies: Body) -> int:
        """Stores the records in order, in one transaction, stamped with the present; returns the last sequence.

        On a disk that takes nothing they are kept in memory (`trouble` says why) and moved to the disk when it can.
        """
        with self._lock:
            made = [rows.new_row(body, self._clock) for body in bodies]
            if self._resting():
                self._spill_over(made)
                return self.last
            try:
                self._write(made)
            except sqlite3.Error as error:
                first = self.trouble is None
                self._say(error)
                self._spill_over([self._word_of_trouble(), *made] if first else made)
            return self.last

    def note_sent(self, upto: int) -> None:
        """Everything up to `upto` is about to be sent: noted before, and durably, for numbers must not be used twice for
        different records, even on a disk that is put back to an earlier state."""
        with self._lock:
            if upto <= self._sent:
                return
            self._sent = upto
            try:
                if not self._resting():
                    rows.set_meta(self._db, "sent", upto)
                    return
            except sqlite3.Error as error:
                self._say(error)
            self._spill.note_used(upto)

    def ack(self, upto: int) -> bool:
        """The hub has everything up to `upto`. True if that is news. A lower mark than before is an old message
        that came late and changes nothing (see `rewind` for a hub that forgot)."""
        with self._lock:
            upto = min(upto, self.last)
            if upto <= self._acked:
                return False
            self._acked = upto
            self._spill.let_go(upto)
            try:
                with rows.transaction(self._db):
                    self._note_life()
                    rows.set_meta(self._db, "acked", upto)
                    rows.note_ack(self._db, upto, self._lived)
                    self._expire()
                if not self._resting():
                    self._unspill()
            except sqlite3.Error as error:
                self._say(error)
            return True

    def rewind(self, seq: int) -> None:
        """The hub asks for everything from `seq` again (it was restored from a backup). What is no longer here
        becomes a gap, so that the stream goes on."""
        with self._lock:
            if not 1 <= seq <= self._acked:
                return
            try:
                self._fill_from(seq)
            except sqlite3.Error as error:
                self._say(error)
                return
            self._acked = seq - 1

    def give_up(self, seq: int, why: str) -> None:
        """Puts a gap where a record is that can never be sent."""
        with self._lock:
            if seq in self._spill.rows:
                self._spill.rows[seq] = rows.new_row(Gap(seq, seq, why), self._clock)
                return
            try:
                with rows.transaction(self._db):
                    for row in rows.after(self._db, seq - 1, 1, 0):
                        if row.seq == seq and row.kind != "gap":
                            self._drop(row, why)
            except sqlite3.Error as error:
                self._say(error)

    def fork(self, after: int) -> bool:
        """Begins a new stream with what came after `after`, numbered from 1 (the disk was put back to an earlier
        state, as reboot-and-restore software does: the hub knows other records under the same numbers). False if the disk takes
        nothing now."""
        stream = secrets.token_hex(8)
        with self._lock:
            try:
                self._unspill()
                with rows.transaction(self._db):
                    rows.renumber(self._db, after)
                    for key, value in (("stream", stream), ("acked", 0), ("sent", 0), ("base", 0)):
                        rows.set_meta(self._db, key, value)
            except sqlite3.Error as error:
                self._say(error)
                return False
            self._stream, self._acked, self._sent, self._base = stream, 0, 0, 0
            self._next = rows.last_seq(self._db) + 1
            self._bytes = rows.total_bytes(self._db)
            return True

    def after(self, seq: int, *, max_records: int = 200, max_bytes: int = 512 * 1024) -> list[rows.Row]:
        """The records after `seq`, of one boot, in order and without holes; at least one if there is one."""
        with self._lock:
            found = rows.after(self._db, seq, max_records, max_bytes)
            if not found or self._spill.first_seq() == found[-1].seq + 1:  # else the file has more that comes before
                found += self._spill.after(found[-1].seq if found else seq, max_records - len(found))
        chosen: list[rows.Row] = []
        size = 0
        for row in found:
            size += len(row.body) + 60
            if chosen and (row.boot != chosen[0].boot or size > max_bytes):
                break
            chosen.append(row)
        return chosen

    # ---- small facts that must agree with the stream --------------------------------------------------------------

    def digests(self) -> dict[str, str]:
        """Inventory section → digest of what was last put into the stream."""
        with self._lock:
            return rows.digests(self._db)

    def add_section(self, body: Body, section: str, digest: str) -> int:
        """As `add`, remembering the digest in the same transaction."""
        with self._lock:
            seq = self.add(body)
            try:
                with rows.transaction(self._db):
                    rows.set_digest(self._db, section, digest)
            except sqlite3.Error as error:
                self._say(error)
            return seq

    def close(self) -> None:
        with self._lock:
            try:
                with rows.transaction(self._db):
                    self._unspill()
                    self._note_life()
            except sqlite3.Error as error:
                log.warning("outbox closed with records in memory only: %s", error)
            self._db.close()

    # ---- inside ---------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        with rows.transaction(self._db):
            meta = rows.meta(self._db)
            self._stream = str(meta.get("stream") or secrets.token_hex(8))
            rows.set_meta(self._db, "stream", self._stream)
            self._acked = int(meta.get("acked", 0))
            self._next = max(rows.last_seq(self._db), self._acked) + 1
            self._lived = int(meta.get("lived", 0))
            self._life_at = (self._clock.boot, self._clock.up_ms(), self._clock.now_ms())
            self.previous_boot = meta.get("boot")
            self._resume_life(meta)
            self._note_life()
            reserved = self._spill.reserved_upto()
            if reserved >= self._next:  # numbers were used in memory by a process that died before the disk came back
                self._insert_gap(self._next, reserved, "disk")
            self._sent = max(int(meta.get("sent", self._next - 1)), self._acked, reserved)
            same_boot = self.previous_boot == self._clock.boot
            self._base = int(meta.get("base", self.last)) if same_boot else self.last
            for key, value in (("sent", self._sent), ("base", self._base)):
                rows.set_meta(self._db, key, value)
            self._bytes = rows.total_bytes(self._db)
            self._expired_at = self._lived - _EXPIRE_EVERY_MS
            self._expire()
        self._spill.forget_reserved()

    def _resume_life(self, meta: dict[str, str]) -> None:
        before_boot, before_up, before_wall = meta.get("boot"), int(meta.get("up", 0)), int(meta.get("wall", 0))
        boot, up, wall = self._life_at
        if before_boot == boot:
            self._lived += max(0, up - before_up)
        elif 0 < wall - before_wall < _PLAUSIBLE_PAUSE_MS:
            self._lived += wall - before_wall

    def _note_life(self) -> None:
        boot, before, _ = self._life_at
        up, wall = self._clock.up_ms(), self._clock.now_ms()
        self._lived += max(0, up - before)
        self._life_at = (boot, up, wall)
        for key, value in (("lived", self._lived), ("boot", boot), ("up", up), ("wall", wall)):
            rows.set_meta(self._db, key, value)

    def _write(self, made: Sequence[rows.New]) -> None:
        first, size = self._next, self._bytes
        try:
            with rows.transaction(self._db):
                self._note_life()
                rows.set_meta(self._db, "acked", self._acked)
                rows.set_meta(self._db, "sent", self._sent)
                self._unspill_rows()
                for new in [*self._word_of_drops(), *made]:
                    self._bytes += rows.insert(self._db, self._next, self._next, new, self._lived)
                    self._next += 1
                if self._bytes > self._limits.max_bytes:
                    self._shrink()
        except sqlite3.Error:
            self._next, self._bytes = first, size
            raise
        self._spill.clear()
        if self.trouble is not None:
            log.warning("the disk takes records again")
            self.trouble = None

    def _word_of_drops(self) -> list[rows.New]:
        """That records were dropped, once a day at most: which ones, the gaps say."""
        if not self._dropped or (self._full_told is not None and self._lived - self._full_told < _DAY_MS):
            return []
        word = rows.new_row(Event("outbox-full", {"dropped": self._dropped}), self._clock)
        self._dropped, self._full_told = 0, self._lived
        return [word]

    def _resting(self) -> bool:
        """A disk that took nothing is asked again once a minute, not for each record."""
        return self.trouble is not None and 0 <= self._clock.up_ms() - self._tried_up < _RETRY_MS

    def _word_of_trouble(self) -> rows.New:
        return rows.new_row(Event("outbox-memory", {"why": str(self.trouble)[:200]}), self._clock)

    def _spill_over(self, made: Sequence[rows.New]) -> None:
        for new in made:
            if self._spill.keep(self._next, new):
                self._next += 1
            else:
                log.error("the memory for records is full too: a record of kind %s is lost", new.kind)

    def _unspill(self) -> None:
        if self._spill.rows:
            self._write(())

    def _unspill_rows(self) -> None:
        for seq, new in self._spill.rows.items():
            self._bytes += rows.insert(self._db, seq, seq, new, self._lived)

    def _say(self, error: sqlite3.Error) -> None:
        if self.trouble is None:
            log.error("the outbox's disk takes nothing (%s): going on in memory", error)
        self.trouble = str(error)
        self._tried_up = self._clock.up_ms()

    def _fill_from(self, seq: int) -> None:
        with rows.transaction(self._db):
            rows.set_meta(self._db, "acked", seq - 1)
            rows.forget_acks(self._db, seq - 1)
            end = (self._spill.first_seq() or self._next) - 1
            for first, last in rows.holes(self._db, seq, end):
                gap = rows.new_row(Gap(first, last, "expired"), self._clock)
                rows.insert(self._db, last, first, gap, self._lived)

    def _insert_gap(self, first: int, last: int, why: str) -> None:
        rows.insert(self._db, last, first, rows.new_row(Gap(first, last, why), self._clock), self._lived)
        self._next = last + 1

    def _expire(self) -> None:
        """Lets go of what was acknowledged long ago, and gives up what is too old to matter."""
        if self._lived - self._expired_at < _EXPIRE_EVERY_MS:
            return
        self._expired_at = self._lived
        self._bytes -= rows.delete_acked(self._db, self._acked, self._lived - self._limits.keep_acked_ms)
        for row in rows.older_than(self._db, self._acked, self._lived - self._limits.max_age_ms):
            self._drop(row, "age")

    def _shrink(self) -> None:
        """Makes room: acknowledged records first, then unacknowledged health, then events (not the outbox's own word), then
        inventory of which a newer state waits too, then the oldest usage; the last state of each section, which is little, at
        the very end."""
        goal = self._limits.max_bytes * 9 // 10
        self._bytes -= rows.delete_oldest_acked(self._db, self._acked, self._bytes - goal)
        unwanted: tuple[Callable[[], list[rows.Row]], ...] = (
            lambda: rows.oldest(self._db, self._acked, ("health",)),
            lambda: [row for row in rows.oldest(self._db, self._acked, ("event",)) if b'"outbox-' not in row.body],
            lambda: rows.outdated_inventory(self._db, self._acked),
            lambda: rows.oldest(self._db, self._acked, ("usage",)),
            lambda: rows.oldest(self._db, self._acked, ("inventory",)),
        )
        for found in unwanted:
            if self._bytes <= goal:
                return
            for row in found():
                if self._bytes <= goal:
                    return
                self._drop(row, "size")
                self._dropped += 1

    def _drop(self, row: rows.Row, why: str) -> None:
        if row.kind == "inventory" and why != "too-large":
            rows.forget_section(self._db, row)  # it is found "changed" at the next survey, and told
        self._bytes += rows.replace_by_gap(self._db, row, why, self._acked)
