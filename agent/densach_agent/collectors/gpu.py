"""Graphics processors: those on PCI, and on small boards those the kernel's display drivers name.

Memory of their own only where the driver tells how much (amdgpu): a window into it, as PCI shows, is not its size."""

from densach_agent.collectors.model import Collector, item
from densach_agent.collectors.pci import PCI, PciDevice, pci_devices, pci_names
from densach_agent.collectors.usb import uevent
from densach_agent.machine import Machine, NoData
from densach_wire.messages import Item

_DRM = "sys/class/drm"
_MAKERS = {
    0x1002: "AMD", 0x10DE: "NVIDIA", 0x8086: "Intel", 0x1234: "QEMU", 0x1AF4: "Red Hat (virtio)", 0x15AD: "VMware",
    0x80EE: "VirtualBox", 0x1A03: "ASPEED", 0x102B: "Matrox", 0x1B36: "Red Hat (QXL)",
}  # fmt: skip
_ON_BOARD = {
    "vc4-drm": ("Broadcom", "VideoCore"), "vc4_drm": ("Broadcom", "VideoCore"), "v3d": ("Broadcom", "VideoCore (3D)"),
    "panfrost": ("ARM", "Mali"), "lima": ("ARM", "Mali"), "panthor": ("ARM", "Mali"), "msm": ("Qualcomm", "Adreno"),
    "etnaviv": ("Vivante", None), "rockchip-drm": ("Rockchip", None), "meson-drm": ("Amlogic", None),
}  # fmt: skip


def collect(machine: Machine) -> list[Item]:
    cards = [device for device in pci_devices(machine) if device.cls >> 8 == 0x03]
    names = pci_names(machine, {card.pair for card in cards}, {card.pair: card.slot for card in cards}) if cards else {}
    found = [_card(machine, card, *names[card.pair]) for card in cards] + _on_board(machine)
    if not found:
        raise NoData
    return found


def _card(machine: Machine, card: PciDevice, maker: str | None, model: str | None) -> Item:
    base = f"{PCI}/{card.slot}"
    return item(
        "gpu",
        card.slot,
        maker=maker or _MAKERS.get(card.vendor),
        model=model or _of_driver(machine, card.slot),
        id=f"{card.vendor:04x}:{card.device:04x}",
        subsystem=card.subsystem,
        driver=card.driver,
        driver_version=machine.open_text(f"sys/module/{card.driver}/version") if card.driver else None,
        memory_bytes=machine.number(f"{base}/mem_info_vram_total"),
        primary=True if machine.number(f"{base}/boot_vga") == 1 else None,
    )


def _of_driver(machine: Machine, slot: str) -> str | None:
    """NVIDIA's own driver knows what it drives."""
    text = machine.whole(f"proc/driver/nvidia/gpus/{slot}/information", 4096) or ""
    pairs = (line.partition(":") for line in text.splitlines())
    return next((value.strip() for key, _, value in pairs if key.strip() == "Model"), None)


def _on_board(machine: Machine) -> list[Item]:
    found = []
    for card in machine.names(_DRM):
        if not card.startswith("card") or "-" in card:
            continue
        driver = uevent(machine, f"{_DRM}/{card}/device").get("DRIVER") or ""
        if driver in _ON_BOARD:
            maker, model = _ON_BOARD[driver]
            found.append(item("gpu", card, maker=maker, model=model, driver=driver))
    return found


COLLECTOR = Collector("gpu", 3, collect)
