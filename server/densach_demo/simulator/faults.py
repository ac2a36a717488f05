"""What may be wrong with simulated machines, to be chosen; each hits one machine of the lab, always the same."""

from enum import StrEnum

import msgspec

from densach_demo.simulator.hardware import Hardware


class Fault(StrEnum):
    TWINS = "twins"
    """A second machine starts from the disk image of the first and asks to be admitted."""
    CLOCK = "clock"
    """A dead clock battery: the machine lives in 2009."""
    STOLEN_MEMORY = "stolen-memory"
    """A memory module is gone since the last boot but one."""
    FULL_DISK = "full-disk"
    FLOOD = "flood"
    """A program gone wild: thousands of events a minute."""
    SILENT = "silent"
    """A machine that was unplugged in the middle of its work; the hub says so after half an hour."""


DEFAULT = (Fault.TWINS, Fault.CLOCK, Fault.STOLEN_MEMORY, Fault.FULL_DISK)
_VICTIMS = {
    Fault.STOLEN_MEMORY: 2,
    Fault.SILENT: 4,
    Fault.CLOCK: 5,
    Fault.TWINS: 7,
    Fault.FLOOD: 9,
    Fault.FULL_DISK: 11,
}
CLOCK_ERROR_MS = -17 * 365 * 86_400_000


def victim(fault: Fault, machines: int) -> int:
    """The number of the machine a fault hits in a lab of so many."""
    return (_VICTIMS[fault] - 1) % machines + 1


def faults_of(number: int, machines: int, chosen: frozenset[Fault]) -> frozenset[Fault]:
    return frozenset(fault for fault in chosen if victim(fault, machines) == number)


def damaged(hardware: Hardware, faults: frozenset[Fault]) -> Hardware:
    """The machine as it is now, after what happened to it."""
    if Fault.STOLEN_MEMORY in faults and len(hardware.model.modules_gib) > 1:
        hardware = msgspec.structs.replace(hardware, stolen=1)
    if Fault.FULL_DISK in faults:
        hardware = msgspec.structs.replace(hardware, disk_free_gib=2.5)
    return hardware
