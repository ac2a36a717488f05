"""A film in ranges: from the hub alone, from the hub behind nginx (`web.x_accel`), and from nginx with nothing behind it.

All three send the same file of the same machine in the same run, one after the other, round after round; the best round counts,
since others' work on the machine only ever makes a round slower.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
from tests.bench.figures import Figure
from tests.bench.hub import BY, BenchHub
from tests.bench.library import pad
from tests.bench.peers.served import say
from tests.bench.talking import Talker
from tests.bench.watching import Watched, WatchingPlan
from tests.fixtures.nginx import Nginx, before_hub, find_nginx, plain_files

from densach_demo.content import recordings
from densach_hub.opening import Rooms

SIZE = 500 * 2**20
GIGABIT = 125.0
"""MB/s of a full line of 1 Gbit/s."""
ROUNDS = 3
RANGES = {512 * 1024: "512 KiB", 8 * 2**20: "8 MiB"}
"""What a player asks for that has little in hand, and about what a browser's own player takes at once."""
CLIENTS = (1, 10, 60)


def video() -> Iterator[Figure]:
    program = find_nginx()
    if program is None:
        raise RuntimeError("nginx is the peer here: apt-get install nginx-light")
    with BenchHub(web='x_accel = "/_vault/"') as hub:
        hub.found()
        item, file = shelve_film(hub, SIZE)
        hub.start()
        film = f"/items/{item}/file"
        version = subprocess.run([program, "-v"], capture_output=True, text=True, check=False).stderr.rpartition(" ")[2].strip()
        with Nginx(program, _folder(hub, "plain")) as plain, Nginx(program, _folder(hub, "before")) as before:
            plain.start(plain_files(plain.port, file.parent))
            before.start(before_hub(before.port, hub.ports.http, hub.data))
            for size, said in RANGES.items():
                plan = WatchingPlan(plain.port, f"/{file.name}", SIZE, range_bytes=size, clients=CLIENTS, seconds=2.0)
                ways = {
                    "plain": plan,
                    "behind": msgspec.structs.replace(plan, port=before.port, path=film),
                    "alone": msgspec.structs.replace(plan, port=hub.ports.http, path=film),
                }
                yield from _figures(_best(hub, ways), version, said)


def _figures(best: dict[tuple[str, int], float], version: str, said: str) -> Iterator[Figure]:
    for clients in CLIENTS:
        nginx = best["plain", clients]
        alone, behind = best["alone", clients], best["behind", clients]
        yield Figure(
            what=f"ranges of {said}, {clients} at once, from the hub", value=alone, unit="MB/s", against=nginx,
            against_what=version, goal=f"≥ 0.40 × and ≥ {2 * GIGABIT:.0f} MB/s",
            met=alone >= 0.40 * nginx and alone >= 2 * GIGABIT,
        )  # fmt: skip
        yield Figure(
            what=f"ranges of {said}, {clients} at once, from nginx after asking the hub", value=behind, unit="MB/s",
            against=nginx, against_what=version, goal="≥ 0.75 ×", met=behind >= 0.75 * nginx,
        )  # fmt: skip


def _best(hub: BenchHub, ways: dict[str, WatchingPlan]) -> dict[tuple[str, int], float]:
    best: dict[tuple[str, int], float] = {}
    for number in range(ROUNDS):
        for name, plan in ways.items():
            say(f"round {number + 1} of {ROUNDS}: {name}")
            for watched in watch(hub.folder, plan):
                best[name, watched.clients] = max(best.get((name, watched.clients), 0.0), watched.speed)
    return best


def watch(folder: Path, plan: WatchingPlan) -> Iterator[Watched]:
    path = folder / "watching.json"
    path.write_bytes(msgspec.json.encode(plan))
    with Talker("tests.bench.watching", str(path)) as watchers:
        for _ in plan.clients:
            yield msgspec.json.decode(" ".join(watchers.hear("watched")), type=Watched)


def shelve_film(hub: BenchHub, size: int) -> tuple[str, Path]:
    """A film of exactly this size, read by the library and visible: its item's id and its file. No hub runs meanwhile."""
    film = recordings.write_film(hub.folder)
    if film is None:
        raise RuntimeError("ffmpeg is needed for the film")
    pad(film, size)

    async def work(rooms: Rooms) -> tuple[str, Path]:
        added = await rooms.library.add_file(film, by=BY)
        async with rooms.library.cataloguer.extractor:
            await rooms.library.cataloguer.read_waiting()
        return added.item, rooms.library.file_of(await rooms.library.item(added.item))

    found = hub.prepare(work)
    film.unlink()
    return found


def _folder(hub: BenchHub, name: str) -> Path:
    folder = hub.folder / f"nginx-{name}"
    folder.mkdir()
    return folder
