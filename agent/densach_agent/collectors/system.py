"""Product, board, chassis: what the maker wrote into the firmware (SMBIOS through /sys/class/dmi/id)."""

from densach_agent.collectors.model import Collector, item
from densach_agent.junk import kept
from densach_agent.machine import Machine, NoData
from densach_wire.messages import Item

DMI = "sys/class/dmi/id"
_CHASSIS = {
    3: "desktop",
    4: "desktop",
    5: "desktop",
    6: "tower",
    7: "tower",
    8: "laptop",
    9: "laptop",
    10: "laptop",
    11: "handheld",
    12: "dock",
    13: "all-in-one",
    14: "laptop",
    15: "desktop",
    16: "desktop",
    17: "server",
    23: "server",
    24: "desktop",
    30: "tablet",
    31: "laptop",
    32: "laptop",
    35: "mini",
    36: "mini",
}  # fmt: skip - SMBIOS 7.4.1


def collect(machine: Machine) -> list[Item]:
    def read(name: str) -> str | None:
        return kept(machine.open_text(f"{DMI}/{name}"))

    if not machine.names(DMI):
        return _device_tree(machine)
    found = [
        item(
            "product", "product", maker=read("sys_vendor"), model=read("product_name"), version=read("product_version"),
            serial=read("product_serial"), sku=read("product_sku"), family=read("product_family"),
        ),
        item(
            "board", "board", maker=read("board_vendor"), model=read("board_name"), version=read("board_version"),
            serial=read("board_serial"), asset_tag=read("board_asset_tag"),
        ),
        item(
            "chassis", "chassis", kind=_CHASSIS.get(machine.number(f"{DMI}/chassis_type") or 0),
            maker=read("chassis_vendor"), serial=read("chassis_serial"), asset_tag=read("chassis_asset_tag"),
        ),
    ]  # fmt: skip
    return [one for one in found if one.attrs]


def _device_tree(machine: Machine) -> list[Item]:
    """Small boards have no SMBIOS: the kernel's device tree names them."""
    model = machine.open_text("proc/device-tree/model")
    if model is None:
        raise NoData
    serial = kept(machine.open_text("proc/device-tree/serial-number"))
    return [item("product", "product", model=model, serial=serial), item("board", "board", model=model, serial=serial)]


COLLECTOR = Collector("system", 2, collect)
