"""Slices: whatever is sampled, they add up exactly and cross nothing."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from densach_agent.sessions import Session, user_digest
from densach_agent.slices import QUANTUM_MS, Sample, SliceCutter
from densach_wire.messages import SessionKind, UsageSlice

HOUR = 3_600_000
NOON = 1_795_500_000_000 - 1_795_500_000_000 % HOUR


def someone(key: str = "1", user: str = "hs", *, idle: bool | None = False) -> Session:
    return Session(key, user, SessionKind.LOCAL, idle)


def front(label: str, *, idle: bool | None = False) -> Session:
    return Session("1", "hs", SessionKind.LOCAL, idle, (label,), "foreground")


def sample(at_ms: int, *present: Session, boot: str = "boot-1", wall_ms: int | None = None) -> Sample:
    return Sample(at_ms, NOON + at_ms if wall_ms is None else wall_ms, boot, present)


def pieces(closed: list[tuple[Session, UsageSlice]]) -> list[tuple[int, int, int, int]]:
    """(start up, end up, active, idle) in seconds."""
    return [(round(s.start.up), round(s.end.up), s.active_ms // 1000, s.idle_ms // 1000) for _, s in closed]


def test_a_lesson_is_cut_at_the_quarters() -> None:
    cutter = SliceCutter()
    closed = []
    for minute in range(1, 46):
        closed += cutter.feed(sample(minute * 60_000, someone()))
    closed += cutter.feed(sample(46 * 60_000))
    closed += cutter.feed(sample(47 * 60_000))
    assert pieces(closed) == [(60, 900, 840, 0), (900, 1800, 900, 0), (1800, 2700, 900, 0), (2700, 2760, 60, 0)]


def test_idle_and_active_are_told_apart() -> None:
    cutter = SliceCutter()
    cutter.feed(sample(60_000, someone()))
    cutter.feed(sample(120_000, someone()))
    cutter.feed(sample(180_000, someone(idle=True)))
    assert pieces(cutter.finish(240_000)) == [(60, 240, 60, 120)]


def test_unknown_counts_as_active_and_is_told_as_unknown() -> None:
    cutter = SliceCutter()
    cutter.feed(sample(60_000, someone(idle=None)))
    cutter.feed(sample(120_000, someone(idle=None)))
    cutter.feed(sample(180_000, someone(idle=False)))
    ((_, piece),) = cutter.finish(180_000)
    assert (piece.active_ms, piece.idle_ms, piece.unknown_ms) == (120_000, 0, 60_000)


def test_what_is_in_front_adds_up_inside_one_slice() -> None:
    cutter = SliceCutter()
    closed = []
    for number in range(1, 25):
        closed += cutter.feed(sample(number * 30_000, front("browser" if number % 2 else "office", idle=number > 20)))
    assert closed == []
    ((_, piece),) = cutter.finish(24 * 30_000)
    assert (piece.apps, piece.apps_how) == ({"office": 300_000, "browser": 270_000}, "foreground")
    assert sum(piece.apps.values()) == piece.active_ms


def test_in_front_and_running_are_not_mixed() -> None:
    """What was told for most of the time is told; several that run are each counted for the whole time."""
    cutter = SliceCutter()
    both = Session("1", "hs", SessionKind.LOCAL, False, ("browser", "office"), "running")
    for number in range(1, 6):
        cutter.feed(sample(number * 30_000, both))
    cutter.feed(sample(180_000, front("game")))
    ((_, piece),) = cutter.finish(180_000)
    assert (piece.apps, piece.apps_how) == ({"browser": 120_000, "office": 120_000}, "running")


def test_an_exam_that_begins_is_another_slice() -> None:
    cutter = SliceCutter()
    cutter.feed(sample(60_000, someone()))
    closed = cutter.feed(sample(90_000, Session("1", "hs", SessionKind.EXAM, False)))
    closed += cutter.feed(sample(120_000, Session("1", "hs", SessionKind.EXAM, False)))
    closed += cutter.finish(120_000)
    assert [(piece.kind, piece.active_ms) for _, piece in closed] == [(SessionKind.LOCAL, 30_000), (SessionKind.EXAM, 30_000)]


def test_sleep_is_nobodys_time() -> None:
    cutter = SliceCutter()
    cutter.feed(sample(60_000, someone()))
    cutter.feed(sample(90_000, someone()))
    closed = cutter.feed(sample(90_000 + 5 * HOUR, someone()))
    closed += cutter.feed(sample(120_000 + 5 * HOUR, someone()))
    assert pieces(closed) == [(60, 90, 30, 0)]
    assert pieces(cutter.finish(150_000 + 5 * HOUR)) == [(18090, 18150, 60, 0)]


def test_a_set_clock_cuts_and_loses_no_second() -> None:
    cutter = SliceCutter()
    cutter.feed(sample(60_000, someone(), wall_ms=1_230_768_000_000))
    cutter.feed(sample(90_000, someone(), wall_ms=1_230_768_030_000))
    closed = cutter.feed(sample(120_000, someone(), wall_ms=NOON + 120_000))
    closed += cutter.finish(150_000)
    assert pieces(closed) == [(60, 90, 30, 0), (90, 150, 60, 0)]
    assert closed[1][1].start.wall == (NOON + 90_000) / 1000


def test_another_person_at_the_same_terminal_is_another_slice() -> None:
    cutter = SliceCutter()
    cutter.feed(sample(60_000, someone(user="an")))
    cutter.feed(sample(90_000, someone(user="an")))
    closed = cutter.feed(sample(120_000, someone(user="bình")))
    closed += cutter.finish(150_000)
    assert [(session.user, piece.active_ms) for session, piece in closed] == [("an", 60_000), ("bình", 30_000)]


def test_a_user_is_a_number_that_only_the_school_can_make() -> None:
    assert user_digest(b"school", "An ") == user_digest(b"school", "an")
    assert user_digest(b"school", "an") != user_digest(b"other school", "an")
    assert "an" not in user_digest(b"school", "an")


_SESSION = st.builds(
    Session,
    st.sampled_from(["1", "2", "c3"]),
    st.sampled_from(["an", "bình"]),
    st.sampled_from([SessionKind.LOCAL, SessionKind.EXAM]),
    st.sampled_from([True, False, None]),
    st.lists(st.sampled_from(["browser", "office", "game"]), max_size=3).map(tuple),
    st.sampled_from(["foreground", "running", ""]),
).map(lambda s: replace(s, apps=s.apps[:1]) if s.apps_how == "foreground" else s)
_STEP = st.tuples(
    st.integers(1, 200_000),  # milliseconds until the next sample
    st.dictionaries(st.sampled_from(["1", "2", "c3"]), _SESSION, max_size=3),
    st.one_of(st.none(), st.integers(-10 * HOUR, 10 * HOUR)),  # the clock is set
    st.booleans(),  # a reboot
)


@given(steps=st.lists(_STEP, max_size=40))
@settings(max_examples=150, deadline=None)
def test_slices_cross_nothing_and_add_up(steps: list[tuple[int, dict[str, Session], int | None, bool]]) -> None:
    """Against a plain count of the time watched. A session is watched between two samples of one boot, at most the
    pause apart, if it was there in the first of them."""
    cutter, closed = SliceCutter(), []
    up, shift, boot = 60_000, NOON, 0
    last_up, last_boot, watched = None, 0, 0
    present: dict[str, Session] = {}
    for wait, sessions, jump, reboot in steps:
        up += wait
        shift += 0 if jump is None else jump
        if reboot:
            boot, up = boot + 1, wait
        named = {key: replace(s, id=key) for key, s in sessions.items()}
        jumped = jump is not None and abs(jump) > 2_000
        if last_up is not None and last_boot == boot and up - last_up <= 150_000:
            for key, before in present.items():
                now = named.get(key)
                same = now is not None and (now.user, now.kind) == (before.user, before.kind)
                watched += up - last_up if same or not jumped else 0
        closed += cutter.feed(Sample(up, up + shift, f"boot-{boot}", tuple(named.values())))
        last_up, last_boot, present = up, boot, named
    if last_up is not None:
        closed += cutter.finish(last_up)
    total = 0
    ends: dict[tuple[str, str], float] = {}
    for session, piece in closed:
        length = round((piece.end.up - piece.start.up) * 1000)
        assert length > 0
        assert piece.active_ms + piece.idle_ms == length
        assert 0 <= piece.unknown_ms <= piece.active_ms
        if piece.apps_how == "foreground":
            assert sum(piece.apps.values()) <= piece.active_ms
        assert all(0 < ms <= piece.active_ms for ms in piece.apps.values())
        start, end = piece.start.wall_ms, piece.end.wall_ms
        assert start is not None
        assert end is not None
        assert end - start == length
        assert start // QUANTUM_MS == (end - 1) // QUANTUM_MS
        place = (piece.session, session.id)
        assert piece.start.up >= ends.get(place, 0)
        ends[place] = piece.end.up
        total += length
    assert total == watched
