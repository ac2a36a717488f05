"""What a class types: words of the catalogue's own titles, the same few again and again, as people type them."""

import itertools
import random
from collections.abc import Sequence

from densach_core.folding import fold

DISTINCT = 800
STEEP = 2.0
"""Query number n is asked in proportion to 1 / (n + STEEP) (Zipf's law, as in logs of searches)."""


def questions(titles: Sequence[str], n: int = DISTINCT, *, seed: int = 1) -> tuple[str, ...]:
    """So many different ones, the most frequent first: one to three words in a row from a title; two in five without their
    marks, one in ten with two letters swapped, one in seven not yet finished."""
    chance = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < n:
        words = chance.choice(titles).split()
        many = min(len(words), chance.choice((1, 2, 2, 2, 3)))
        start = chance.randrange(len(words) - many + 1)
        found.setdefault(_typed(" ".join(words[start : start + many]), chance))
    return tuple(found)


def _typed(words: str, chance: random.Random) -> str:
    if chance.random() < 0.4:
        words = fold(words)
    if chance.random() < 0.1 and len(words) > 4:
        at = chance.randrange(1, len(words) - 1)
        words = words[:at] + words[at + 1] + words[at] + words[at + 2 :]
    if chance.random() < 0.15 and len(words) > 3:
        words = words[:-1]
    return words.strip()


class Mouths:
    """Draws from the questions; each client its own row, the same in every run."""

    def __init__(self, every: Sequence[str], seed: int) -> None:
        self._every = every
        self._weights = list(itertools.accumulate(1 / (n + STEEP) for n in range(len(every))))
        self._chance = random.Random(seed)

    def next(self) -> str:
        return self._chance.choices(self._every, cum_weights=self._weights)[0]
