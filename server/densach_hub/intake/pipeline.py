"""Messages → facts on disk → acknowledgements, in turns.

A turn is one transaction. What it holds is taken out of the waiting messages by the writer's thread at the moment it is
free, so that it is all that came while the turn before was written. Its batches are read, stored and their marks moved
together, and only after the commit does the device get its `ack` and the broker its PUBACK. When the disk takes nothing,
the turn waits and nothing is acknowledged; the queue fills, the socket is not read any more, and the devices keep what
they have.

Reading (inflating, JSON, clocks) happens in the writer's thread too: beside it, in a thread of its own, it would fight
SQLite's steps for the interpreter's lock (measured: more CPU for each record, and not faster).
"""

import asyncio
import sqlite3
from collections import OrderedDict, deque
from collections.abc import Sequence

import msgspec
import structlog

from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.errors import Problem, Unavailable
from densach_core.live import Bus
from densach_hub.fleet.asking import Wish
from densach_hub.fleet.enrolment import Enrolment
from densach_hub.fleet.register import Register
from densach_hub.fleet.telemetry import Telemetry
from densach_hub.fleet.telling import Arrival, Misfit, Stored
from densach_hub.intake import store
from densach_hub.intake.model import Code, Heard, HelloHeard, PresenceHeard, Refused, ResultHeard
from densach_hub.intake.reading import RAW_BYTES, Reader
from densach_hub.link.client import Link
from densach_hub.link.model import Message
from densach_wire import codec, topics
from densach_wire.messages import Ack, Command, Presence

log = structlog.get_logger("intake")

TURN_MESSAGES = 32
TURN_BYTES = 2 * 1024 * 1024
TURNS_AT_ONCE = 2
WAITING_MESSAGES = 128
CLOCK_SET_MS = 2_000
SHORTEST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
SAME_REFUSAL_MS = 600_000
"""The same device refused for the same reason is counted each time, and kept again only after so long."""
REFUSALS_REMEMBERED = 2_000
STRANGERS_REMEMBERED = 1_000
SAY_AFTER_S = 1.0
"""Open pages are told at most so often: a busy lab must not make them fetch for every batch."""
REENROL = "reenrol"
REENROL_EXPIRES_MS = 3_600_000


class Counts(msgspec.Struct):
    messages: int = 0
    batches: int = 0
    records: int = 0
    repeated: int = 0
    lost: int = 0
    last_at: int | None = None
    trouble: str | None = None


