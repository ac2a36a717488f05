"""The line itself: certificates without dates, names checked, both MQTT versions, back-off, twins."""

import datetime
import random
import subprocess
import sys
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from tests.agent.broker import SCHOOL, Broker
from tests.agent.clocks import HandClock
from tests.agent.school import School, until
from tests.agent.station import Station, certified
from tests.fixtures import certificates
from tests.fixtures.certificates import TestAuthority
from tests.fixtures.mosquitto import free_port, wait_for_port

from densach_agent.backoff import Backoff, TakeoverWatch
from densach_agent.correspondent import Hooks
from densach_agent.link import Credentials, Line, _confirmed
from densach_wire.messages import Event


def years(monkeypatch: pytest.MonkeyPatch, first: int, last: int) -> None:
    monkeypatch.setattr(certificates, "BEGIN", datetime.datetime(first, 1, 1, tzinfo=datetime.UTC))
    monkeypatch.setattr(certificates, "END", datetime.datetime(last, 1, 1, tzinfo=datetime.UTC))


@pytest.mark.parametrize(
    ("machine_in", "first", "last"),
    [
        (2009, 2043, 2060),  # the clock battery died: to this machine the hub's certificate is not valid yet
        (2040, 2000, 2010),  # back from storage with a wild clock: to this machine it ended long ago
    ],
)
def test_a_machine_in_another_year_connects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine_in: int, first: int, last: int
) -> None:
    """The machine's clock against the certificate's dates is what OpenSSL compares; here the dates are moved, as the
    clock cannot be. The broker's own check of the device's certificate sees good dates, as on a hub whose clock is right."""
    assert machine_in
    (tmp_path / "server").mkdir()
    years(monkeypatch, first, last)
    server = TestAuthority(tmp_path / "server")
    years(monkeypatch, 2000, 2199)
    broker = Broker(tmp_path / "broker", server=server)
    broker.start()
    school = School(broker.hub_port)
    station = Station(certified(broker, "pc-1"), None)
    station.outbox.add(Event("seen"))
    station.until(lambda: station.outbox.pending == 0)
    station.close()
    school.close()
    broker.stop()


