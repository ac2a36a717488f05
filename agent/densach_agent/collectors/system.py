"""Product, board, chassis: what the maker wrote into the firmware (SMBIOS through /sys/class/dmi/id), on small boards the
kernel's device tree."""

import re

from densach_agent.collectors.model import Collector, item
from densach_agent.junk import kept, kept_name
from densach_agent.machine import Machine, NoData
from densach_wire.messages import Item

DMI = "sys/class/dmi/id"
_TREE = "proc/device-tree"
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
    25: "server",
    28: "server",
    29: "server",
    30: "tablet",
    31: "laptop",
    32: "laptop",
    33: "mini",
    34: "mini",
    35: "mini",
    36: "mini",
}  # fmt: skip - SMBIOS 7.4.1
_MAKERS = {
    "raspberrypi": "Raspberry Pi", "rockchip": "Rockchip", "allwinner": "Allwinner", "pine64": "Pine64", "xunlong": "Xunlong",
    "hardkernel": "Hardkernel", "radxa": "Radxa", "nvidia": "NVIDIA", "amlogic": "Amlogic",
}  # fmt: skip


def collect(machine: Machine) -> list[Item]:
    def read(name: str) -> str | None:
        return kept(machine.open_text(f"{DMI}/{name}"))

    def name(name: str) -> str | None:
        return kept_name(machine.open_text(f"{DMI}/{name}"))

    if not machine.names(DMI):
        return _device_tree(machine)
    found = [
        item(
            "product", "product", maker=name("sys_vendor"), model=name("product_name"), version=name("product_version"),
            serial=read("product_serial"), uuid=read("product_uuid"), sku=name("product_sku"), family=name("product_family"),
        ),
        item(
            "board", "board", maker=name("board_vendor"), model=name("board_name"), version=name("board_version"),
            serial=read("board_serial"), asset_tag=read("board_asset_tag"),
        ),
        item(
            "chassis", "chassis", kind=_CHASSIS.get((machine.number(f"{DMI}/chassis_type") or 0) & 0x7F),  # bit 7: a lock
            maker=name("chassis_vendor"), version=name("chassis_version"), serial=read("chassis_serial"),
            asset_tag=read("chassis_asset_tag"),
        ),
    ]  # fmt: skip
    return [one for one in found if one.attrs]


def _device_tree(machine: Machine) -> list[Item]:
    """Small boards have no SMBIOS. A Raspberry Pi also says in /proc/cpuinfo which one it is, and its revision."""
    if not machine.names(_TREE):
        raise NoData
    told = dict(re.findall(r"^(Model|Revision|Serial)\s*: (.+)$", machine.whole("proc/cpuinfo", 1024 * 1024) or "", re.MULTILINE))
    model = machine.open_text(f"{_TREE}/model") or told.get("Model")
    if model is None:
        raise NoData
    serial = kept(machine.open_text(f"{_TREE}/serial-number")) or kept(told.get("Serial"))
    maker = _MAKERS.get((machine.open_text(f"{_TREE}/compatible") or "").partition(",")[0].casefold())
    revision = kept(told.get("Revision"))
    return [
        item("product", "product", maker=maker, model=model, serial=serial),
        item("board", "board", maker=maker, model=model, version=revision, serial=serial),
    ]


COLLECTOR = Collector("system", 2, collect)
