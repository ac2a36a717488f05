"""A class watches one film while another searches: 60 pupils play the same 500 MB at 8 Mbit/s each, 60 others turn pages.

Everybody is signed in. A film starves when a second of it has not come two seconds after it was asked for.
"""

import urllib.parse
from collections.abc import Iterator

import msgspec
from tests.bench.browsing import Browsed, BrowsingPlan
from tests.bench.figures import Figure, percentile
from tests.bench.hub import BY, BenchHub
from tests.bench.library import pin
from tests.bench.peers.served import say
from tests.bench.screening import Screened, ScreeningPlan
from tests.bench.shelves import Words, fill
from tests.bench.talking import Talker
from tests.bench.video import SIZE, shelve_film

from densach_core.accounts.model import Role
from densach_hub.opening import Rooms

RECORDS = 5_000
CLASS = 60
SECONDS = 30.0
MOST_S = 1.0


def cinema() -> Iterator[Figure]:
    with BenchHub() as hub:
        hub.found()
        say("filling the library")
        film, _ = shelve_film(hub, SIZE)
        pupils, items = hub.prepare(_fill)
        hub.start()
        say(f"{CLASS} play, {CLASS} search, {SECONDS:.0f} s; then {CLASS} search alone")
        words = Words(7).drawn(99)
        asked = tuple(urllib.parse.quote(" ".join(words.some(n))) for n in (1, 2, 3) for _ in range(200))
        visitors = BrowsingPlan(hub.url, pupils[CLASS:], items, asked, "", 0, seconds=SECONDS / 2)
        path, screen = hub.folder / "browsing.json", hub.folder / "screening.json"
        path.write_bytes(msgspec.json.encode(visitors))
        screen.write_bytes(msgspec.json.encode(ScreeningPlan(hub.url, pupils[:CLASS], film, SIZE)))
        with Talker("tests.bench.screening", str(screen)) as players:
            players.hear("playing")
            with Talker("tests.bench.browsing", str(path)) as browsers:
                busy = msgspec.json.decode(" ".join(browsers.hear("browsed")), type=Browsed)
            players.say()
            screened = msgspec.json.decode(" ".join(players.hear("screened")), type=Screened)
        with Talker("tests.bench.browsing", str(path)) as browsers:
            alone = msgspec.json.decode(" ".join(browsers.hear("browsed")), type=Browsed)
    if screened.failed or busy.failed or alone.failed:
        raise RuntimeError(f"{screened.failed} ranges and {busy.failed + alone.failed} pages failed")
    yield from _figures(screened, busy, alone)


def _figures(screened: Screened, busy: Browsed, alone: Browsed) -> Iterator[Figure]:
    for what, took, before in (("search", busy.search_ms, alone.search_ms), ("a page", busy.page_ms, alone.page_ms)):
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            value = percentile(took, share) / 1000
            judged = {"goal": f"< {MOST_S:.0f} s", "met": value < MOST_S} if name == "p99" else {}
            yield Figure(
                what=f"{what}, {name} of {len(took)}, while {CLASS} films play", value=value, unit="s",
                against=percentile(before, share) / 1000, against_what="without films", **judged,  # type: ignore[arg-type]
            )  # fmt: skip
    needed = CLASS * screened.rate / 1e6
    yield Figure(
        what=f"{CLASS} films together", value=screened.moved / screened.seconds / 1e6, unit="MB/s", against=needed,
        against_what="what they play",
    )  # fmt: skip
    yield Figure(what="a second of film, p99 of its way", value=percentile(screened.took_ms, 0.99), unit="ms")
    yield Figure(what="films that starved", value=screened.starved, unit=f"of {CLASS}", goal="none", met=screened.starved == 0)


async def _fill(rooms: Rooms) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Log-ins of both classes, and the items to turn pages of."""
    await fill(rooms, RECORDS, 0)
    pupils = []
    for number in range(2 * CLASS):
        login, secret = f"hs{number:03}", pin(f"{100_000 + 7_919 * number:06}", number)
        roles = frozenset({Role.STUDENT})
        await rooms.accounts.add(login=login, name=f"Học sinh {number}", roles=roles, by=BY, secret=secret)
        pupils.append((login, secret))
    return tuple(pupils), tuple(f"{number:012x}" for number in range(0, RECORDS, 7))
