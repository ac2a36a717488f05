"""From bytes to what was meant: decoding, validating and placing in time, away from the event loop and from the disk.

A Reader is used by one thread at a time. Whatever comes in, an answer comes out: what does not fit becomes Refused, a
record that does not fit a Misfit of its batch.
"""

from collections import OrderedDict
from collections.abc import Sequence

from densach_hub.fleet.telling import Arrival, Arrived, ClockTrust, Misfit
from densach_hub.intake.model import Code, Heard, HelloHeard, PresenceHeard, Refused, ResultHeard
from densach_hub.intake.rules import BootClock, Placing, measure, placing
from densach_hub.link.model import Message
from densach_wire import codec, topics
from densach_wire.errors import WireError
from densach_wire.messages import Hello, Record, Result, UsageSlice, wall_to_ms
from densach_wire.topics import Channel, Topic

RAW_BYTES = 16 * 1024
"""So much of what does not fit is kept; its whole size is told."""
DEVICES = 5_000
BOOTS = 4
TOPICS = 5_000


class Reader:
    """Keeps what must be remembered between messages: how the devices' clocks run."""

    def __init__(self, school: str) -> None:
        self._school = school
        self._boots: OrderedDict[str, list[BootClock]] = OrderedDict()
        self._topics: dict[str, Topic] = {}

    def forget_clocks(self) -> None:
        """The hub's own clock was set: what was measured with the old one is worthless."""
        self._boots.clear()

    def read_one(self, message: Message) -> Heard:
        device: str | None = None
        try:
            topic = self._parse(message.topic)
            device = topic.device
            if topic.school != self._school:
                return _refused(message, device, Code.FOREIGN_SCHOOL, topic.school)
            if topic.channel is Channel.BATCH and device is not None:
                return self._batch(device, message)
            if topic.channel is Channel.PRESENCE and device is not None:
                presence = codec.decode_presence(message.payload)
                return PresenceHeard(device, presence, message.received_ms, message.retained)
            if topic.channel is Channel.HELLO and device is not None:
                return self._hello(device, message)
            if topic.channel is Channel.RES and device is not None and topic.name is not None:
                result = codec.decode(message.payload, Result)
                return ResultHeard(device, topic.name, result, message.received_ms)
            return _refused(message, device, "wire.bad-topic", message.topic)
        except WireError as error:
            return _refused(message, device, error.code, error.detail)

    def _parse(self, name: str) -> Topic:
        topic = self._topics.get(name)
        if topic is None:
            topic = topics.parse(name)
            if len(self._topics) >= TOPICS:
                self._topics.clear()
            self._topics[name] = topic
        return topic

    def _batch(self, device: str, message: Message) -> Heard:
        decoded = codec.decode_batch(message.payload)
        envelope, records = decoded.envelope, decoded.records
        if envelope.dev != device:
            return _refused(message, device, Code.FOREIGN_DEVICE, envelope.dev)
        received_at = message.received_ms
        sending = envelope.sent.boot or envelope.boot
        sender = self._measured(device, sending, received_at, envelope.sent.up, envelope.sent.wall)
        earlier = None if envelope.same_boot else self._known(device, envelope.boot)
        last = (records[-1].up, wall_to_ms(records[-1].wall)) if records else (0.0, None)
        place = placing(envelope, sender, earlier, received_at, last)
        return Arrival(
            device=device,
            stream=envelope.stream,
            boot=envelope.boot,
            received_at=received_at,
            records=_placed(records, place),
            misfits=tuple(Misfit(bad.code, bad.detail, bad.raw[:RAW_BYTES], bad.seq, message.topic) for bad in decoded.bad),
            clock=place.trust,
            offset_ms=place.offset_ms,
            placed=place.known,
        )

    def _hello(self, device: str, message: Message) -> HelloHeard:
        hello = codec.decode(message.payload, Hello)
        at = message.received_ms
        if message.retained:  # nobody knows how old it is: it says nothing about the clock
            return HelloHeard(device, hello, ClockTrust.GOOD, None, at, True)
        clock = self._measured(device, hello.boot, at, hello.clock.up, hello.clock.wall)
        return HelloHeard(device, hello, clock.trust, clock.offset_ms, at, False)

    def _measured(self, device: str, boot: str, received_at: int, up: float, wall: float | None) -> BootClock:
        boots = self._boots.get(device)
        if boots is None:
            if len(self._boots) >= DEVICES:
                self._boots.popitem(last=False)
            boots = self._boots[device] = []
        else:
            self._boots.move_to_end(device)
        before = boots[-1] if boots and boots[-1].boot == boot else self._known(device, boot)
        now = measure(before, boot, round(up * 1000), wall_to_ms(wall), received_at)
        if boots and boots[-1].boot == boot:
            boots[-1] = now
        else:
            boots[:] = [b for b in boots if b.boot != boot][-BOOTS + 1 :]
            boots.append(now)
        return now

    def _known(self, device: str, boot: str) -> BootClock | None:
        return next((b for b in self._boots.get(device, ()) if b.boot == boot), None)


def _placed(records: Sequence[Record], place: Placing) -> tuple[Arrived, ...]:
    if place.boot_at is None:
        return tuple([_one(record, place) for record in records])
    # The usual case, for a hundred thousand records in a row: the same arithmetic as Placing.at, without its calls.
    boot_at, latest = place.boot_at, place.received_at
    placed: list[Arrived] = []
    add = placed.append
    for record in records:
        body = record.d
        at = boot_at + int(record.up * 1000)
        if at > latest:
            at = latest
        if at < 0:
            at = 0
        if type(body) is not UsageSlice:
            add(Arrived(record.seq, at, body))
            continue
        start, end = body.start, body.end
        if start.boot is not None or end.boot is not None:
            add(_one(record, place))
            continue
        start_at = boot_at + int(start.up * 1000)
        end_at = boot_at + int(end.up * 1000)
        if end_at > latest:
            end_at = latest
        if start_at > end_at or start_at < 0:
            start_at = max(0, min(start_at, end_at))
            end_at = max(0, end_at)
        add(Arrived(record.seq, at, body, start_at, end_at))
    return tuple(placed)


def _one(record: Record, place: Placing) -> Arrived:
    at = place.at(record.up, wall_to_ms(record.wall))
    body = record.d
    if isinstance(body, UsageSlice):
        end = place.moment(body.end)
        return Arrived(record.seq, at, body, min(end, place.moment(body.start)), end)
    return Arrived(record.seq, at, body)


def _refused(message: Message, device: str | None, code: str, detail: str) -> Refused:
    misfit = Misfit(str(code), detail[:500], message.payload[:RAW_BYTES], None, message.topic[:500])
    return Refused(device, misfit, message.received_ms, len(message.payload))
