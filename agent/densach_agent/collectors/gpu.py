"""Graphics processors."""

from densach_agent.collectors.model import Collector, item
from densach_agent.collectors.pci import PCI, ids, pci_names
from densach_agent.machine import Machine, NoData
from densach_wire.messages import Item

_MAKERS = {
    0x1002: "AMD", 0x10DE: "NVIDIA", 0x8086: "Intel", 0x1234: "QEMU", 0x1AF4: "Red Hat (virtio)", 0x15AD: "VMware",
    0x80EE: "VirtualBox", 0x1A03: "ASPEED", 0x102B: "Matrox", 0x1B36: "Red Hat (QXL)",
}  # fmt: skip


def collect(machine: Machine) -> list[Item]:
    slots = [slot for slot in machine.names(PCI) if (machine.number(f"{PCI}/{slot}/class") or 0) >> 16 == 0x03]
    names = pci_names(machine, {ids(machine, slot) for slot in slots})
    found = []
    for slot in slots:
        pair = ids(machine, slot)
        maker, model = names.get(pair, (None, None))
        found.append(
            item(
                "gpu",
                slot,
                maker=maker or _MAKERS.get(pair[0]),
                model=model,
                id=f"{pair[0]:04x}:{pair[1]:04x}",
                driver=machine.target(f"{PCI}/{slot}/driver"),
                memory_bytes=machine.number(f"{PCI}/{slot}/mem_info_vram_total"),
            )
        )
    if not found:
        raise NoData
    return found


COLLECTOR = Collector("gpu", 3, collect)
