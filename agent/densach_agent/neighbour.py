"""Wakes another machine of the same network: the packet goes out of every interface that has neighbours."""

import socket

from densach_agent.requests import Upshot
from densach_wire.messages import Command
from densach_wire.wake import PORTS, magic_packet, plain_mac

_TIMES = 3
"""A card that is just going to sleep misses the first one."""
_EVERYBODY = "255.255.255.255"


def wake_neighbour(command: Command) -> Upshot:
    """Done means sent: only the other machine itself can say that it is awake."""
    mac = plain_mac(str(command.args.get("mac", "")))
    if mac is None:
        return Upshot("failed: no address of a network card")
    sent = send(mac, broadcasts())
    return Upshot(attrs={"sent": sent}) if sent else Upshot("failed: no network to send on")


def broadcasts() -> list[str]:
    """The broadcast addresses of this machine's networks, and everybody's."""
    import psutil  # type: ignore[import-untyped,unused-ignore]

    found = [
        address.broadcast
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == socket.AF_INET and address.broadcast
    ]
    return [*dict.fromkeys(found), _EVERYBODY]


def send(mac: str, targets: list[str], ports: tuple[int, ...] = PORTS) -> int:
    """How many packets went out."""
    packet = magic_packet(mac)
    sent = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        for target in targets * _TIMES:
            for port in ports:
                try:
                    out.sendto(packet, (target, port))
                    sent += 1
                except OSError:
                    continue
    return sent
