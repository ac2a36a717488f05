"""The e-library with 5,000 items and a class of 60: searches, pages, a film in ranges, everybody signing in at once.

The floor is the same server answering /healthz (one request at a time), the peer of the ranges Python's own copy loop.
"""

import random
import socket
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec
from tests.bench.browsing import Browsed, BrowsingPlan
from tests.bench.figures import Figure, percentile
from tests.bench.hub import BY, BenchHub
from tests.bench.talking import Talker

from densach_core.accounts.model import Role
from densach_demo.content import recordings
from densach_demo.content.documents import legal_documents
from densach_demo.content.guide import write_guide
from densach_hub.library.model import Creator, Record
from densach_hub.opening import Rooms

ITEMS = 5_000
CLIENTS = 60
VIDEO_BYTES = 96 * 2**20
_SUBJECTS = ("toan", "vat-ly", "hoa-hoc", "sinh-hoc", "ngu-van", "lich-su", "dia-ly", "tieng-anh", "tin-hoc", "am-nhac")
_WORDS = (
    "phương trình", "đại số", "hình học", "đồng bằng", "sông Hồng", "ánh sáng", "dao động", "tế bào", "truyện ngắn", "chiến dịch",
    "lập trình", "giai điệu", "khí hậu", "phản ứng", "hàm số", "từ trường", "quang hợp", "ca dao", "bản đồ", "thống kê",
)  # fmt: skip


def library() -> Iterator[Figure]:
    with BenchHub() as hub:
        hub.found()
        plan = _fill(hub)
        first_page = _start(hub)
        items, video = _ready(hub)
        path = hub.folder / "browsing.json"
        found = msgspec.structs.replace(plan, items=tuple(items), video=video)
        path.write_bytes(msgspec.json.encode(found))
        floor = _floor_ms(hub.url)
        with Talker("tests.bench.browsing", str(path)) as browsers:
            browsed = msgspec.json.decode(" ".join(browsers.hear("browsed")), type=Browsed)
        memory = hub.process().memory_info().rss / 1e6
    if browsed.failed:
        raise RuntimeError(f"{browsed.failed} requests failed")
    yield from _figures(browsed, floor, memory, first_page)


def _figures(browsed: Browsed, floor: float, memory: float, first_page: float) -> Iterator[Figure]:
    search, page = percentile(browsed.search_ms, 0.99) / 1000, percentile(browsed.page_ms, 0.99) / 1000
    speed = browsed.range_bytes / browsed.range_s / 1e6
    yield Figure(
        what=f"search, p99 of {len(browsed.search_ms)} by {CLIENTS} clients", value=search, unit="s", against=floor / 1000,
        against_what="an idle server's /healthz", goal="< 0.5 s", met=search < 0.5,
    )  # fmt: skip
    yield Figure(
        what=f"page, p99 of {len(browsed.page_ms)}", value=page, unit="s", against=floor / 1000,
        against_what="an idle server's /healthz", goal="< 0.3 s", met=page < 0.3,
    )  # fmt: skip
    yield Figure(
        what="a film in ranges of 512 KiB", value=speed, unit="MB/s", against=_copy_speed(),
        against_what="a socket pair in one process",
        goal="≥ 150 MB/s", met=speed >= 150,
    )  # fmt: skip
    yield Figure(what=f"{CLIENTS} log-ins at once", value=browsed.log_in_s, unit="s", goal="< 3 s", met=browsed.log_in_s < 3)
    yield Figure(what="first page after start", value=first_page, unit="s", goal="< 1 s", met=first_page < 1)
    yield Figure(what="the hub's memory after it", value=memory, unit="MB", goal="< 150 MB", met=memory < 150)


