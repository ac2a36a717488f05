"""What tells this machine from others: several factors, junk left out. What follows from them is decided in
`densach_wire.likeness`, for agent and hub alike.

machine-id and host name never say "same machine": an imaged lab shares the first and a technician changes the second.
"""

from collections.abc import Iterable
from pathlib import Path

from densach_agent.collectors import disk, network
from densach_agent.collectors.system import DMI
from densach_agent.junk import is_junk
from densach_agent.machine import Denied, Machine
from densach_wire.factors import factor_digest
from densach_wire.likeness import Decision, Verdict, decide
from densach_wire.messages import Factor

__all__ = ["Decision", "Verdict", "decide", "fingerprint"]

TPM_FILES = ("sys/class/tpm/tpm0/pubek", "sys/class/tpm/tpm0/device/pubek")
TPM_CERTIFICATE = ("tpm2_nvread", "-C", "o", "0x1c00002")
"""The endorsement key: a TPM 1.2 shows it in a file, of a TPM 2.0 the maker's certificate is read (never from the network)."""


def fingerprint(machine: Machine) -> tuple[Factor, ...]:
    """All factors that say something, sorted. Without root some are missing: that is not a change."""
    found = [
        *_firmware(machine),
        *_disks(machine),
        *_macs(machine),
        *_tpm(machine),
    ]
    machine_id = machine.open_text("etc/machine-id")
    if not is_junk(machine_id):
        found.append(_factor("machine-id", machine_id or "", strong=False))
    return tuple(sorted(set(found), key=lambda factor: (factor.kind, factor.digest)))


def _firmware(machine: Machine) -> Iterable[Factor]:
    for kind, name in (("board", "board_serial"), ("chassis", "chassis_serial"), ("product", "product_serial")):
        value = machine.open_text(f"{DMI}/{name}")
        if value is not None and not is_junk(value):
            yield _factor(kind, value)
    uuid = machine.open_text(f"{DMI}/product_uuid")
    if uuid is not None and not is_junk(uuid):
        yield _factor("product-uuid", uuid)
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
        if mac is None or is_junk(mac) or not permanent or _on_a_dock(machine, name):
            continue
        try:
            local = int(mac[:2], 16) & 2
        except ValueError:
            continue
        yield _factor("mac", mac, strong=not local)


def _on_a_dock(machine: Machine, name: str) -> bool:
    """By USB, or by PCI behind a socket (Thunderbolt): the kernel marks what hangs on those as removable."""
    if network.bus(machine, name) == "usb":
        return True
    root = machine.root.resolve()
    place = Path(machine.resolved(f"{network.NET}/{name}/device"))
    for folder in (place, *place.parents):
        if folder == root or not folder.is_relative_to(root):
            return False
        if machine.open_text(str((folder / "removable").relative_to(root))) == "removable":
            return True
    return False


def _open_whole(machine: Machine, path: str) -> str | None:
    try:
        return machine.whole(path, 4096)
    except Denied:
        return None


def _tpm(machine: Machine) -> Iterable[Factor]:
    text = next(filter(None, (_open_whole(machine, path) for path in TPM_FILES)), None)
    if text is None and machine.exists("sys/class/tpm/tpm0"):
        text = machine.root_command(*TPM_CERTIFICATE)
    if text is not None and len(text.split()) and not is_junk(text):
        yield _factor("tpm", text)


def _factor(kind: str, value: str, *, strong: bool = True) -> Factor:
    return Factor(kind, factor_digest(kind, value), strong)
