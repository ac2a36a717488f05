"""Lists compared as they are written give the same figures as lists compared item by item."""

import random

from densach_hub.fleet.comparing import software_difference
from densach_hub.fleet.store_telling import encode, items_of, unlike
from densach_wire.messages import Item


def packages(chance: random.Random) -> tuple[Item, ...]:
    names = chance.sample(range(60), 40)
    return tuple(Item("package", f"dpkg:p{n}", {"name": f"p{n}", "version": f"1.{chance.randrange(3)}"}) for n in names)


def test_only_what_changed_is_read() -> None:
    kept = Item("package", "dpkg:sách", {"version": "1", "title": "Đèn “Sách”"})
    old, new = Item("package", "dpkg:a", {"version": "1"}), Item("package", "dpkg:a", {"version": "2"})
    assert unlike(encode((kept, old)), encode((new, kept))) == ([old], [new])
    assert unlike(b"[]", encode((kept,))) == ([], [kept])


def test_the_same_figures() -> None:
    chance = random.Random(7)
    for _ in range(50):
        before, after = packages(chance), packages(chance)
        written = encode(before)
        assert items_of(written) == before
        assert software_difference(*unlike(written, encode(after))) == software_difference(before, after)
