"""Says upward what changed, and keeps it until the office has answered for each record."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from sqlite3 import Connection

import msgspec
import structlog
from aiohttp import web

from densach_core.clock import Clock, moment
from densach_core.database import Database
from densach_core.errors import Conflict, Problem, Unavailable
from densach_core.sender import rules, store
from densach_core.sender.courier import Courier, address
from densach_core.sender.model import Current, Identity, Line, Parent, Refusal, Statement, Waiting
from densach_core.sender.signing import SigningKey
from densach_core.text import t
from densach_wire.upward import (
    MAX_RECORDS,
    Answer,
    Envelope,
    PairRequest,
    Record,
    Sukien,
    canonical,
    digest,
    raw,
)

log = structlog.get_logger("sender")
SENDER: "web.AppKey[Sender]" = web.AppKey("sender")
LOOK_EVERY_S = 30.0


class Sender:
    """The way up from a hub, or from an office to its own parents.

    `who` tells the code this installation is known by; None while it has none (before set-up), and nothing is sent.
    `behind` is set when an office holds newer records than we remember; who publishes should then publish again.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        key: SigningKey,
        who: Callable[[], Awaitable[Identity | None]],
        *,
        chance: Callable[[], float] = random.random,
        seconds: float = 30.0,
    ) -> None:
        self._db = database
        self._clock = clock
        self._key = key
        self._who = who
        self._chance = chance
        self._seconds = seconds
        self._something = asyncio.Event()
        self.behind = asyncio.Event()

    # --- what is to be said -----------------------------------------------------------------------------------------

    async def publish(self, statements: Iterable[Statement], *, whole: frozenset[str] = frozenset()) -> int:
        """Queues what changed since it was last said; returns how many records that is.

        Of kinds in `whole` the statements are complete: a record of such a kind that is no longer said is cancelled.
        """
        who = await self._who()
        if who is None:
            return 0
        said = list(statements)
        at = self._clock.now_ms()

        def work(c: Connection) -> int:
            to = store.parents(c)
            queued = 0
            alive = set()
            for statement in said:
                record_id = statement.record_id(who.code)
                alive.add(record_id)
                body = raw(statement.body)
                before = store.current(c, record_id)
                fingerprint = digest(body)
                if rules.changed(before, fingerprint):
                    event = rules.event_for(before, cancelled=False)
                    self._say(c, to, who.code, record_id, statement.kind, statement.as_of, event, body, before, at)
                    queued += 1
            day = moment(at).date().isoformat()
            for old in store.currents(c):
                ours = old.record.startswith(f"{who.code}/")  # what was said under an earlier code stays as it was
                if ours and old.kind in whole and old.record not in alive and old.event != Sukien.CANCEL:
                    self._say(c, to, who.code, old.record, old.kind, day, Sukien.CANCEL, raw(None), old, at)
                    queued += 1
            return queued

        queued = await self._db.write(work)
        if queued:
            self._something.set()
        return queued

    async def forward(self, records: Iterable[Record]) -> None:
        """Passes on what levels below said, with the versions they gave it; what a parent has answered for stays here."""
        at = self._clock.now_ms()
        items = [_waiting(record, at, kept_version=True) for record in records]

        def work(c: Connection) -> None:
            for parent in store.parents(c):
                passed = store.passed(c, parent.id)
                for item in items:
                    if item.version > passed.get(item.record, 0):
                        store.queue(c, parent.id, item)

        if items:
            await self._db.write(work)
            self._something.set()

    # --- offices above ----------------------------------------------------------------------------------------------

    async def pair(self, url: str, code: str) -> Parent:
        """Makes an office know this installation's key, with the one-time code the office gave out.

        Everything that is current is queued for it. Raises BadInput, NotAllowed, Conflict with the office's code,
        Unavailable when it cannot be reached.
        """
        who = await self._who()
        if who is None:
            raise Conflict("sender.no-school", t("This hub has no school yet."), t("Finish the set-up first, then pair."))
        url = address(url)
        request = PairRequest(code=code.strip(), school=who.code, name=who.name, public_key=self._key.public.hex())
        async with Courier(seconds=self._seconds) as courier:
            answer = await courier.pair(url, request)
        at = self._clock.now_ms()

        def work(c: Connection) -> Parent:
            parent = store.put_parent(c, url=url, office=answer.office, name=answer.name, at=at)
            store.forget_passed(c, parent.id)
            for current in store.currents(c):
                if current.event != Sukien.CANCEL and current.digest is not None:
                    record = msgspec.json.decode(current.body, type=Record)
                    fresh = msgspec.structs.replace(record, event=Sukien.NEW)
                    store.queue(c, parent.id, _waiting(fresh, at))
            return parent

        parent = await self._db.write(work)
        log.info("sender.paired", office=answer.office, url=url)
        self.behind.set()
        self._something.set()
        return parent

    async def leave(self, parent_id: int) -> None:
        """Stops sending to an office, and forgets what waited for it."""
        await self._db.write(lambda c: store.drop_parent(c, parent_id))

    async def lines(self) -> list[Line]:
        """Each office, with how much waits for it."""

        def work(c: Connection) -> list[Line]:
            found = []
            for parent in store.parents(c):
                waiting, oldest = store.count(c, parent.id)
                found.append(Line(parent=parent, waiting=waiting, oldest_at=oldest))
            return found

        return await self._db.read(work)

    async def refusals(self) -> list[Refusal]:
        return await self._db.read(store.refusals)

    # --- the way there ----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Sends for ever; cancel to stop. Nothing is lost by stopping at any point."""
        async with Courier(seconds=self._seconds) as courier:
            while True:
                self._something.clear()
                try:
                    wait_s = await self.turn(courier)
                except Exception:  # a full disk must not end the process that will send once there is room again
                    log.exception("sender.turn-failed")
                    wait_s = LOOK_EVERY_S
                try:
                    async with asyncio.timeout(wait_s):
                        await self._something.wait()
                except TimeoutError:
                    pass

    async def turn(self, courier: Courier) -> float:
        """Sends to every office that is due, once through its outbox; returns the seconds until the next one is due."""
        now = self._clock.now_ms()
        due = [line for line in await self.lines() if _due(line, now)]
        who = await self._who()
        if due and who is not None:
            async with asyncio.TaskGroup() as group:
                for line in due:
                    group.create_task(self._empty(courier, who, line.parent), name=f"send to {line.parent.office}")
        lines = await self.lines()
        now = self._clock.now_ms()
        waits = [(line.parent.next_at - now) / 1000 for line in lines if line.waiting or line.parent.failures]
        return min([LOOK_EVERY_S, *(max(0.05, wait) for wait in waits)])

    async def _empty(self, courier: Courier, who: Identity, parent: Parent) -> None:
        while True:
            waiting = await self._db.read(lambda c: store.waiting(c, parent.id, MAX_RECORDS))
            taken = rules.batch(waiting)
            envelope = Envelope(
                school=who.code,
                key=self._key.id,
                sent_at=self._clock.now_ms(),
                records=[msgspec.Raw(item.body) for item in taken],
            )
            try:
                answer = await courier.feed(parent.url, self._key.sign(envelope))
            except Problem as problem:
                await self._failed(parent, problem)
                return
            released = await self._answered(parent, taken, answer.answers)
            if released < len(taken):
                await self._failed(parent, Unavailable("sender.strange-answer", t("The office left records unanswered.")))
                return
            if len(taken) == len(waiting) < MAX_RECORDS:
                return

    async def _failed(self, parent: Parent, problem: Problem) -> None:
        now = self._clock.now_ms()
        failures = parent.failures + 1
        wait = max(1_000, rules.wait_ms(failures, self._chance()))
        log.warning("sender.failed", office=parent.office, code=problem.code, failures=failures, wait_ms=wait)
        await self._db.write(lambda c: store.failed(c, parent.id, at=now, next_at=now + wait, problem=problem.code))

    async def _answered(self, parent: Parent, sent: list[Waiting], answers: list[Answer]) -> int:
        """Lets go of what was answered, in one transaction; returns how many that were."""
        now = self._clock.now_ms()

        def work(c: Connection) -> tuple[int, bool]:
            released, behind = 0, False
            for item, answer in zip(sent, answers, strict=False):
                if answer.id != item.record:
                    continue
                fate = rules.fate(answer, sent_digest=digest(msgspec.Raw(item.body)), kept_version=item.kept_version)
                if fate is rules.Fate.BEHIND:
                    store.rise_to(c, item.record, max(answer.version or 0, item.version))
                    behind = True
                elif fate is rules.Fate.REFUSED:
                    store.refuse(c, parent.id, item.record, item.version, answer.code or "unknown", now)
                else:
                    store.forgive(c, parent.id, item.record)
                if item.kept_version:
                    store.note_passed(c, parent.id, item.record, item.version)
                store.drop(c, parent.id, item.record, item.version)
                released += 1
            store.succeeded(c, parent.id, at=now, next_at=now)
            return released, behind

        released, behind = await self._db.write(work)
        if behind:
            log.warning("sender.behind", office=parent.office)
            self.behind.set()
        return released

    def _say(
        self,
        c: Connection,
        to: list[Parent],
        school: str,
        record_id: str,
        kind: str,
        as_of: str,
        event: Sukien,
        body: msgspec.Raw,
        before: Current | None,
        at: int,
    ) -> None:
        record = Record(
            id=record_id,
            event=event,
            version=rules.next_version(before.version if before else None),
            updated_at=moment(at).isoformat(timespec="milliseconds"),
            school=school,
            kind=kind,
            as_of=as_of,
            body=body,
        )
        item = _waiting(record, at)
        store.put_current(
            c,
            Current(
                record=record_id,
                kind=kind,
                version=record.version,
                event=event,
                as_of=as_of,
                digest=digest(body),
                body=item.body,
            ),
        )
        for parent in to:
            store.queue(c, parent.id, item)


def _due(line: Line, now: int) -> bool:
    if line.parent.failures:
        return now >= line.parent.next_at
    quiet = now - (line.parent.heard_at or 0)
    return line.waiting > 0 or quiet >= rules.HEARTBEAT_MS


def _waiting(record: Record, at: int, *, kept_version: bool = False) -> Waiting:
    return Waiting(
        record=record.id,
        as_of=record.as_of,
        version=record.version,
        event=record.event,
        body=canonical(record),
        queued_at=at,
        kept_version=kept_version,
    )
