"""Clocks: every moment gets a place on the hub's time axis, whatever the device believes."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from densach_hub.fleet.telling import ClockTrust
from densach_hub.intake.rules import NO_CLOCK_MS, BootClock, Placing, measure, placing, trust_in
from densach_wire.messages import Envelope, Moment, wall_to_ms

NOW = 1_795_500_000_000
YEAR = 365 * 86_400_000
IN_2009 = 1_230_768_000_000
IN_2040 = 2_208_988_800_000

offsets = st.integers(min_value=-40 * YEAR, max_value=40 * YEAR)
ups = st.floats(min_value=0, max_value=90 * 86_400, allow_nan=False)


def sent(up: float, wall_ms: int | None, boot: str | None = None) -> Envelope:
    moment = Moment(up, None if wall_ms is None else wall_ms / 1000, boot)
    return Envelope(dev="pc-1", stream="s", boot="b1", sent=moment)


def place_all(envelope: Envelope, records: Sequence[tuple[float, int | None]], received_at: int = NOW) -> Placing:
    boot = envelope.sent.boot or envelope.boot
    sender = measure(None, boot, envelope.sent.up_ms, envelope.sent.wall_ms, received_at)
    return placing(envelope, sender, None, received_at, records[-1])


@given(offset=offsets, sent_up=ups, ages=st.lists(st.floats(min_value=0, max_value=86_400), min_size=1, max_size=20))
def test_in_one_boot_the_wall_clock_does_not_matter(offset: int, sent_up: float, ages: list[float]) -> None:
    records = [(max(0.0, sent_up - age), None) for age in sorted(ages, reverse=True)]
    place = place_all(sent(sent_up, NOW - offset), records)
    for up, wall in records:
        at = place.at(up, wall)
        assert at <= NOW
        assert abs(at - (NOW - round((sent_up - up) * 1000))) <= 1


@given(offset=offsets, up=ups, wall=st.one_of(st.none(), st.integers(-1, 2**48)), last=ups, other=st.booleans())
def test_nothing_is_refused_and_nothing_lies_in_the_future(
    offset: int, up: float, wall: int | None, last: float, other: bool
) -> None:
    envelope = sent(last, max(0, NOW - offset), "b2" if other else None)
    place = place_all(envelope, [(up, wall), (last, wall)])
    assert 0 <= place.at(up, wall) <= NOW
    assert 0 <= place.moment(Moment(up, None if wall is None else wall / 1000, "b0")) <= NOW


@given(a=ups, b=ups, offset=offsets, other=st.booleans())
def test_order_within_a_boot_is_kept(a: float, b: float, offset: int, other: bool) -> None:
    first, second = min(a, b), max(a, b)
    wall = NOW - offset
    records = [(first, wall - round((second - first) * 1000)), (second, wall)]
    place = place_all(sent(100.0 if other else second, NOW - offset, "b2" if other else None), records)
    assert place.at(*records[0]) <= place.at(*records[1]) + 1


@given(delays=st.lists(st.integers(min_value=0, max_value=3_600_000), min_size=1, max_size=10))
def test_a_message_that_was_held_up_does_not_spoil_the_measure(delays: list[int]) -> None:
    boot_at, clock = NOW - 7_200_000, None
    for n, delay in enumerate([*delays, 0, *delays]):
        up_ms = 3_600_000 + n * 1000
        clock = measure(clock, "b1", up_ms, boot_at + up_ms - 5_000, boot_at + up_ms + delay)
    assert clock is not None
    assert clock.boot_at == boot_at
    assert clock.offset_ms == 5_000


def test_trust() -> None:
    assert trust_in(0, NOW) is ClockTrust.GOOD
    assert trust_in(-300_000, NOW) is ClockTrust.GOOD
    assert trust_in(300_001, NOW) is ClockTrust.SKEWED
    assert trust_in(NO_CLOCK_MS + 1, NOW) is ClockTrust.NONE
    assert trust_in(NOW - IN_2009, NOW) is ClockTrust.NONE
    assert trust_in(NOW - IN_2040, NOW) is ClockTrust.NONE
    assert trust_in(None, NOW) is ClockTrust.NONE
    assert trust_in(30 * 86_400_000, 1_704_067_200_000) is ClockTrust.NONE  # the device believes it is 2023


def test_a_machine_in_2009_and_one_in_2040() -> None:
    for wrong in (IN_2009, IN_2040):
        place = place_all(sent(7200.0, wrong), [(3600.0, wrong - 3_600_000)])
        assert place.trust is ClockTrust.NONE
        assert place.at(3600.0, wrong - 3_600_000) == NOW - 3_600_000


def test_records_of_an_earlier_boot() -> None:
    boot_ago = 600  # seconds since the present boot
    yesterday = NOW - 86_400_000
    good = place_all(sent(boot_ago, NOW - 2_000, "b2"), [(50.0, yesterday)])
    assert good.at(50.0, yesterday) == yesterday + 2_000
    assert good.trust is ClockTrust.GOOD

    skewed = place_all(sent(boot_ago, NOW - YEAR // 2, "b2"), [(50.0, yesterday - YEAR // 2)])
    assert skewed.at(50.0, yesterday - YEAR // 2) == yesterday
    assert skewed.trust is ClockTrust.SKEWED

    # the clock was in 2009 then and is right now: only the order is known, and that it was before this boot
    lost = place_all(sent(boot_ago, NOW, "b2"), [(10.0, IN_2009), (70.0, IN_2009 + 60_000)])
    assert lost.trust is ClockTrust.NONE
    assert lost.at(70.0, IN_2009 + 60_000) == NOW - boot_ago * 1000
    assert lost.at(10.0, IN_2009) == NOW - boot_ago * 1000 - 60_000

    # and where the hub heard that boot itself, it knows better
    heard = BootClock("b1", yesterday, NOW - IN_2009, yesterday)
    envelope = sent(boot_ago, NOW, "b2")
    sender = measure(None, "b2", boot_ago * 1000, NOW, NOW)
    place = placing(envelope, sender, heard, NOW, (70.0, IN_2009))
    assert place.at(70.0, IN_2009) == yesterday + 70_000


def test_a_boot_is_measured_anew_after_some_hours() -> None:
    first = measure(None, "b1", 0, NOW, NOW)
    later = NOW + 7 * 3_600_000
    again = measure(first, "b1", 7 * 3_600_000 - 1_500, later, later)  # its crystal lost 1.5 s
    assert again.boot_at == NOW + 1_500


def test_walls_no_calendar_has() -> None:
    for wall in (-5.0, 1e300, float("nan"), float("inf")):
        assert wall_to_ms(wall) is None
