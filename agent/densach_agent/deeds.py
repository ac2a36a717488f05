"""What this machine can do when it is asked. What a deed needs is imported when it is asked for the first time: most days
nobody asks, and the resident process stays small."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from densach_agent.clock import Clock
from densach_agent.machine import Machine
from densach_agent.requests import Deed, Pending, Upshot
from densach_agent.sessions import SessionWatch
from densach_wire.messages import Command

if TYPE_CHECKING:
    from densach_agent.handing import Hand
    from densach_agent.power import Power

_UNIT = "densach-agent-hand.path"
_UNIT_FOLDERS = ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")


class Deeds:
    """`begun` notes on disk that the machine is about to go down for a request."""

    def __init__(self, machine: Machine, clock: Clock, data: Path, people: SessionWatch, begun: Callable[[str], None]) -> None:
        self._machine = machine
        self._clock = clock
        self._people = people
        self._begun = begun
        self._folder, self._by_systemd = hand_place(data)
        self._made: tuple[Hand, Power] | None = None

    def all(self) -> dict[str, Deed]:
        found: dict[str, Deed] = {"identify": self._identify, "message": self._message, "wake": self._wake}
        if self._by_systemd or os.geteuid() == 0:
            found.update(shutdown=self._shutdown, restart=self._restart)
        return found

    def _tools(self) -> "tuple[Hand, Power]":
        if self._made is None:
            from densach_agent.handing import Hand
            from densach_agent.power import Power

            hand = Hand(self._folder, self._clock, by_systemd=self._by_systemd)
            self._made = hand, Power(hand, self._clock, self._people.now, self._begun)
        return self._made

    def _shutdown(self, command: Command) -> Upshot | Pending:
        return self._tools()[1].shutdown(command)

    def _restart(self, command: Command) -> Upshot | Pending:
        return self._tools()[1].restart(command)

    def _message(self, command: Command) -> Upshot | Pending:
        from densach_agent.screens import tell_people

        return tell_people(self._tools()[0])(command)

    def _identify(self, command: Command) -> Upshot | Pending:
        from densach_agent.screens import identify

        name = self._machine.open_text("proc/sys/kernel/hostname") or os.uname().nodename
        return identify(self._tools()[0], name)(command)

    def _wake(self, command: Command) -> Upshot | Pending:
        from densach_agent.neighbour import wake_neighbour

        return wake_neighbour(command)


def hand_place(data: Path) -> tuple[Path, bool]:
    """Where jobs for root are left, and whether systemd watches it: the service's own folder under /run, which is gone
    with the boot; else one in the data folder."""
    runtime = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    if runtime and any((Path(folder) / _UNIT).exists() for folder in _UNIT_FOLDERS):
        return Path(runtime) / "hand", True
    return data / "hand", False
