"""The shape of a collector."""

from collections.abc import Callable

import msgspec

from densach_agent.machine import Machine, clean
from densach_wire.messages import Item, Value

_LARGEST = 2**53
"""Beyond it JSON numbers are not exact, and no machine has as much of anything."""


class Collector(msgspec.Struct, frozen=True):
    """Reads one thing. Its name is the section's name; `budget_s` is all the time it gets.

    `collect` returns the items, raises NoData where the machine has none and Denied where only root may know;
    anything else that it raises makes the section `failed` and harms no other.
    """

    name: str
    budget_s: float
    collect: Callable[[Machine], list[Item]]


def item(cls: str, key: str, **attrs: Value) -> Item:
    """An item without the attributes nobody knows: None, empty texts, numbers no thing has (never 0 for unknown)."""
    return Item(cls, clean(key) or "?", {name: value for name, value in attrs.items() if _says_something(value)})


def _says_something(value: Value) -> bool:
    if isinstance(value, int):
        return abs(value) < _LARGEST
    return value is not None and value != ""
