"""`densach bench [NAME…] [--list] [--json]`: measures, and prints each figure beside its floor or its peer.

Exit codes: 0 measured (whatever came out), 1 something could not be measured, 2 no such benchmark.
"""

import sys
from collections.abc import Callable, Iterator, Sequence

import msgspec
from tests.bench import (
    agent_cost,
    cinema,
    indexing,
    intake,
    inventory,
    library,
    offline,
    provision,
    searching,
    side_by_side,
    video,
)
from tests.bench.figures import Figure, shown

BENCHMARKS: dict[str, Callable[[], Iterator[Figure]]] = {
    "intake": intake.intake,
    "drain": intake.drain,
    "offline": offline.offline,
    "agent": agent_cost.agent,
    "inventory": inventory.inventory,
    "library": library.library,
    "indexing": indexing.indexing,
    "search": searching.search,
    "video": video.video,
    "cinema": cinema.cinema,
    "peers": side_by_side.peers,
    "provision": provision.provision,
    "search-large": searching.search_large,
}


def main(arguments: Sequence[str]) -> int:
    options = {word for word in arguments if word.startswith("-")}
    names = [word for word in arguments if not word.startswith("-")]
    if options & {"-h", "--help"}:
        print(f"{__doc__}\nBenchmarks: {', '.join(BENCHMARKS)}\nExample: densach bench intake drain")
        return 0
    if "--list" in options:
        print("\n".join(BENCHMARKS))
        return 0
    if unknown := [name for name in names if name not in BENCHMARKS] + sorted(options - {"--json"}):
        print(f"No such benchmark or option: {', '.join(unknown)}. `densach bench --list` names them.", file=sys.stderr)
        return 2
    found: list[Figure] = []
    failed = False
    for name in names or BENCHMARKS:
        if "--json" not in options:
            print(name, flush=True)
        try:
            for figure in BENCHMARKS[name]():
                found.append(figure)
                if "--json" not in options:
                    print(shown(figure), flush=True)
        except (RuntimeError, OSError) as problem:
            failed = True
            print(f"  not measured: {problem}", file=sys.stderr, flush=True)
    if "--json" in options:
        print(msgspec.json.encode(found).decode())
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