class Pipeline:
    """`hear` takes the contract's messages in; `run` works them off. One per hub."""

    def __init__(
        self,
        *,
        link: Link,
        telemetry: Database,
        facts: Telemetry,
        register: Register,
        door: Enrolment,
        school: str,
        clock: Clock,
        bus: Bus,
    ) -> None:
        self._link = link
        self._db = telemetry
        self._facts = facts
        self._register = register
        self._door = door
        self._school = school
        self._clock = clock
        self._bus = bus
        self._reader = Reader(school)
        self._waiting: deque[Message] = deque()
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._begun: asyncio.Queue[tuple[list[Message], asyncio.Future[_Turn]]] = asyncio.Queue(TURNS_AT_ONCE - 1)
        self._skew_ms = clock.now_ms() - round(clock.monotonic() * 1000)
        self._refused_at: OrderedDict[tuple[str | None, str], int] = OrderedDict()
        self._strangers: OrderedDict[str, HelloHeard] = OrderedDict()
        self._saying: asyncio.TimerHandle | None = None
        self.counts = Counts()
        self.quarantined: dict[str, int] = {}

    def hear(self, message: Message) -> None:
        """Takes a message in; whoever hears many awaits `room` between them."""
        self._waiting.append(message)
        self._arrived.set()

    async def room(self) -> None:
        """Returns when more may be heard. What waits here is bounded; the rest waits in the link, then in the broker."""
        while len(self._waiting) >= WAITING_MESSAGES:
            self._room.clear()
            await self._room.wait()

    async def run(self) -> None:
        """Works for ever; TURNS_AT_ONCE turns may be on their way to the disk."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._begin_turns(), name="intake begin")
            tasks.create_task(self._finish_turns(), name="intake finish")

    async def _begin_turns(self) -> None:
        while True:
            if not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
            self._watch_own_clock()
            load: list[Message] = []
            await self._begun.put((load, self._begin(load)))

    def _begin(self, load: list[Message]) -> "asyncio.Future[_Turn]":
        return asyncio.ensure_future(self._db.write(lambda c: self._work(c, load)))

    def _watch_own_clock(self) -> None:
        skew_ms = self._clock.now_ms() - round(self._clock.monotonic() * 1000)
        if abs(skew_ms - self._skew_ms) > CLOCK_SET_MS:
            log.info("intake.clock-was-set", by_ms=skew_ms - self._skew_ms)
            self._skew_ms = skew_ms
            self._reader.forget_clocks()

    async def _finish_turns(self) -> None:
        while True:
            load, work = await self._begun.get()
            pause = SHORTEST_WAIT_S
            while True:
                try:
                    turn = await work
                    self._acknowledge(turn)
                    await self._store_others(turn.others)
                    break
                except (Unavailable, sqlite3.OperationalError) as error:
                    reason = error.code if isinstance(error, Problem) else str(error)
                    self.counts.trouble = reason
                    log.error("intake.cannot-store", reason=reason, again_in_s=pause, messages=len(load))
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, LONGEST_WAIT_S)
                    work = self._begin(load)
            self.counts.trouble = None
            for message in load:
                self._link.done(message)
            self._room.set()
            self.counts.messages += len(load)
            if load:
                self.counts.last_at = self._clock.now_ms()
            if load and self._saying is None:
                self._saying = asyncio.get_running_loop().call_later(SAY_AFTER_S, self._say)

    def _take(self, load: list[Message]) -> None:
        size = 0
        while self._waiting and len(load) < TURN_MESSAGES and size < TURN_BYTES:
            load.append(self._waiting.popleft())
            size += len(load[-1].payload)

    def _work(self, c: sqlite3.Connection, load: list[Message]) -> "_Turn":
        """In the writer's thread. `load` is empty but for a turn that is tried again."""
        if not load:
            self._take(load)
        turn = _Turn([], [])
        arrivals: list[Arrival] = []
        for message in load:
            self._facts.give_way()
            one = self._reader.read_one(message)
            if isinstance(one, Refused) or not self._register.knows(one.device):
                turn.others.append(one)
            elif isinstance(one, Arrival):
                arrivals.append(one)
            elif isinstance(one, ResultHeard):
                store.answer_request(c, one.device, one.result, one.at)
            else:
                turn.others.append(one)
        for arrival, stored in zip(arrivals, _store(c, self._facts, arrivals), strict=True):
            codes = tuple(misfit.code for misfit in arrival.misfits) if stored.misfits else ()
            turn.answers.append(_Answer(arrival.device, arrival.stream, stored, codes))
        return turn

    def _say(self) -> None:
        self._saying = None
        self._bus.say("fleet")

    async def _store_others(self, heard: Sequence[Heard]) -> None:
        """Births, presences, refusals: in order for each device, side by side for different ones, so that a room that
        is switched on shares its commits."""
        lines: dict[str | None, list[Heard]] = {}
        for one in heard:
            lines.setdefault(one.device, []).append(one)
        if not lines:
            return
        ends = await asyncio.gather(*(self._store_line(line) for line in lines.values()), return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end

    async def _store_line(self, line: Sequence[Heard]) -> None:
        for heard in line:
            try:
                await self._store_rare(heard)
            except (Unavailable, sqlite3.OperationalError):
                raise
            except Exception:
                log.exception("intake.hub-fault", device=heard.device, what=type(heard).__name__)
                self.quarantined[Code.HUB_FAULT] = self.quarantined.get(Code.HUB_FAULT, 0) + 1

    async def _store_rare(self, heard: Heard) -> None:
        if isinstance(heard, Refused):
            await self._quarantine(heard)
        elif not self._register.knows(heard.device):
            await self._meet(heard)
        elif isinstance(heard, HelloHeard):
            await self._greet(heard)
        elif isinstance(heard, PresenceHeard):
            await self._facts.presence(heard.device, heard.presence, at=heard.at, retained=heard.retained)
            if heard.presence is Presence.OFF and not heard.retained:
                await self._settle(heard.device, Wish.SHUTDOWN, heard.at)

    async def _meet(self, heard: Arrival | HelloHeard | PresenceHeard | ResultHeard) -> None:
        """A device that the register does not know. If it may knock it is neither acknowledged nor quarantined: it keeps
        what it has, and a person decides."""
        device = heard.device
        if isinstance(heard, HelloHeard) and await self._door.knock(device, heard.hello):
            self._strangers[device] = heard
            self._strangers.move_to_end(device)
            if len(self._strangers) > STRANGERS_REMEMBERED:
                self._strangers.popitem(last=False)
        elif isinstance(heard, PresenceHeard):
            log.info("intake.stranger", device=device, presence=heard.presence)  # a word without a fact; its hello follows
        elif device not in self._strangers:
            await self._quarantine(_unknown(heard, self._clock.now_ms()))

    async def welcome(self, device: str) -> None:
        """It was taken into the register: answers the hello it said before, and it tells everything at once."""
        heard = self._strangers.pop(device, None)
        if heard is None:  # this hub was started anew meanwhile: then it says hello again
            return
        await self._greet(heard)
        if heard.retained:
            mark = await self._facts.mark(device, heard.hello.stream)
            self._ack(device, heard.hello.stream, 0 if mark is None else mark.upto, ("*",))

    async def _greet(self, heard: HelloHeard) -> None:
        verdict = await self._facts.hello(
            heard.device,
            heard.hello,
            at=heard.at,
            clock=heard.clock,
            offset_ms=heard.offset_ms,
            retained=heard.retained,
        )
        if not verdict.known or heard.retained:
            return
        if not verdict.twin:
            await self._settle(heard.device, Wish.WAKE, heard.at)
        if verdict.twin:
            self._ack(heard.device, heard.hello.stream, 0, ())  # nothing of it is taken in; it learns the hub's time
            self.send_away(heard.device, heard.hello.boot)
            return
        self._ack(heard.device, heard.hello.stream, verdict.upto, verdict.want)

    def send_away(self, device: str, boot: str | None) -> None:
        """Asks a machine to give up its identity and to join anew."""
        now = self._clock.now_ms()
        command = Command(
            id=f"twin-{now}",
            expires=(now + REENROL_EXPIRES_MS) / 1000,
            sent=now / 1000,
            args={"why": "twin", "boot": boot},  # both of two twins listen on this topic: only one is meant
        )
        self._link.send(topics.cmd(self._school, device, REENROL), codec.encode(command))

    async def _settle(self, device: str, wish: Wish, at: int) -> None:
        """It did what it was asked: that it is awake, or off, is its answer."""
        await self._db.write_grouped(lambda c: store.settle(c, device, wish, at))

    def _acknowledge(self, turn: "_Turn") -> None:
        last: dict[tuple[str, str], Stored] = {}
        sections: dict[tuple[str, str], dict[str, None]] = {}
        counts = self.counts
        for one in turn.answers:
            key, answer = (one.device, one.stream), one.stored
            last[key] = answer
            if answer.want:
                sections.setdefault(key, {}).update(dict.fromkeys(answer.want))
            counts.batches += 1
            counts.records += answer.stored
            counts.repeated += answer.repeated
            counts.lost += answer.lost
            for code in one.misfits:
                self.quarantined[code] = self.quarantined.get(code, 0) + 1
        for (device, stream), answer in last.items():
            want: tuple[str | int, ...] = tuple(sections.get((device, stream), ()))
            if answer.resend_from is not None:
                want = (*want, answer.resend_from)
            self._ack(device, stream, answer.upto, want)

    def _ack(self, device: str, stream: str, upto: int, want: Sequence[str | int]) -> None:
        ack = Ack(stream, upto, self._clock.now_ms() / 1000, tuple(want))
        self._link.send(topics.ack(self._school, device), codec.encode(ack))

    async def _quarantine(self, refused: Refused) -> None:
        code = refused.misfit.code
        self.quarantined[code] = self.quarantined.get(code, 0) + 1
        key = (refused.device, code)
        before = self._refused_at.get(key)
        if before is not None and 0 <= refused.at - before < SAME_REFUSAL_MS:
            return
        self._refused_at[key] = refused.at
        self._refused_at.move_to_end(key)
        if len(self._refused_at) > REFUSALS_REMEMBERED:
            self._refused_at.popitem(last=False)
        log.warning("intake.quarantined", code=code, device=refused.device, detail=refused.misfit.detail[:200])
        misfit = refused.misfit
        if refused.size > len(misfit.raw):
            misfit = msgspec.structs.replace(misfit, detail=f"{misfit.detail} ({refused.size} bytes)")
        await self._facts.quarantine(misfit, device=refused.device, at=refused.at)


class _Answer(msgspec.Struct, frozen=True):
    device: str
    stream: str
    stored: Stored
    misfits: tuple[str, ...]


class _Turn(msgspec.Struct):
    """What a turn brought: what to answer to facts, and the rest, for transactions of its own."""

    answers: list[_Answer]
    others: list[Heard]


def _store(c: sqlite3.Connection, facts: Telemetry, arrivals: Sequence[Arrival]) -> list[Stored]:
    """A fault of the hub's own code on one batch must not stop the others, nor the stream: then one by one."""
    if not arrivals:
        return []
    c.execute("SAVEPOINT arrivals")
    try:
        stored = facts.apply_all(c, arrivals)
    except sqlite3.OperationalError:
        raise  # the disk, not the batch: the whole turn waits
    except Exception as error:
        c.execute("ROLLBACK TO arrivals")
        if len(arrivals) == 1:
            log.exception("intake.hub-fault", device=arrivals[0].device, stream=arrivals[0].stream)
            stored = [_one_by_one(c, facts, arrivals[0], error)]
        else:
            stored = [_store(c, facts, (arrival,))[0] for arrival in arrivals]
    c.execute("RELEASE arrivals")
    return stored


def _one_by_one(c: sqlite3.Connection, facts: Telemetry, arrival: Arrival, error: Exception) -> Stored:
    answer: Stored | None = None
    misfits = {misfit.seq: misfit for misfit in arrival.misfits}
    records = {record.seq: record for record in arrival.records}
    for seq in sorted({*records, *(seq for seq in misfits if seq is not None)}):
        single = msgspec.structs.replace(
            arrival,
            records=(records[seq],) if seq in records else (),
            misfits=(misfits[seq],) if seq in misfits else (),
        )
        c.execute("SAVEPOINT record")
        try:
            answer = facts.apply(c, single)
        except sqlite3.OperationalError:
            raise
        except Exception as fault:  # noqa: BLE001 - it is kept with the record it broke on
            c.execute("ROLLBACK TO record")
            raw = msgspec.json.encode(records[seq].body)[:RAW_BYTES] if seq in records else b""
            misfit = Misfit(Code.HUB_FAULT, f"{type(fault).__name__}: {fault}"[:500], raw, seq)
            answer = facts.apply(c, msgspec.structs.replace(single, records=(), misfits=(misfit,)))
        c.execute("RELEASE record")
    if answer is None:
        raise error
    return answer


def _unknown(heard: Arrival | HelloHeard | PresenceHeard | ResultHeard, now: int) -> Refused:
    """A device that is not (or no longer) in the register: kept apart, not acknowledged, so that it lets go of nothing
    until somebody admits it again."""
    at = heard.received_at if isinstance(heard, Arrival) else heard.at
    raw = msgspec.json.encode(heard.records) if isinstance(heard, Arrival) else msgspec.json.encode(heard)
    misfit = Misfit(Code.UNKNOWN_DEVICE, type(heard).__name__, raw[:RAW_BYTES])
    return Refused(heard.device, misfit, min(at, now), len(raw))