def test_another_hubs_certificate_is_refused(broker: Broker, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = TestAuthority(tmp_path / "other")
    certificate, key = broker.authority.issue("pc-1")
    assert "certificate" in ending(Line("localhost", broker.tls_port, SCHOOL, "pc-1", Credentials(other.ca, certificate, key)))


def test_another_name_is_refused(broker: Broker) -> None:
    """The certificate says localhost; by its address the broker is somebody else."""
    certificate, key = broker.authority.issue("pc-1")
    line = Line("127.0.0.1", broker.tls_port, SCHOOL, "pc-1", Credentials(broker.authority.ca, certificate, key))
    assert "mismatch" in ending(line)


def test_a_stranger_to_the_school_is_not_let_in(broker: Broker, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    certificate, key = TestAuthority(tmp_path / "other").issue("pc-1")
    line = Line("localhost", broker.tls_port, SCHOOL, "pc-1", Credentials(broker.authority.ca, certificate, key))
    assert ending(line) != "connected"


def ending(line: Line) -> str:
    said: list[str] = []
    station = Station(line, None, Hooks(changed=said.append))
    station.until(lambda: bool(said))
    station.close()
    return said[0]


def test_a_wrong_password_is_refused_and_said(broker: Broker) -> None:
    line = Line("localhost", broker.plain_port, SCHOOL, "plug-1", Credentials(password="wrong"))
    assert "refuses" in ending(line)


def test_of_several_ways_the_next_one_is_tried(broker: Broker, school: School) -> None:
    good = certified(broker, "pc-1")
    dead = Line("localhost", free_port(), SCHOOL, "pc-1", good.credentials)
    station = Station([dead, good], None)
    station.until(lambda: station.talk.link.connected)
    assert station.talk.link.protocol == "5"  # a dead way says nothing about the version
    station.close()


def test_a_broker_that_speaks_only_311(tmp_path: Path) -> None:
    """amqtt, the broker in the hub's own process where no Mosquitto can be installed."""
    port = free_port()
    conf = tmp_path / "amqtt.yaml"
    conf.write_text(
        f"listeners:\n  default:\n    type: tcp\n    bind: 127.0.0.1:{port}\nplugins:\n"
        "  amqtt.plugins.authentication.AnonymousAuthPlugin:\n    allow_anonymous: true\n"
    )
    amqtt = Path(sys.executable).with_name("amqtt")
    process = subprocess.Popen([amqtt, "-c", str(conf)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port, 15)
        station = Station(Line("localhost", port, SCHOOL, "pc-1"), None)
        station.until(lambda: station.talk.link.connected, 40)
        assert station.talk.link.protocol == "3.1.1"
        station.close()
    finally:
        process.terminate()
        process.wait(10)


def test_twins_stop_fighting_after_three_takeovers(broker: Broker, school: School) -> None:
    """Two machines with one identity throw each other out; one of them notices, steps aside and says so."""
    twins: list[str] = []
    line = certified(broker, "pc-1")
    one = Station(line, None, Hooks(twin=lambda: twins.append("one")))
    two = Station(line, None, Hooks(twin=lambda: twins.append("two")))

    def turn() -> None:
        for station in (one, two):
            station.turn()
            station.talk.link._next_try = min(station.talk.link._next_try, station.clock.up_ms() + 50)

    until(lambda: bool(twins), 20, turn)
    aside = one if twins[0] == "one" else two
    aside.talk.link._next_try = aside.clock.up_ms() + 600_000
    other = two if aside is one else one
    until(lambda: other.talk.link.connected, 10, other.turn)
    until(lambda: len(school.presences) >= 4, 5, other.turn)
    for _ in range(20):
        other.turn()
    before = len(school.presences)
    for _ in range(30):
        one.turn()
        two.turn()
    assert len(school.presences) == before
    for station in (one, two):
        station.close()


def test_a_broker_that_goes_down_again_and_again_is_no_twin(broker: Broker) -> None:
    """As when the hub is started anew three times in five minutes: nobody takes the line away, nobody steps aside."""
    twins: list[str] = []
    one = Station(certified(broker, "pc-1"), None, Hooks(twin=lambda: twins.append("one")))
    for _ in range(4):
        one.until(lambda: one.talk.link.connected)
        broker.stop()
        one.until(lambda: not one.talk.link.connected)
        one.talk.link.wait_until(one.clock.up_ms() + 10_000)  # it does not even notice that there was no broker
        broker.start()
        one.talk.link._next_try = 0
    assert twins == []
    one.close()


def test_backoff_is_full_jitter_between_1_and_60_seconds_and_forgets_only_after_a_stable_minute() -> None:
    backoff = Backoff(random.Random(3))
    waits = [backoff.next_ms() for _ in range(200)]
    assert all(1_000 <= wait <= 60_000 for wait in waits)
    assert waits[0] <= 2_000
    assert max(waits[10:]) > 50_000
    assert min(waits[10:]) < 10_000  # full jitter: not all at the ceiling
    backoff.session_lasted(59_000)
    assert max(backoff.next_ms() for _ in range(50)) > 30_000
    backoff.session_lasted(60_000)
    assert backoff.next_ms() <= 2_000


def test_three_takeovers_in_five_minutes() -> None:
    watch = TakeoverWatch()
    assert [watch.taken_over(at * 60_000) for at in (0, 1, 2)] == [False, False, True]
    watch.forget()
    assert [watch.taken_over(at * 60_000) for at in (10, 13, 16, 19)] == [False, False, False, False]


def test_a_slow_hub_is_given_patience() -> None:
    """No acknowledgement: the same batch again after 30 s, then 60 s …, never a flood."""
    from densach_agent.courier import Courier
    from densach_agent.outbox import Outbox
    from densach_wire.messages import Ack

    clock = HandClock()
    outbox = Outbox(None, clock)
    courier = Courier(outbox, "pc-1", clock)
    courier.connected()
    courier.acknowledged(Ack(outbox.stream, 0, 1.0))
    outbox.add(Event("seen"))
    sent = []
    for second in range(300):
        if courier.next_batch() is not None:
            sent.append(second)
        clock.advance(1_000)
    assert sent == [0, 31, 92, 213]
    courier.acknowledged(Ack(outbox.stream, 1, 2.0))
    assert outbox.pending == 0
    assert courier.next_batch() is None
    outbox.close()


def test_time_is_counted_on_from_the_hubs_word() -> None:
    from densach_agent.courier import Courier
    from densach_agent.outbox import Outbox
    from densach_wire.messages import Ack, HubState

    clock = HandClock(wall_ms=1_230_768_000_000)
    courier = Courier(Outbox(None, clock), "pc-1", clock)
    courier.hub_says(HubState(state="online", now=5.0), retained=True)
    assert courier.hub_now_ms() is None  # a retained word is as old as it may be
    courier.acknowledged(Ack("another-stream", 0, 1_795_500_000.0))
    clock.advance(90_000)
    assert courier.hub_now_ms() == 1_795_500_090_000


def test_the_last_words_to_a_broker_that_dies_at_that_moment_end_nothing() -> None:
    """What paho says of a message that was being written when the connection broke is an error, not an answer."""
    last = paho.MQTTMessageInfo(1)
    last.rc = paho.MQTT_ERR_CONN_LOST
    with pytest.raises(RuntimeError):
        last.is_published()
    assert _confirmed(last)


def test_a_connection_that_breaks_off_is_told_in_words(tmp_path: Path) -> None:
    said: list[str] = []
    broker = Broker(tmp_path / "broker")
    broker.start()
    station = Station(certified(broker, "pc-1"), None, Hooks(changed=said.append))
    station.until(lambda: "connected" in said)
    broker.stop()
    station.until(lambda: len(said) > said.index("connected") + 1)
    assert said[said.index("connected") + 1] == "the connection to the hub broke off"
    station.close()
