"""Whether a firewall is switched on, by the files of its service. The rules themselves are root's, and not asked for."""

import re

from densach_agent.collectors.model import Collector, item
from densach_agent.machine import Denied, Machine, NoData
from densach_wire.messages import Item

_UNITS = "etc/systemd/system"
_SERVICES = ("firewalld", "nftables", "netfilter-persistent")
_WANTS = ("multi-user.target.wants", "sysinit.target.wants")


def collect(machine: Machine) -> list[Item]:
    """One item; `on` False means that no service which could bring rules is switched on."""
    try:
        ufw = machine.whole("etc/ufw/ufw.conf", 65536) or ""
    except Denied:
        ufw = ""
    if re.search(r"^\s*ENABLED\s*=\s*yes\s*$", ufw, re.MULTILINE | re.IGNORECASE):
        return [item("firewall", "firewall", on=True, service="ufw")]
    for service in _SERVICES:
        if any(f"{service}.service" in machine.names(f"{_UNITS}/{folder}") for folder in _WANTS):
            return [item("firewall", "firewall", on=True, service=service)]
    if not machine.exists(_UNITS):
        raise NoData  # another way of starting services: nothing is known
    return [item("firewall", "firewall", on=False)]


COLLECTOR = Collector("firewall", 2, collect)
