"""The shape of a collector."""

from collections.abc import Callable

import msgspec

from densach_agent.machine import Machine
from densach_wire.messages import Item, Value


class Collector(msgspec.Struct, frozen=True):
    """Reads one thing. Its name is the section's name; `budget_s` is all the time it gets.

    `collect` returns the items, raises NoData where the machine has none and Denied where only root may know;
    anything else that it raises makes the section `failed` and harms no other.
    """

    name: str
    budget_s: float
    collect: Callable[[Machine], list[Item]]


def item(cls: str, key: str, **attrs: Value) -> Item:
    """An item without the attributes nobody knows (None is left out: never 0 for unknown)."""
    return Item(cls, key[:200] or "?", {name: value for name, value in attrs.items() if value is not None})