def _fill(hub: BenchHub) -> BrowsingPlan:
    chance = random.Random(5000)
    shelf = hub.folder / "shelf"
    shelf.mkdir()
    film = recordings.write_film(shelf)
    if film is None:
        raise RuntimeError("ffmpeg is needed for the film")
    pad(film, VIDEO_BYTES)
    for language in ("vi", "en"):
        write_guide(language, shelf / f"{language}.epub")
    about = [document.description for document in legal_documents()]

    async def work(rooms: Rooms) -> tuple[tuple[str, str], ...]:
        for path in sorted(shelf.iterdir()):
            await rooms.library.add_file(path, by=BY)
        for number in range(ITEMS - 3):
            words = chance.sample(_WORDS, 3)
            record = Record(
                title=f"{words[0].capitalize()} và {words[1]}, tập {number}",
                creators=(Creator(f"Tác giả {number % 300}"),),
                description=f"{words[2]}. {chance.choice(about)}",
                subject=chance.choice(_SUBJECTS),
                grade_from=1 + number % 12,
                grade_to=1 + number % 12,
                language="vi",
            )
            await rooms.library.add_record(record, by=BY)
        pupils = []
        for number in range(CLIENTS):
            login, start = f"hs{number:03}", f"{chance.randrange(100_000, 999_999) // 10}7"
            roles = frozenset({Role.STUDENT})
            await rooms.accounts.add(login=login, name=f"Học sinh {number}", roles=roles, by=BY, secret=pin(start, number))
            pupils.append((login, pin(start, number)))
        return tuple(pupils)

    log_ins = hub.prepare(work)
    words = tuple(urllib.parse.quote(word) for word in (*_WORDS, "phuong trinh", "dai so", "dong bang", "tac gia 17", "thong tu"))
    return BrowsingPlan(hub.url, log_ins, (), words, "", film.stat().st_size)


def pin(start: str, number: int) -> str:
    """Six digits that are neither a row nor a repetition."""
    return f"{(int(start) * 7 + number) % 900 + 100}{(int(start) + 37 * number) % 90 + 10}4"


def pad(film: Path, size: int) -> None:
    """A `free` box at the end makes a short film a large file that is still a film (ISO 14496-12, 8.1.2)."""
    missing = size - film.stat().st_size
    with film.open("ab") as file:
        file.write(missing.to_bytes(4, "big") + b"free")
        for _ in range(missing // 2**20):
            file.write(bytes(2**20))
        file.write(bytes(missing % 2**20 - 8 if missing % 2**20 >= 8 else 0))


def _start(hub: BenchHub) -> float:
    """Seconds from starting the process to its first whole first page."""
    began = time.monotonic()
    hub.launch()
    while True:
        try:
            with urllib.request.urlopen(f"{hub.url}/", timeout=5) as answer:
                answer.read()
                return time.monotonic() - began
        except OSError:
            if hub.gone or time.monotonic() - began > 60:
                raise RuntimeError(f"the hub did not start:\n{hub.last_words()}") from None
            time.sleep(0.005)


class _Listed(msgspec.Struct):
    id: str
    kind: str | None = None


class _Items(msgspec.Struct):
    items: list[_Listed]


def _ready(hub: BenchHub) -> tuple[list[str], str]:
    """Waits until the film was read; returns item ids and the film's."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        found = _items(hub.url, "?limit=100")
        video = [item.id for item in _items(hub.url, "?kind=video")]
        if video:
            return [item.id for item in found], video[0]
        time.sleep(0.5)
    raise RuntimeError(f"the film was not read in time\n{hub.last_words()}")


def _items(url: str, query: str) -> list[_Listed]:
    with urllib.request.urlopen(f"{url}/api/v1/items{query}", timeout=10) as answer:
        return msgspec.json.decode(answer.read(), type=_Items).items


def _floor_ms(url: str) -> float:
    taken = []
    for _ in range(200):
        began = time.monotonic()
        with urllib.request.urlopen(f"{url}/healthz", timeout=10) as answer:
            answer.read()
        taken.append(1000 * (time.monotonic() - began))
    return percentile(taken, 0.5)


def _copy_speed() -> float:
    """MB/s of a loopback-like socket pair: what this machine can move at all, one thread each way."""
    one, other = socket.socketpair()
    block = bytes(2**20)
    seconds = 1.0

    def send() -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            one.sendall(block)
        one.close()

    sender = threading.Thread(target=send)
    began = time.monotonic()
    sender.start()
    moved = 0
    while piece := other.recv(2**20):
        moved += len(piece)
    sender.join()
    other.close()
    return moved / (time.monotonic() - began) / 1e6
