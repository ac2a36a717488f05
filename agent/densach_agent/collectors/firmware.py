"""BIOS or UEFI, secure boot, TPM, and whether this is a virtual machine."""

from densach_agent.collectors.model import Collector, item
from densach_agent.collectors.system import DMI
from densach_agent.junk import kept
from densach_agent.machine import Machine, NoData
from densach_wire.messages import Item

_SECURE_BOOT = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
_VIRTUAL = ("qemu", "kvm", "vmware", "virtualbox", "innotek", "microsoft corporation virtual", "xen", "bochs", "parallels")


def collect(machine: Machine) -> list[Item]:
    found: list[Item] = []
    efi = machine.exists("sys/firmware/efi")
    if machine.names(DMI) or efi:
        secure = machine.raw(_SECURE_BOOT, 8) if efi else None
        found.append(
            item(
                "bios", "bios", kind="uefi" if efi else "bios",
                maker=kept(machine.open_text(f"{DMI}/bios_vendor")),
                version=kept(machine.open_text(f"{DMI}/bios_version")),
                date=kept(machine.open_text(f"{DMI}/bios_date")),
                secure_boot=bool(secure[4]) if secure is not None and len(secure) == 5 else None,
            )
        )  # fmt: skip
    for name in machine.names("sys/class/tpm"):
        version = machine.number(f"sys/class/tpm/{name}/tpm_version_major")
        found.append(item("tpm", name, version=str(version) if version else None))
    if (kind := virtual(machine)) is not None:
        found.append(item("virtual", "virtual", kind=kind))
    if not found:
        raise NoData
    return found


def virtual(machine: Machine) -> str | None:
    """The hypervisor's name, "yes" if only the processor tells, or None on a machine of metal."""
    words = " ".join(machine.open_text(f"{DMI}/{name}") or "" for name in ("sys_vendor", "product_name")).casefold()
    for name in _VIRTUAL:
        if name in words:
            return name.split()[0]
    return "yes" if " hypervisor" in (machine.whole("proc/cpuinfo", 65536) or "") else None


COLLECTOR = Collector("firmware", 2, collect)
