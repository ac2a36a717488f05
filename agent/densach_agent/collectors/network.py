"""Network interfaces of hardware: permanent address, driver, speed, Wake-on-LAN, the addresses they have now, and the way
out.

Whether a card may wake the machine is what its driver told the kernel (`power/wakeup`), which every user may read;
ethtool's own question is for root with power over the network only.
"""

from densach_agent.collectors import addresses
from densach_agent.collectors.model import Collector, item
from densach_agent.collectors.usb import uevent
from densach_agent.junk import is_junk
from densach_agent.machine import Machine, NoData
from densach_wire.messages import Item

NET = "sys/class/net"
_PERMANENT = 0  # /sys/class/net/*/addr_assign_type
_KINDS = {"wlan": "wifi", "wwan": "mobile", "bluetooth": "bluetooth"}
_ETHERNET = 1  # /sys/class/net/*/type, ARPHRD_ETHER


def collect(machine: Machine) -> list[Item]:
    ipv4, ipv6 = addresses.ipv4(machine), addresses.ipv6(machine)
    found = [_card(machine, name, ipv4.get(name), ipv6.get(name)) for name in interfaces(machine)]
    if not found:
        raise NoData
    way = addresses.route(machine)
    return found if way is None else [*found, way]


def interfaces(machine: Machine) -> list[str]:
    """Those with a device behind them: no bridges, tunnels, containers."""
    return [name for name in machine.names(NET) if machine.exists(f"{NET}/{name}/device")]


def bus(machine: Machine, name: str) -> str | None:
    path = machine.resolved(f"{NET}/{name}/device")
    for kind, sign in (("usb", "/usb"), ("virtio", "/virtio"), ("pci", "/pci"), ("hyper-v", "/vmbus"), ("xen", "/vif-")):
        if sign in path:
            return kind
    return "board" if "/platform/" in path else None


def _card(machine: Machine, name: str, ipv4: str | None, ipv6: str | None) -> Item:
    base = f"{NET}/{name}"
    speed = machine.number(f"{base}/speed")
    mac = machine.open_text(f"{base}/address")
    driver = machine.target(f"{base}/device/driver")
    kind = _kind(machine, name)
    wired = kind == "ethernet"
    return item(
        "network",
        name,
        mac=None if is_junk(mac) else mac,
        random_mac=True if machine.number(f"{base}/addr_assign_type") not in (None, _PERMANENT) else None,
        kind=kind,
        # What is plugged in, or near, now: of a wired card only, or the section would change all day.
        speed_mbps=speed if wired and speed is not None and 0 < speed < 1_000_000 else None,
        wake_on_lan=_wakes(machine, base) if wired else None,
        link_up=_link(machine, base) if wired else None,
        link_duplex=(machine.open_text(f"{base}/duplex") if speed and speed > 0 else None) if wired else None,
        ipv4=ipv4,
        ipv6=ipv6,
        driver=driver,
        bus=bus(machine, name),
    )


def _kind(machine: Machine, name: str) -> str | None:
    base = f"{NET}/{name}"
    if machine.exists(f"{base}/wireless") or machine.exists(f"{base}/phy80211"):
        return "wifi"
    told = _KINDS.get(uevent(machine, base).get("DEVTYPE", ""))
    return told or ("ethernet" if machine.number(f"{base}/type") in (None, _ETHERNET) else None)


def _link(machine: Machine, base: str) -> bool | None:
    """None while the interface is switched off: then nobody knows of a cable."""
    carrier = machine.number(f"{base}/carrier")
    return None if carrier is None else carrier == 1


def _wakes(machine: Machine, base: str) -> bool | None:
    return {"enabled": True, "disabled": False}.get(machine.open_text(f"{base}/device/power/wakeup") or "")


COLLECTOR = Collector("network", 2, collect)
