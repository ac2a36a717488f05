"""Network interfaces of hardware: permanent address, driver, speed. Addresses given by others (IP) are not read."""

from densach_agent.collectors.model import Collector, item
from densach_agent.junk import is_junk
from densach_agent.machine import Machine, NoData
from densach_wire.messages import Item

NET = "sys/class/net"
_PERMANENT = 0  # /sys/class/net/*/addr_assign_type


def collect(machine: Machine) -> list[Item]:
    found = []
    for name in interfaces(machine):
        base = f"{NET}/{name}"
        speed = machine.number(f"{base}/speed")
        mac = machine.open_text(f"{base}/address")
        found.append(
            item(
                "network",
                name,
                mac=None if is_junk(mac) else mac,
                random_mac=True if machine.number(f"{base}/addr_assign_type") not in (None, _PERMANENT) else None,
                driver=machine.target(f"{base}/device/driver"),
                bus=bus(machine, name),
                kind="wifi" if machine.exists(f"{base}/wireless") or machine.exists(f"{base}/phy80211") else "ethernet",
                speed_mbps=speed if speed is not None and 0 < speed < 1_000_000 else None,
            )
        )
    if not found:
        raise NoData
    return found


def interfaces(machine: Machine) -> list[str]:
    """Those with a device behind them: no bridges, tunnels, containers."""
    return [name for name in machine.names(NET) if machine.exists(f"{NET}/{name}/device")]


def bus(machine: Machine, name: str) -> str | None:
    path = machine.resolved(f"{NET}/{name}/device")
    for kind, sign in (("usb", "/usb"), ("virtio", "/virtio"), ("pci", "/pci")):
        if sign in path:
            return kind
    return None


COLLECTOR = Collector("network", 2, collect)
