"""Addresses of the network cards and where they lead, from the kernel's tables. What changes by itself every day (temporary and
link-local IPv6) is left out."""

import ipaddress
import re
from collections import defaultdict

from densach_agent.collectors.model import item
from densach_agent.machine import Denied, Machine, clean
from densach_wire.messages import Item

_RESOLVERS = ("run/systemd/resolve/resolv.conf", "etc/resolv.conf")
_TEMPORARY = 0x01  # IFA_F_TEMPORARY in /proc/net/if_inet6
_GLOBAL = 0x00
_GATEWAY = 0x2  # RTF_GATEWAY in /proc/net/route
_MOST = 8


def ipv4(machine: Machine) -> dict[str, str]:
    """Card → addresses with the length of their net, `192.168.1.7/24`; several by comma."""
    nets = [
        (row[0], ipaddress.IPv4Network((_ipv4(row[1]), _ipv4(row[7])), strict=False))
        for row in _rows(machine, "proc/net/route")[1:]
        if len(row) > 7 and int(row[3], 16) & _GATEWAY == 0 and row[7] != "00000000"
    ]
    found: dict[str, list[str]] = defaultdict(list)
    for text in sorted(set(re.findall(r"([\d.]+)\n\s+/32 host LOCAL", _whole(machine, "proc/net/fib_trie")))):
        address = ipaddress.IPv4Address(text)
        for card, net in nets:
            if address in net and not address.is_loopback:
                found[card].append(f"{address}/{net.prefixlen}")
    return {card: ", ".join(texts[:_MOST]) for card, texts in found.items()}


def ipv6(machine: Machine) -> dict[str, str]:
    found: dict[str, list[str]] = defaultdict(list)
    for row in _rows(machine, "proc/net/if_inet6"):
        if len(row) == 6 and int(row[3], 16) == _GLOBAL and not int(row[4], 16) & _TEMPORARY:
            found[row[5]].append(f"{ipaddress.IPv6Address(bytes.fromhex(row[0]))}/{int(row[2], 16)}")
    return {card: ", ".join(sorted(texts)[:_MOST]) for card, texts in found.items()}


def route(machine: Machine) -> Item | None:
    """The way out, and who is asked for names; None where there is neither."""
    gateways = [_ipv4(row[2]) for row in _rows(machine, "proc/net/route")[1:] if len(row) > 7 and row[1] == row[7] == "00000000"]
    names: dict[str, list[str]] = defaultdict(list)
    for path in _RESOLVERS:
        for key, value in re.findall(r"^(nameserver|search|domain)\s+(\S+)", _whole(machine, path), re.MULTILINE):
            if value not in names[key]:
                names[key].append(value)
        if names["nameserver"]:
            break
    found = item(
        "route",
        "default",
        gateway=gateways[0] if gateways else None,
        dns=clean(", ".join(names["nameserver"][:_MOST])),
        domain=clean(" ".join(names["search"] or names["domain"])),
    )
    return found if found.attrs else None


def _ipv4(text: str) -> str:
    """`0107A8C0` as the kernel writes it."""
    return str(ipaddress.IPv4Address(bytes.fromhex(text)[::-1]))


def _rows(machine: Machine, path: str) -> list[list[str]]:
    return [line.split() for line in _whole(machine, path).splitlines()]


def _whole(machine: Machine, path: str) -> str:
    try:
        return machine.whole(path, 256 * 1024) or ""
    except Denied:
        return ""
