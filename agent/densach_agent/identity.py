"""Which machine is this? Several factors, junk left out, and one decision with examples from the field.

machine-id and host name never say "same machine": an imaged lab shares the first and a technician changes the second.
"""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from densach_agent.collectors import disk, network
from densach_agent.collectors.system import DMI
from densach_agent.junk import is_junk
from densach_agent.machine import Denied, Machine
from densach_wire.factors import factor_digest
from densach_wire.messages import Factor


class Verdict(StrEnum):
    SAME = "same"
    NEW_DISK = "new-disk"
    """The machine is the same, its disk another."""
    CLONE = "clone"
    """This disk was made, or copied from one, in another machine."""


class Decision(msgspec.Struct, frozen=True):
    verdict: Verdict
    kept: tuple[str, ...]
    changed: tuple[str, ...]
    """Kinds of strong factors of which nothing is left while there are others of the kind now."""


def fingerprint(machine: Machine) -> tuple[Factor, ...]:
    """All factors that say something, sorted. Without root some are missing: that is not a change."""
    found = [
        *_firmware(machine),
        *_disks(machine),
        *_macs(machine),
    ]
    machine_id = machine.open_text("etc/machine-id")
    if not is_junk(machine_id):
        found.append(_factor("machine-id", machine_id or "", strong=False))
    return tuple(sorted(set(found), key=lambda factor: (factor.kind, factor.digest)))


def decide(before: Iterable[Factor], now: Iterable[Factor]) -> Decision:
    """Two strong kinds changed and none kept: a clone. Anything less is the same machine.

    * main board swapped, disk kept (a repair): board, UUID and MAC changed, the disk kept: same;
    * disk swapped and imaged anew from this machine's backup: board kept: new disk;
    * image of seat 1 written to seat 2: board, UUID, MAC and disk changed, nothing kept: clone;
    * started without root, so that serial numbers cannot be read: nothing *changed*: same;
    * a lab of boards that all say "To be filled by O.E.M.": junk is no factor; MAC and disk decide.
    """
    old, new = _by_kind(before), _by_kind(now)
    kept = tuple(sorted(kind for kind in old if old[kind] & new.get(kind, set())))
    changed = tuple(sorted(kind for kind in old if kind in new and not old[kind] & new[kind]))
    if not kept and len(changed) >= 2:
        return Decision(Verdict.CLONE, kept, changed)
    return Decision(Verdict.NEW_DISK if changed == ("disk",) else Verdict.SAME, kept, changed)


def normal_uuid(text: str) -> str:
    """Tools disagree on the byte order of the first three groups: the smaller spelling of the two stands for both."""
    plain = text.strip().casefold()
    groups = plain.split("-")
    if [len(group) for group in groups] != [8, 4, 4, 4, 12]:
        return plain
    turned = [_turn(group) for group in groups[:3]] + groups[3:]
    return min(plain, "-".join(turned))


def _by_kind(factors: Iterable[Factor]) -> dict[str, set[str]]:
    kinds: dict[str, set[str]] = {}
    for factor in factors:
        if factor.strong:
            kinds.setdefault(factor.kind, set()).add(factor.digest)
    return kinds


def _firmware(machine: Machine) -> Iterable[Factor]:
    for kind, name in (("board", "board_serial"), ("chassis", "chassis_serial"), ("product", "product_serial")):
        value = machine.open_text(f"{DMI}/{name}")
        if value is not None and not is_junk(value):
            yield _factor(kind, value)
    uuid = machine.open_text(f"{DMI}/product_uuid")
    if uuid is not None and not is_junk(uuid):
        yield _factor("product-uuid", normal_uuid(uuid))
    tree = machine.open_text("proc/device-tree/serial-number")
    if tree is not None and not is_junk(tree):
        yield _factor("board", tree)


def _disks(machine: Machine) -> Iterable[Factor]:
    for name in disk.names(machine):
        try:
            value = disk.serial(machine, name)
        except Denied:
            continue
        if value is not None and not disk.removable(machine, name):
            # Virtual disks often carry one name for all.
            yield _factor("disk", value, strong=not name.startswith("vd"))


def _macs(machine: Machine) -> Iterable[Factor]:
    """Permanent addresses of built-in cards: docks and USB sticks wander from machine to machine."""
    for name in network.interfaces(machine):
        mac = machine.open_text(f"{network.NET}/{name}/address")
        permanent = machine.number(f"{network.NET}/{name}/addr_assign_type") in (None, 0)
        if mac is None or is_junk(mac) or not permanent or network.bus(machine, name) == "usb":
            continue
        local = int(mac[:2], 16) & 2 if mac[:2].isalnum() else 2
        yield _factor("mac", mac, strong=not local)


def _factor(kind: str, value: str, *, strong: bool = True) -> Factor:
    return Factor(kind, factor_digest(kind, value), strong)


def _turn(group: str) -> str:
    return "".join(reversed([group[at : at + 2] for at in range(0, len(group), 2)]))
