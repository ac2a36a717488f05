"""Takes what schools send: who speaks, is it really them, does each record fit, is it newer. Nothing else harmed."""

from collections.abc import Awaitable, Callable

import msgspec
import structlog
from aiohttp import web

from densach_core.clock import Clock
from densach_core.errors import BadInput, NotAllowed, TooLarge
from densach_core.live import Bus
from densach_core.metrics import Metrics
from densach_core.sender.signing import verify
from densach_core.text import t
from densach_office.schools.model import Arrival, Child, Notice, NoticeKind
from densach_office.schools.port import SchoolStore
from densach_office.schools.rules import Unfit, arrival
from densach_wire.upward import MAX_RECORDS, Answer, Envelope, FeedAnswer, Record, Verdict, signed_part

log = structlog.get_logger("feed")
COMPLAINT_EVERY_MS = 10 * 60_000
FEED: "web.AppKey[Feed]" = web.AppKey("feed")


class Feed:
    """`passed_on` is called with the records that were accepted (an office above may want them)."""

    def __init__(
        self,
        store: SchoolStore,
        clock: Clock,
        bus: Bus,
        metrics: Metrics,
        passed_on: Callable[[list[Record]], Awaitable[None]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._bus = bus
        self._passed_on = passed_on
        self._complained: dict[str, int] = {}
        self._records = metrics.counter("densach_feed_records_total", "Records that arrived", ("verdict",))
        self._refused = metrics.counter("densach_feed_refused_total", "Envelopes refused whole", ("code",))

    async def receive(self, envelope: bytes) -> FeedAnswer:
        """Verifies, stores, answers for each record in order.

        Raises NotAllowed("feed.unknown-school" | "feed.key-revoked" | "feed.wrong-signature"), BadInput
        ("feed.malformed"), TooLarge("feed.too-many"): then nothing was stored and the sender keeps everything.
        """
        said, child = await self._verified(envelope)
        arrivals: list[Arrival] = []
        refused: dict[int, Answer] = {}
        for place, raw in enumerate(said.records):
            try:
                arrivals.append(arrival(raw, child))
            except Unfit as unfit:
                refused[place] = Answer(id=unfit.record_id, verdict=Verdict.REFUSED, code=unfit.code)
        now = self._clock.now_ms()
        taken = iter(await self._store.take(child, arrivals, at=now, sent_at=said.sent_at))
        answers = [refused[place] if place in refused else next(taken) for place in range(len(said.records))]
        for answer in refused.values():
            log.warning("feed.record-refused", child=child.code, record=answer.id, code=answer.code)
            await self._store.note(Notice(at=now, child=child.code, kind=NoticeKind.REFUSED, record=answer.id, code=answer.code))
        await self._told(child, arrivals, answers)
        return FeedAnswer(answers)

    async def _verified(self, envelope: bytes) -> tuple[Envelope, Child]:
        try:
            signed, signature = signed_part(envelope)
            said = msgspec.json.decode(signed, type=Envelope)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            self._refused.labels("feed.malformed").inc()
            raise BadInput("feed.malformed", t("This is no envelope of records.")) from error
        child = await self._store.child(said.school)
        if child is None:
            raise self._turned_away(said, "feed.unknown-school")
        if child.revoked_at is not None:
            raise self._turned_away(said, "feed.key-revoked")
        if said.key != child.key_id or not verify(bytes.fromhex(child.key), signature, signed):
            await self._complain(child)
            raise self._turned_away(said, "feed.wrong-signature")
        if len(said.records) > MAX_RECORDS:
            raise TooLarge("feed.too-many", t("An envelope holds at most {n} records.", n=MAX_RECORDS))
        return said, child

    async def _complain(self, child: Child) -> None:
        """A line for the officer; not one for every try, or whoever forges many would push all other notices out."""
        now = self._clock.now_ms()
        last = self._complained.get(child.code)
        if last is None or not 0 <= now - last < COMPLAINT_EVERY_MS:
            self._complained[child.code] = now
            await self._store.note(Notice(at=now, child=child.code, kind=NoticeKind.SIGNATURE, code="feed.wrong-signature"))

    def _turned_away(self, said: Envelope, code: str) -> NotAllowed:
        self._refused.labels(code).inc()
        log.warning("feed.refused", school=said.school[:40], key=said.key[:16], code=code)
        sentences = {
            "feed.unknown-school": t("This school is not paired with this office."),
            "feed.key-revoked": t("This school's key has been withdrawn."),
            "feed.wrong-signature": t("The signature does not fit the school's key."),
        }
        return NotAllowed(code, sentences[code], t("Pair the school with the office again, with a new code."))

    async def _told(self, child: Child, arrivals: list[Arrival], answers: list[Answer]) -> None:
        for answer in answers:
            self._records.labels(answer.verdict).inc()
        accepted = {answer.id: answer for answer in answers if answer.verdict is Verdict.ACCEPTED}
        ignored = sum(1 for answer in answers if answer.verdict is Verdict.IGNORED)
        if ignored:
            log.info("feed.ignored", child=child.code, records=ignored)
        new = [one.record for one in arrivals if one.record.id in accepted]
        if new:
            await self._passed_on(new)
        self._bus.say("schools")
