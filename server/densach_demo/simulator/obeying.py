"""What a simulated machine does when it is asked: the desk of the real agent, and a machine that only pretends."""

from collections.abc import Callable
from typing import Protocol

from densach_agent.ledger import Ledger
from densach_agent.requests import DONE, Deed, Desk, Pending, Report, Upshot
from densach_agent.settings import Policy
from densach_wire.messages import Command
from densach_wire.wake import plain_mac

_SHOWING_MS = 10_000


class Actor(Protocol):
    """A machine that can be told."""

    @property
    def busy(self) -> bool:
        """Somebody works at it."""
        ...

    def tell_again(self, sections: frozenset[str]) -> None:
        """`*`: all of them."""
        ...

    def go_down(self) -> None: ...

    def go_round(self) -> Callable[[], bool]:
        """Restarts; what it returns says whether it is there again."""
        ...

    def wake(self, mac: str) -> None:
        """Calls a neighbour."""
        ...


def desk_of(actor: Actor, now_ms: Callable[[], int], report: Report) -> Desk:
    """Requests are kept in memory only: invented machines begin anew with the demonstration."""

    def message(_command: Command) -> Upshot:
        return DONE if actor.busy else Upshot("nobody: nobody is logged in")

    def identify(_command: Command) -> Upshot | Pending:
        until = now_ms() + _SHOWING_MS
        return lambda: DONE if now_ms() >= until else None

    def refresh(command: Command) -> Upshot:
        actor.tell_again(frozenset(str(command.args.get("sections", "*")).split()))
        return DONE

    def in_use(command: Command) -> Upshot | None:
        if actor.busy and command.args.get("force") is not True:
            return Upshot("busy: somebody is at work")
        return None

    def shutdown(command: Command) -> Upshot:
        if (refused := in_use(command)) is not None:
            return refused
        actor.go_down()
        return DONE

    def restart(command: Command) -> Upshot | Pending:
        if (refused := in_use(command)) is not None:
            return refused
        there = actor.go_round()
        return lambda: DONE if there() else None

    def wake(command: Command) -> Upshot:
        mac = plain_mac(str(command.args.get("mac", "")))
        if mac is None:
            return Upshot("failed: no address of a network card")
        actor.wake(mac)
        return Upshot(attrs={"sent": 3})

    deeds: dict[str, Deed] = {
        "message": message, "identify": identify, "refresh": refresh, "shutdown": shutdown, "restart": restart, "wake": wake,
    }  # fmt: skip
    return Desk(Ledger(None), Policy(), deeds, now_ms, report, boot="simulated")
