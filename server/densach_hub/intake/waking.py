"""Who can wake whom: Wake-on-LAN does not cross a router, so awake machines beside the sleeping one call it, and the hub
does too, in case it stands in the same network."""

import socket
from collections.abc import Sequence

import msgspec
import psutil
import structlog

from densach_hub.fleet.asking import wakeable
from densach_hub.fleet.model import Kind, Machine
from densach_hub.fleet.register import Register
from densach_hub.fleet.telemetry import Telemetry
from densach_wire.messages import Presence
from densach_wire.wake import PORTS, magic_packet

log = structlog.get_logger("intake")

HELPERS = 2
"""Awake machines asked for each sleeping one: one may be on a cable of its own."""
EVERYBODY = "255.255.255.255"


class Plan(msgspec.Struct, frozen=True):
    """How one machine is woken. No `macs`: nothing is known that could be called."""

    macs: tuple[str, ...]
    helpers: tuple[str, ...]
    awake: bool = False
    """It is awake already: there is nothing to do."""
    invented: bool = False
    """A simulated machine: nothing is called over a real network."""


class Waking:
    """Plans, and the hub's own call. `ports` may be replaced by a test."""

    def __init__(self, register: Register, facts: Telemetry) -> None:
        self._register = register
        self._facts = facts
        self.targets: tuple[str, ...] | None = None
        self.ports: tuple[int, ...] = PORTS

    async def plans(self, devices: Sequence[str]) -> dict[str, Plan]:
        """Helpers are of the same room first, then any that is awake. Simulated machines help each other, and no others."""
        machines = {machine.id: machine for machine in await self._register.machines(kinds=(Kind.AGENT,))}
        awake = [m for m in machines.values() if await self._is_awake(m)]
        found = {}
        for n, device in enumerate(devices):
            invented = device in machines and machines[device].simulated
            others = [m for m in awake if m.id != device and m.simulated == invented]
            sections = {s.section: s for s in await self._facts.sections(device)}
            network = sections.get("network")
            macs = wakeable(network.items) if network is not None else ()
            room = _room(machines.get(device))
            near = [m.id for m in others if _room(m) == room]
            far = [m.id for m in others if _room(m) != room]
            found[device] = Plan(
                macs,
                tuple((_turned(near, n) + _turned(far, n))[:HELPERS]) if macs else (),
                any(m.id == device for m in awake),
                invented,
            )
        return found

    async def _is_awake(self, machine: Machine) -> bool:
        live = await self._facts.live(machine.id)
        return live is not None and live.presence is Presence.ONLINE

    def call(self, macs: Sequence[str]) -> int:
        """The hub's own packets; how many went out. In a thread: it asks the system for its networks."""
        sent = 0
        targets = broadcasts() if self.targets is None else self.targets
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            for mac in macs:
                for target in targets:
                    for port in self.ports:
                        try:
                            out.sendto(magic_packet(mac), (target, port))
                            sent += 1
                        except OSError:
                            continue
        log.info("intake.woke", machines=len(macs), packets=sent)
        return sent


def broadcasts() -> tuple[str, ...]:
    found = [
        address.broadcast
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == socket.AF_INET and address.broadcast
    ]
    return (*dict.fromkeys(found), EVERYBODY)


def _room(machine: Machine | None) -> str | None:
    return machine.place.room if machine is not None and machine.place is not None else None


def _turned(names: list[str], n: int) -> list[str]:
    """Begins with another one for each machine, so that the work is shared."""
    return names[n % len(names) :] + names[: n % len(names)] if names else []
