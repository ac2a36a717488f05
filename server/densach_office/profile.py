"""Who this office is, and the tree it looks at: documents a person writes. The tree is configuration, never code:
since the district offices are gone, a primary school answers to its commune and, professionally, to its department."""

from collections.abc import Iterable

import msgspec
from aiohttp import web

from densach_core.documents import Documents, Shelf, Single
from densach_core.errors import BadInput
from densach_core.text import t


class OfficeProfile(msgspec.Struct, frozen=True, kw_only=True):
    """Document `office`. `id` is how the level above knows this office."""

    id: str = "office"
    name: str = "Cơ quan quản lý"


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """A node of the tree: a commune, a department, a cluster of schools. `parents` are ids of other units."""

    id: str
    name: str
    parents: tuple[str, ...] = ()


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """Which units a school belongs to (`id` is the school's code); two are normal: governing and professional body."""

    id: str
    units: tuple[str, ...] = ()


class Node(msgspec.Struct, frozen=True):
    """A unit as the page draws it, under one of its parents."""

    unit: Unit
    depth: int
    schools: int


PROFILE: "web.AppKey[Single[OfficeProfile]]" = web.AppKey("profile")
TREE: "web.AppKey[Tree]" = web.AppKey("tree")


class Tree:
    """The shelf `units` and the shelf `memberships`."""

    def __init__(self, documents: Documents) -> None:
        self._units: Shelf[Unit] = documents.many("units", Unit)
        self._members: Shelf[Membership] = documents.many("memberships", Membership)

    async def units(self) -> list[Unit]:
        return sorted(await self._units.all(), key=lambda unit: unit.name)

    async def memberships(self) -> dict[str, tuple[str, ...]]:
        return {member.id: member.units for member in await self._members.all()}

    async def put(self, unit: Unit, *, by: str) -> None:
        """Raises BadInput("tree.circle" | "tree.no-parent")."""
        others = {other.id: other for other in await self._units.all() if other.id != unit.id}
        if missing := [parent for parent in unit.parents if parent not in others]:
            raise BadInput("tree.no-parent", t("There is no unit {unit}.", unit=missing[0]), field="parents")
        if unit.id in above(others | {unit.id: unit}, unit.parents):
            raise BadInput("tree.circle", t("A unit cannot stand above itself."), field="parents")
        await self._units.put(unit, by=by)

    async def remove(self, unit_id: str, *, by: str) -> None:
        """Raises BadInput("tree.in-use") while units or schools stand below it."""
        used = any(unit_id in unit.parents for unit in await self._units.all())
        if used or any(unit_id in units for units in (await self.memberships()).values()):
            raise BadInput("tree.in-use", t("Units or schools still stand below this one."), t("Move them first."))
        await self._units.remove(unit_id, by=by)

    async def place(self, school: str, units: tuple[str, ...], *, by: str) -> None:
        known = {unit.id for unit in await self._units.all()}
        await self._members.put(Membership(id=school, units=tuple(u for u in units if u in known)), by=by)

    async def below(self, unit_id: str) -> frozenset[str]:
        """Codes of the schools of a unit, at any depth."""
        units = {unit.id: unit for unit in await self._units.all()}
        members = await self.memberships()
        return frozenset(code for code, of in members.items() if unit_id in of or unit_id in above(units, of))

    async def nodes(self) -> list[Node]:
        """The tree from its roots down; a unit with two parents is drawn under both."""
        units = await self.units()
        members = await self.memberships()
        found: list[Node] = []

        def draw(unit: Unit, depth: int) -> None:
            found.append(Node(unit, depth, sum(unit.id in of for of in members.values())))
            for child in units:
                if unit.id in child.parents:
                    draw(child, depth + 1)

        for unit in units:
            if not unit.parents:
                draw(unit, 0)
        return found


def above(units: dict[str, Unit], start: Iterable[str]) -> set[str]:
    """`start` and everything above it."""
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        unit_id = waiting.pop()
        if unit_id not in found:
            found.add(unit_id)
            waiting += units[unit_id].parents if unit_id in units else ()
    return found
