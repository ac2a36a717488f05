"""The lists of paths that are asked of every library, drawn beforehand: whoever asks has nothing else to do then."""

import random
import urllib.parse
from collections.abc import Sequence

from tests.bench.seeking import asked
from tests.bench.shelves import Words
from tests.bench.wording import Mouths

LENGTH = {"search": 60_000, "fresh": 24_000, "page": 60_000, "warm": 6_000}
"""More than is answered in a round. `warm` is asked before anything is measured: what nobody asks later."""


def drawn(what: str, clients: int, search: str, pages: Sequence[str], questions: Sequence[str]) -> list[str]:
    """Paths, every client's own row of them, woven into one list: client n has all from n in steps of `clients`."""
    each = LENGTH[what] // clients
    every = Words(7)
    rows = []
    for number in range(clients):
        seed = clients * 1_000 + number + (500 if what == "warm" else 0)
        words, chance, mouths = every.drawn(seed), random.Random(seed), Mouths(questions, seed)
        if what == "page":
            rows.append([chance.choice(pages) for _ in range(each)])
        elif what == "warm":
            rows.append([chance.choice(pages) if n % 2 else _put(search, asked(chance, words)) for n in range(each)])
        else:
            rows.append([_put(search, mouths.next() if what == "search" else asked(chance, words)) for _ in range(each)])
    return [path for turn in zip(*rows, strict=True) for path in turn]


def _put(search: str, typed: str) -> str:
    return search.format(urllib.parse.quote(typed))
