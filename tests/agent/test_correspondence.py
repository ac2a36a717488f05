"""A machine and its hub over a real broker: what is told arrives once, whatever breaks."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.agent.broker import SCHOOL, Broker
from tests.agent.school import School, until
from tests.agent.station import Station, certified

from densach_agent.clock import SystemClock
from densach_agent.correspondent import Hooks
from densach_agent.link import Credentials, Line
from densach_agent.outbox import Outbox
from densach_wire.messages import Desired, Event, GapRecord


@pytest.fixture
def station(broker: Broker, tmp_path: Path) -> Iterator[Station]:
    made = Station(certified(broker, "pc-1"), tmp_path / "outbox.db")
    yield made
    made.close()


def test_everything_arrives_once_and_is_let_go_only_on_the_hubs_word(station: Station, school: School) -> None:
    station.outbox.add(*(Event("seen", {"n": n}) for n in range(1000)))
    station.until(lambda: station.outbox.pending == 0)
    stream = school.stream("pc-1", station.outbox.stream)
    assert sorted(stream.records) == list(range(1, 1001))
    assert school.hellos[-1].stream == station.outbox.stream
    assert ("pc-1", "online") in school.presences
    assert station.talk.link.protocol == "5"


def test_a_puback_is_not_delivery(station: Station, school: School) -> None:
    school.deaf = True
    station.outbox.add(Event("seen"))
    station.until(lambda: station.talk.link.connected)
    for _ in range(20):
        station.turn()
    assert station.outbox.pending == 1


def test_batches_are_held_while_the_hub_is_away(station: Station, school: School) -> None:
    school.say("offline")
    station.until(lambda: station.talk.hub_online is False)
    station.outbox.add(Event("seen"))
    for _ in range(20):
        station.turn()
    assert school.batches == 0
    school.say("online")
    station.until(lambda: station.outbox.pending == 0)


def test_a_broker_that_was_gone_costs_nothing(station: Station, school: School, broker: Broker) -> None:
    station.outbox.add(Event("before"))
    station.until(lambda: station.outbox.pending == 0)
    broker.stop()
    station.until(lambda: not station.talk.link.connected)
    station.outbox.add(*(Event("during", {"n": n}) for n in range(500)))
    broker.start()
    station.until(lambda: station.outbox.pending == 0, 40)
    assert sorted(school.stream("pc-1", station.outbox.stream).records) == list(range(1, 502))


def test_a_hub_restored_from_its_backup_gets_again_what_it_forgot(station: Station, school: School) -> None:
    station.outbox.add(*(Event("seen", {"n": n}) for n in range(300)))
    station.until(lambda: station.outbox.pending == 0)
    school.forget("pc-1", station.outbox.stream, 100)
    station.outbox.add(Event("later"))
    stream = school.stream("pc-1", station.outbox.stream)
    station.until(lambda: stream.upto == 301)
    assert sorted(stream.records) == list(range(1, 302))


def test_what_nobody_has_any_more_becomes_a_gap(station: Station, school: School) -> None:
    station.outbox.add(*(Event("seen", {"n": n}) for n in range(50)))
    station.until(lambda: station.outbox.pending == 0)
    station.outbox._db.execute("DELETE FROM record WHERE seq <= 30")
    school.forget("pc-1", station.outbox.stream, 10)
    station.outbox.add(Event("later"))
    stream = school.stream("pc-1", station.outbox.stream)
    station.until(lambda: stream.upto == 51)
    gap = stream.records[30]
    assert isinstance(gap, GapRecord)
    assert (gap.d.from_seq, gap.d.to_seq) == (11, 30)


def test_a_disk_put_back_to_yesterday_begins_a_new_stream(broker: Broker, school: School, tmp_path: Path) -> None:
    """Reboot-and-restore software in labs: the same outbox file wakes up every morning."""
    frozen = tmp_path / "frozen.db"
    outbox = Outbox(frozen, SystemClock())
    outbox.add(Event("installed"))
    outbox.close()
    image, thawed, old = frozen.read_bytes(), tmp_path / "outbox.db", outbox.stream
    line = certified(broker, "pc-1")
    said = []
    for day in range(3):
        thawed.write_bytes(image)
        station = Station(line, thawed)
        station.outbox.add(*(Event("day", {"day": day, "n": n}) for n in range(20)))
        said += [(day, n) for n in range(20)]
        station.until(lambda s=station: s.outbox.pending == 0)  # type: ignore[misc]
        station.close()
        for suffix in ("-wal", "-shm", ".spill"):
            thawed.with_name(thawed.name + suffix).unlink(missing_ok=True)
    heard = [
        (record.d.attrs["day"], record.d.attrs["n"])  # type: ignore[union-attr]
        for stream in school.streams.values()
        for record in stream.records.values()
        if getattr(record.d, "kind", "") == "day"
    ]
    assert sorted(heard) == sorted(said)
    assert len(school.streams) == 3
    assert ("pc-1", old) in school.streams


def test_a_record_larger_than_any_message_is_given_up_and_blocks_nothing(station: Station, school: School) -> None:
    noise = random.Random(5).randbytes(400_000).hex()
    station.outbox.add(Event("before"))
    station.outbox.add(Event("huge", {"noise": noise}))
    station.outbox.add(Event("after"))
    station.until(lambda: station.outbox.pending == 0)
    records = school.stream("pc-1", station.outbox.stream).records
    gap = records[2]
    assert isinstance(gap, GapRecord)
    assert (gap.d.from_seq, gap.d.to_seq, gap.d.why) == (2, 2, "too-large")
    assert isinstance(records[3].d, Event)


def test_many_large_records_are_cut_into_messages_that_fit(station: Station, school: School) -> None:
    chance = random.Random(6)
    station.outbox.add(*(Event("large", {"noise": chance.randbytes(20_000).hex()}) for _ in range(40)))
    station.until(lambda: station.outbox.pending == 0)
    assert len(school.stream("pc-1", station.outbox.stream).records) == 40


def test_wishes_of_the_hub_reach_the_owner(broker: Broker, school: School, tmp_path: Path) -> None:
    wanted: list[tuple[str, ...]] = []
    wished: list[Desired] = []
    hooks = Hooks(sections=wanted.append, desired=wished.append)
    station = Station(certified(broker, "pc-1"), tmp_path / "outbox.db", hooks)
    school.want = ("memory", "disk")
    school.wish("pc-1", Desired(health_send_s=60))
    station.outbox.add(Event("seen"))
    station.until(lambda: bool(wanted and wished))
    assert wanted == [("memory", "disk")]
    assert wished[0].health_send_s == 60
    station.close()


def test_goodbye_is_said_and_a_lost_line_leaves_the_will(station: Station, school: School) -> None:
    station.until(lambda: ("pc-1", "online") in school.presences)
    station.talk.close()
    until(lambda: ("pc-1", "off") in school.presences)


def test_only_its_own_topics(broker: Broker, school: School) -> None:
    """The certificate says pc-1: whoever claims to be pc-2 is not heard."""
    certificate, key = broker.authority.issue("pc-1")
    line = Line("localhost", broker.tls_port, SCHOOL, "pc-2", Credentials(broker.authority.ca, certificate, key))
    liar = Station(line, None)
    liar.outbox.add(Event("lie"))
    liar.until(lambda: liar.talk.link.connected)
    for _ in range(30):
        liar.turn()
    assert school.batches == 0
    assert school.presences == []
    liar.close()


def test_plain_mqtt_311_with_a_password(broker: Broker, school: School) -> None:
    line = Line("localhost", broker.plain_port, SCHOOL, "plug-1", Credentials(password="secret"))
    station = Station(line, None)
    station.talk.link._five = False
    station.outbox.add(Event("switched", {"on": True}))
    station.until(lambda: station.outbox.pending == 0)
    assert station.talk.link.protocol == "3.1.1"
    assert len(school.stream("plug-1", station.outbox.stream).records) == 1
    station.close()
