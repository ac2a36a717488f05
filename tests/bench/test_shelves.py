"""The made-up catalogue is the same each time, and its words are as uneven as words are."""

import random
from collections import Counter

from tests.bench.seeking import asked
from tests.bench.shelves import COMMON, Words


def test_the_same_each_time() -> None:
    one, other = Words(7), Words(7)
    assert [one.item(n).title for n in range(20)] == [other.item(n).title for n in range(20)]
    assert [page.text for page in one.drawn(3).passages(2)] == [page.text for page in other.drawn(3).passages(2)]


def test_common_words_are_common_and_questions_are_fresh() -> None:
    words = Words(7)
    counted = Counter(words.some(20_000))
    assert counted[COMMON[0]] > 20 * counted[COMMON[-1]] / 2
    chance = random.Random(1)
    assert len({asked(chance, words) for _ in range(200)}) > 150
